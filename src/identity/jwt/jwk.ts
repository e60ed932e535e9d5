/** One key of an issuer's set (RFC 7517) with the one algorithm that it verifies, or why it is skipped. */
import { createPublicKey, type JsonWebKey, type KeyObject } from "node:crypto";
import { isCanonicalBase64url } from "../base64.ts";
import { rsaWeakness } from "./rsa-weakness.ts";

/** Signature algorithms and their keys. No HS*: whoever can verify with a shared secret can also sign. */
const ALGORITHMS = {
  RS256: { kty: "RSA" },
  RS384: { kty: "RSA" },
  RS512: { kty: "RSA" },
  PS256: { kty: "RSA" },
  PS384: { kty: "RSA" },
  PS512: { kty: "RSA" },
  ES256: { kty: "EC", crv: "P-256" },
  ES384: { kty: "EC", crv: "P-384" },
  ES512: { kty: "EC", crv: "P-521" },
  EdDSA: { kty: "OKP", crv: "Ed25519" },
  Ed25519: { kty: "OKP", crv: "Ed25519" },
} as const satisfies Record<string, { readonly kty: string; readonly crv?: string }>;

export type Algorithm = keyof typeof ALGORITHMS;
export type VerificationKey = {
  /** Undefined if the set has none. */
  readonly kid: string | undefined;
  readonly algorithm: Algorithm;
  readonly key: KeyObject;
};

export const isAlgorithm = (name: string): name is Algorithm => Object.hasOwn(ALGORITHMS, name);

/** RFC 9864 renamed EdDSA on this curve; issuers use both names. */
export const isSameAlgorithm = (one: string, other: string): boolean =>
  one === other || (isEd25519(one) && isEd25519(other));
export const isEd25519 = (name: string): boolean => name === "EdDSA" || name === "Ed25519";

export const isKid = (value: unknown): value is string =>
  typeof value === "string" && /^[\x20-\x7e]{1,256}$/.test(value);

export class UnusableKey extends Error {}

type Parameters = Readonly<Record<string, unknown>>;

/** Parameters of public keys, and those that only private ones have (RFC 7518, section 6; RFC 8037). */
const PUBLIC: Readonly<Record<string, readonly string[]>> = { RSA: ["n", "e"], EC: ["x", "y"], OKP: ["x"] };
const PRIVATE = ["d", "p", "q", "dp", "dq", "qi", "oth", "k"];

/** Throws UnusableKey. */
export const readKey = (jwk: Parameters, allowed: readonly Algorithm[]): VerificationKey => {
  const { kid, kty, crv } = jwk;
  const names = typeof kty === "string" && Object.hasOwn(PUBLIC, kty) ? PUBLIC[kty] : undefined;
  if (!names) throw new UnusableKey("it is not an RSA, EC or OKP key");
  if (PRIVATE.some((name) => Object.hasOwn(jwk, name))) throw new UnusableKey("it is a private key");
  checkPurpose(jwk);
  if (kid !== undefined && !isKid(kid)) throw new UnusableKey("its kid is not 1 to 256 printable ASCII characters");
  const algorithm = algorithmOf(jwk, allowed);
  const material = Object.fromEntries(names.map((name) => [name, jwk[name]]));
  if (!Object.values(material).every(isCanonicalBase64url))
    throw new UnusableKey("one of its parameters is not base64url");
  return { kid, algorithm, key: importKey({ kty, ...(crv !== undefined && { crv }), ...material } as JsonWebKey) };
};

const checkPurpose = ({ use, key_ops: operations }: Parameters): void => {
  if (use !== undefined && use !== "sig") throw new UnusableKey("its use is not sig");
  if (operations === undefined) return;
  if (!Array.isArray(operations) || operations.length !== 1 || operations[0] !== "verify")
    throw new UnusableKey("its key_ops are not verify alone");
};

const algorithmOf = ({ alg, kty, crv }: Parameters, allowed: readonly Algorithm[]): Algorithm => {
  const fitting = allowed.filter((name) => {
    const wants: { readonly kty: string; readonly crv?: string } = ALGORITHMS[name];
    return wants.kty === kty && wants.crv === (kty === "RSA" ? undefined : crv);
  });
  const algorithm = fitting.find(
    (name) => alg === undefined || (typeof alg === "string" && isSameAlgorithm(name, alg)),
  );
  if (!algorithm) throw new UnusableKey("none of the issuer's algorithms fits it");
  return algorithm;
};

const importKey = (material: JsonWebKey): KeyObject => {
  let key: KeyObject;
  try {
    // Throws also for a point that is not on its curve.
    key = createPublicKey({ key: material, format: "jwk" });
  } catch {
    throw new UnusableKey("it is not a valid key of its type");
  }
  const weakness = material.kty === "RSA" ? rsaWeakness(key, material.n!) : undefined;
  if (weakness !== undefined) throw new UnusableKey(weakness);
  return key;
};
