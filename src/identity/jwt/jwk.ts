/** One key of an issuer's set (RFC 7517): the one algorithm that it verifies, or why it is left out. */
import { createPublicKey, type JsonWebKey, type KeyObject } from "node:crypto";
import { isCanonicalBase64url } from "./base64.ts";
import { rsaWeakness } from "./rsa.ts";

/** The signature algorithms there are, with the keys that they take. No HS*: a secret that verifies can also sign. */
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
  /** Undefined where the set names none. */ readonly kid: string | undefined;
  readonly algorithm: Algorithm;
  readonly key: KeyObject;
};

export const isAlgorithm = (name: string): name is Algorithm => Object.hasOwn(ALGORITHMS, name);

/** RFC 9864 gives EdDSA on this curve a name of its own; issuers write either. */
export const isSameAlgorithm = (one: string, other: string): boolean =>
  one === other || (isEd25519(one) && isEd25519(other));
export const isEd25519 = (name: string): boolean => name === "EdDSA" || name === "Ed25519";

export const isKid = (value: unknown): value is string =>
  typeof value === "string" && /^[\x20-\x7e]{1,256}$/.test(value);

export class UnfitKey extends Error {}

type Parameters = Readonly<Record<string, unknown>>;

/** The parameters that make up a public key, and those that betray a private one (RFC 7518, section 6; RFC 8037). */
const PUBLIC: Readonly<Record<string, readonly string[]>> = { RSA: ["n", "e"], EC: ["x", "y"], OKP: ["x"] };
const PRIVATE = ["d", "p", "q", "dp", "dq", "qi", "oth", "k"];

/** Throws UnfitKey with the reason. */
export const readKey = (jwk: Parameters, allowed: readonly Algorithm[]): VerificationKey => {
  const { kid, kty, crv } = jwk;
  const names = typeof kty === "string" && Object.hasOwn(PUBLIC, kty) ? PUBLIC[kty] : undefined;
  if (!names) throw new UnfitKey("not an RSA, EC or OKP key");
  if (PRIVATE.some((name) => Object.hasOwn(jwk, name))) throw new UnfitKey("a private key");
  checkPurpose(jwk);
  if (kid !== undefined && !isKid(kid)) throw new UnfitKey("no usable kid");
  const algorithm = algorithmOf(jwk, allowed);
  const material = Object.fromEntries(names.map((name) => [name, jwk[name]]));
  if (!Object.values(material).every(isCanonicalBase64url)) throw new UnfitKey("a key parameter is not base64url");
  return { kid, algorithm, key: importKey({ kty, ...(crv !== undefined && { crv }), ...material } as JsonWebKey) };
};

const checkPurpose = ({ use, key_ops: operations }: Parameters): void => {
  if (use !== undefined && use !== "sig") throw new UnfitKey("its use is not sig");
  if (operations === undefined) return;
  if (!Array.isArray(operations) || operations.length !== 1 || operations[0] !== "verify")
    throw new UnfitKey("its key_ops are not just verify");
};

const algorithmOf = ({ alg, kty, crv }: Parameters, allowed: readonly Algorithm[]): Algorithm => {
  const fitting = allowed.filter((name) => {
    const wants: { readonly kty: string; readonly crv?: string } = ALGORITHMS[name];
    return wants.kty === kty && wants.crv === (kty === "RSA" ? undefined : crv);
  });
  const algorithm = fitting.find(
    (name) => alg === undefined || (typeof alg === "string" && isSameAlgorithm(name, alg)),
  );
  if (!algorithm) throw new UnfitKey("no algorithm of this issuer's list fits it");
  return algorithm;
};

const importKey = (material: JsonWebKey): KeyObject => {
  let key: KeyObject;
  try {
    // Also refuses a point that is not on its curve.
    key = createPublicKey({ key: material, format: "jwk" });
  } catch {
    throw new UnfitKey("not a valid key of its type");
  }
  const weakness = material.kty === "RSA" ? rsaWeakness(key, material.n!) : undefined;
  if (weakness !== undefined) throw new UnfitKey(weakness);
  return key;
};
