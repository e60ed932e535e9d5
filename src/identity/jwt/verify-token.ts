/** From a bearer token to who asks: read, match with its issuer, judge the claims, and only then touch a key. */
import type { KeptKeys } from "./jwks-cache.ts";
import { hash } from "node:crypto";
import { JsonFault } from "../../ocs/json.ts";
import { readClaims, type Claimed } from "./claims.ts";
import { isSameAlgorithm, type VerificationKey } from "./jwk.ts";
import { openKeySource, type KeysAway, type KeySetState, type KeySource } from "./key-source.ts";
import type { Denial } from "./denial.ts";
import { createMemory } from "./memory.ts";
import { verifySignature } from "./signature.ts";
import { CredentialFault, Unusable, type Identity, type JwtIssuer, type Tell } from "./types.ts";
import { MAX_TOKEN, readToken, type Token } from "./token.ts";

export type Tokens = {
  /** At once for a remembered token and wherever the key is at hand. Never throws, never rejects. */
  readonly identify: (text: string) => Identity | Denial | Promise<Identity | Denial>;
  /** True for a token that was good before and has not expired: it costs one hash to say. */
  readonly knows: (text: string) => boolean;
  /** True for a token of a known issuer that is in force and names a key of the issuer's: all but its signature is right. */
  readonly isPlausible: (text: string) => boolean;
  /**
   * The claim in which tokens of an issuer (its `iss`) name their client; undefined for an issuer that is none of
   * ours.
   */
  readonly clientClaimOf: (issuer: string) => string | undefined;
  /** Of those issuers whose keys are at an address. */
  readonly keySets: () => readonly KeySetState[];
  readonly close: () => void;
};

type Options = {
  readonly issuers: readonly JwtIssuer[];
  readonly now: () => number;
  readonly tell: Tell;
  readonly keptKeys?: KeptKeys | undefined;
};
type Trusted = { readonly issuer: JwtIssuer; readonly keys: KeySource };

const MAX_SKEW = 10 * 60 * 1000;

/** Throws CredentialFault for issuers that cannot be worked with, key files that cannot be read among them. */
export const createTokens = async ({ issuers, now, tell, keptKeys }: Options): Promise<Tokens> => {
  issuers.forEach(checkIssuer);
  const memory = createMemory({ now });
  const forged = new Set<string>();
  const onKeyGone = (): void => {
    memory.clear();
    forged.clear();
  };
  const trusted = await trust(issuers, (issuer) => openKeySource(issuer, { now, tell, onKeyGone, keptKeys }));

  const identify: Tokens["identify"] = (text) => {
    if (text.length > MAX_TOKEN) return denialOf(new Unusable("token-malformed", "the token is too long"));
    const digest = hash("sha256", text, "hex");
    const known = memory.recall(digest);
    if (known) return known;
    if (forged.has(digest)) return denialOf(new BadSignature());
    const reject = (problem: unknown): Denial => {
      if (problem instanceof BadSignature) remember(forged, digest);
      return denialOf(problem);
    };
    const accept = (verified: Verified): Identity => {
      const identity = identityOf(verified, digest);
      memory.keep(digest, identity, verified.claimed.expires);
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
  const knows = (text: string): boolean => text.length <= MAX_TOKEN && memory.knows(hash("sha256", text, "hex"));
  const clientClaimOf = (issuer: string): string | undefined => trusted.get(issuer)?.issuer.claims.client;
  const keySets = (): readonly KeySetState[] => [...trusted.values()].flatMap(({ keys }) => keys.state() ?? []);
  return {
    identify,
    knows,
    isPlausible,
    clientClaimOf,
    keySets,
    close: () => trusted.forEach(({ keys }) => keys.close()),
  };
};

type Verified = { readonly claimed: Claimed; readonly issuer: JwtIssuer };

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

type Question = { readonly text: string; readonly trusted: ReadonlyMap<string, Trusted>; readonly now: number };

const NOT_VALID = "the token's signature is not valid";

/** The signature is not that of the token's own key, which no later moment changes. */
class BadSignature extends Unusable {
  constructor() {
    super("token-signature", NOT_VALID);
  }
}

/** Whether the token is valid cannot be told. */
class KeysUnavailable extends Unusable {
  readonly retryAfter: number;
  constructor(issuer: string, { reason, retryAfter }: KeysAway) {
    super("issuer-unavailable", `the keys of issuer ${issuer} cannot be fetched: ${reason}`);
    this.retryAfter = retryAfter;
  }
}

/** Of tokens that were signed by somebody else, so many are known again without a look at their signature. */
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

/** The order matters: what costs nothing comes first, so that an expired or foreign token makes nobody fetch or verify. */
const prepare = ({ text, trusted, now }: Question): Prepared => {
  const token = readToken(text);
  const iss = token.claims.get("iss");
  const from = typeof iss === "string" ? trusted.get(iss) : undefined;
  if (!from) throw new Unusable("token-issuer", "the token's issuer is none of identity.jwt");
  const { issuer, keys } = from;
  if (!issuer.algorithms.some((name) => isSameAlgorithm(name, token.algorithm)))
    throw new Unusable("token-algorithm", `the token's algorithm is not one of issuer ${issuer.name}'s`);
  return { claimed: readClaims({ claims: token.claims, issuer, now }), issuer, token, keys, key: keys.find(token.kid) };
};

const verify = (question: Question): Verified | Promise<Verified> => {
  const { token, keys, key, ...verified } = prepare(question);
  const from = { issuer: verified.issuer, keys };
  if (key instanceof Promise) return key.then((found) => signed(token, found, from)).then(() => verified);
  signed(token, key, from);
  return verified;
};

const signed = (token: Token, key: VerificationKey | undefined, { issuer, keys }: Trusted): void => {
  if (!key) throw keyless(token, issuer, keys.away(token.kid));
  try {
    verifySignature(token, key);
  } catch (problem) {
    // Nothing but the signature tells that a key without kid was replaced.
    if (key.kid !== undefined && token.kid !== undefined)
      throw problem instanceof Unusable ? problem : new BadSignature();
    keys.renew();
    throw problem;
  }
};

const keyless = ({ kid }: Token, { name }: JwtIssuer, away: KeysAway | undefined): Unusable =>
  away
    ? new KeysUnavailable(name, away)
    : new Unusable(
        "token-key",
        kid === undefined
          ? `the token names no key, and issuer ${name} has several`
          : `the token's key is not one of issuer ${name}'s`,
      );

const trust = async (
  issuers: readonly JwtIssuer[],
  open: (issuer: JwtIssuer) => Promise<KeySource>,
): Promise<ReadonlyMap<string, Trusted>> => {
  const trusted = new Map<string, Trusted>();
  try {
    for (const issuer of issuers) {
      if (trusted.has(issuer.issuer))
        throw new CredentialFault(`issuer "${issuer.name}": another issuer has the same iss`);
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
    if (value === "") throw new CredentialFault(`issuer "${name}": ${key} is empty`);
  if (!(skew >= 0 && skew <= MAX_SKEW))
    throw new CredentialFault(`issuer "${name}": clock_skew is not between 0 and 10 minutes`);
};

/** What the libraries say may quote the token; only our own words are passed on. */
const denialOf = (problem: unknown): Denial => {
  if (problem instanceof KeysUnavailable)
    return { denied: problem.denied, reason: problem.message, retryAfter: problem.retryAfter };
  if (problem instanceof Unusable) return { denied: problem.denied, reason: problem.message };
  if (problem instanceof JsonFault) return { denied: "token-malformed", reason: "the token is not strict JSON" };
  return { denied: "token-signature", reason: NOT_VALID };
};
