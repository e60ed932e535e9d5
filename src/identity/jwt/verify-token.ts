/** Verifies a bearer token: reads it, finds its issuer, checks the claims, then verifies the signature. */
import type { KeySetCacheOptions } from "./jwks-cache.ts";
import { hash } from "node:crypto";
import { JsonFault } from "../../ocs/json-fault.ts";
import { readClaims, type AcceptedClaims } from "./claims.ts";
import { isSameAlgorithm, type VerificationKey } from "./jwk.ts";
import { openKeySource, type KeySource } from "./key-source.ts";
import type { KeysUnavailable, KeySetState } from "./jwks-remote.ts";
import type { Denial } from "../auth-failure.ts";
import { createTokenCache } from "../token-cache.ts";
import { verifySignature } from "./signature.ts";
import {
  CredentialSettingsError,
  RejectedCredential,
  type Identity,
  type JwtIssuer,
  type ReportCredentialEvent,
} from "../types.ts";
import { MAX_TOKEN, readToken, type Token } from "./token.ts";

export type TokenVerifier = {
  /** Synchronous for a cached token, and if the key is known. Never throws, never rejects. */
  readonly identify: (text: string) => Identity | Denial | Promise<Identity | Denial>;
  /** True for a token that was valid before and has not expired. Costs one hash. */
  readonly wasValid: (text: string) => boolean;
  /** True for a token with a known issuer, valid claims and a known key. Does not verify the signature. */
  readonly isPlausible: (text: string) => boolean;
  /** The claim in which tokens of an issuer (its `iss`) name their client; undefined for an unknown issuer. */
  readonly clientClaimOf: (issuer: string) => string | undefined;
  /** The key sets of issuers whose keys are at an address. */
  readonly keySets: () => readonly KeySetState[];
  readonly close: () => void;
};

type Options = {
  readonly issuers: readonly JwtIssuer[];
  readonly now: () => number;
  readonly onEvent: ReportCredentialEvent;
  readonly keySetCache?: KeySetCacheOptions | undefined;
};
type Trusted = { readonly issuer: JwtIssuer; readonly keys: KeySource };

const MAX_SKEW = 10 * 60 * 1000;

/** Rejects with CredentialSettingsError for an invalid issuer or an unreadable key file. */
export const createTokenVerifier = async ({ issuers, now, onEvent, keySetCache }: Options): Promise<TokenVerifier> => {
  issuers.forEach(checkIssuer);
  const cache = createTokenCache({ now });
  const forged = new Set<string>();
  const onKeyGone = (): void => {
    cache.clear();
    forged.clear();
  };
  const trusted = await trust(issuers, (issuer) => openKeySource(issuer, { now, onEvent, onKeyGone, keySetCache }));

  const identify: TokenVerifier["identify"] = (text) => {
    if (text.length > MAX_TOKEN) return denialOf(new RejectedCredential("token-malformed", "the token is too long"));
    const digest = hash("sha256", text, "hex");
    const known = cache.get(digest);
    if (known) return known;
    if (forged.has(digest)) return denialOf(new BadSignature());
    const reject = (problem: unknown): Denial => {
      if (problem instanceof BadSignature) remember(forged, digest);
      return denialOf(problem);
    };
    const accept = (verified: Verified): Identity => {
      const identity = identityOf(verified, digest);
      cache.set(digest, identity, verified.claimed.expires);
      return identity;
    };
    try {
      const verified = verify({ text, trusted, now: now() });
      return verified instanceof Promise ? verified.then(accept).catch(reject) : accept(verified);
    } catch (problem) {
      return reject(problem);
    }
  };
  const isPlausible = (text: string): boolean => {
    if (text.length > MAX_TOKEN || forged.has(hash("sha256", text, "hex"))) return false;
    try {
      return prepare({ text, trusted, now: now() }).key !== undefined;
    } catch {
      return false;
    }
  };
  const wasValid = (text: string): boolean => text.length <= MAX_TOKEN && cache.wasValid(hash("sha256", text, "hex"));
  const clientClaimOf = (issuer: string): string | undefined => trusted.get(issuer)?.issuer.claims.client;
  const keySets = (): readonly KeySetState[] => [...trusted.values()].flatMap(({ keys }) => keys.state() ?? []);
  return {
    identify,
    wasValid,
    isPlausible,
    clientClaimOf,
    keySets,
    close: () => trusted.forEach(({ keys }) => keys.close()),
  };
};

type Verified = { readonly claimed: AcceptedClaims; readonly issuer: JwtIssuer };

const identityOf = (
  { claimed: { client, tenant, jti, boundTo }, issuer: { tenants } }: Verified,
  digest: string,
): Identity => ({
  client,
  credential: { kind: "jwt", id: jti ?? digest.slice(0, 16) },
  ...(tenant !== undefined && { tenant }),
  ...(tenants && { tenants }),
  ...(boundTo !== undefined && { boundTo }),
});

type TokenCheck = { readonly text: string; readonly trusted: ReadonlyMap<string, Trusted>; readonly now: number };

const INVALID_SIGNATURE = "the token's signature is invalid";

/** The token's signature is permanently invalid. */
class BadSignature extends RejectedCredential {
  constructor() {
    super("token-signature", INVALID_SIGNATURE);
  }
}

/** The token may be valid: its issuer's keys cannot be fetched. */
class IssuerUnavailable extends RejectedCredential {
  readonly retryAfter: number;
  constructor(issuer: string, { reason, retryAfter }: KeysUnavailable) {
    super("issuer-unavailable", `the keys of issuer ${issuer} cannot be fetched: ${reason}`);
    this.retryAfter = retryAfter;
  }
}

/** Maximum remembered tokens with an invalid signature, which are not verified again. */
const MOST_FORGED = 10_000;

const remember = (forged: Set<string>, digest: string): void => {
  if (forged.size >= MOST_FORGED) forged.delete(forged.values().next().value!);
  forged.add(digest);
};

type Prepared = Verified & {
  readonly token: Token;
  readonly keys: KeySource;
  readonly key: ReturnType<KeySource["find"]>;
};

/** Cheap checks come first, so that an expired or foreign token causes neither a fetch nor a verification. */
const prepare = ({ text, trusted, now }: TokenCheck): Prepared => {
  const token = readToken(text);
  const iss = token.claims.get("iss");
  const from = typeof iss === "string" ? trusted.get(iss) : undefined;
  if (!from) throw new RejectedCredential("token-issuer", "the token's issuer is not in identity.jwt");
  const { issuer, keys } = from;
  if (!issuer.algorithms.some((name) => isSameAlgorithm(name, token.algorithm)))
    throw new RejectedCredential(
      "token-algorithm",
      `the token's algorithm is not one of issuer ${issuer.name}'s algorithms`,
    );
  return { claimed: readClaims({ claims: token.claims, issuer, now }), issuer, token, keys, key: keys.find(token.kid) };
};

const verify = (check: TokenCheck): Verified | Promise<Verified> => {
  const { token, keys, key, ...verified } = prepare(check);
  const from = { issuer: verified.issuer, keys };
  if (key instanceof Promise) return key.then((found) => requireSignature(token, found, from)).then(() => verified);
  requireSignature(token, key, from);
  return verified;
};

const requireSignature = (token: Token, key: VerificationKey | undefined, { issuer, keys }: Trusted): void => {
  if (!key) throw withoutKey(token, issuer, keys.whyUnavailable(token.kid));
  try {
    verifySignature(token, key);
  } catch (problem) {
    // Only an invalid signature shows that a key without kid was replaced.
    if (key.kid !== undefined && token.kid !== undefined)
      throw problem instanceof RejectedCredential ? problem : new BadSignature();
    keys.refresh();
    throw problem;
  }
};

const withoutKey = (
  { kid }: Token,
  { name }: JwtIssuer,
  unavailable: KeysUnavailable | undefined,
): RejectedCredential =>
  unavailable
    ? new IssuerUnavailable(name, unavailable)
    : new RejectedCredential(
        "token-key",
        kid === undefined
          ? `the token has no kid, and issuer ${name} has several keys`
          : `the token's kid is not one of issuer ${name}'s keys`,
      );

const trust = async (
  issuers: readonly JwtIssuer[],
  open: (issuer: JwtIssuer) => Promise<KeySource>,
): Promise<ReadonlyMap<string, Trusted>> => {
  const trusted = new Map<string, Trusted>();
  try {
    for (const issuer of issuers) {
      if (trusted.has(issuer.issuer))
        throw new CredentialSettingsError(`issuer "${issuer.name}": another issuer has the same URL (issuer)`);
      trusted.set(issuer.issuer, { issuer, keys: await open(issuer) });
    }
    return trusted;
  } catch (problem) {
    for (const { keys } of trusted.values()) keys.close();
    throw problem;
  }
};

const checkIssuer = ({ name, issuer, audience, clock_skew: skew, claims }: JwtIssuer): void => {
  const needed = { issuer, audience, "claims.client": claims.client, "claims.tenant": claims.tenant ?? "none" };
  for (const [key, value] of Object.entries(needed))
    if (value === "") throw new CredentialSettingsError(`issuer "${name}": ${key} is empty`);
  if (!(skew >= 0 && skew <= MAX_SKEW))
    throw new CredentialSettingsError(`issuer "${name}": clock_skew is not between 0 and 10 minutes`);
};

/** Messages of libraries may quote the token, so only messages of the gateway are used. */
const denialOf = (problem: unknown): Denial => {
  if (problem instanceof IssuerUnavailable)
    return { denied: problem.denied, reason: problem.message, retryAfter: problem.retryAfter };
  if (problem instanceof RejectedCredential) return { denied: problem.denied, reason: problem.message };
  if (problem instanceof JsonFault) return { denied: "token-malformed", reason: "the token is not strict JSON" };
  return { denied: "token-signature", reason: INVALID_SIGNATURE };
};
