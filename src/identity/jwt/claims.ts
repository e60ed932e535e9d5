/** What a token must claim before it speaks for a client (RFC 7519; RFC 8725, sections 3.8 to 3.12). */
import { Unusable, type JwtIssuer } from "./types.ts";
import { isArray, isFraction, isObject, type Claims } from "./token.ts";

export type Claimed = {
  readonly client: string;
  readonly tenant?: string;
  readonly jti?: string;
  readonly boundTo?: string;
  /** Milliseconds since 1970. */
  readonly expires: number;
};

type Judgement = {
  readonly claims: Claims;
  readonly issuer: JwtIssuer;
  /** Milliseconds since 1970. */ readonly now: number;
};

/** A token that lives longer cannot be called back in time. */
const MAX_LIFETIME = 24 * 60 * 60 * 1000;
const MAX_JTI = 256;
/** The last one that a date in JavaScript reaches. */
const LAST_SECOND = 8.64e12;

/** Throws Unusable. `iss` has been compared already: it chose the issuer. */
export const readClaims = (judgement: Judgement): Claimed => {
  const { claims, issuer } = judgement;
  const expires = readLifetime(judgement);
  if (!isForAudience(claims, issuer.audience))
    throw new Unusable("token-audience", `the token is not for the audience ${issuer.audience}`);
  const client = claims.get(issuer.claims.client);
  if (typeof client !== "string" || client === "")
    throw new Unusable("token-claims", `the token names no client: it has no claim ${issuer.claims.client}`);
  return { client, ...readTenant(judgement), ...readJti(claims), ...readBinding(claims), expires };
};

const readLifetime = ({ claims, issuer, now }: Judgement): number => {
  const expires = momentOf(claims, "exp");
  const issued = momentOf(claims, "iat");
  const skew = issuer.clock_skew;
  if (expires === undefined) throw new Unusable("token-claims", "the token has no exp");
  const begins = momentOf(claims, "nbf") ?? now;
  if (now > expires + skew) throw new Unusable("token-expired", `the token expired at ${iso(expires)}`);
  if (begins > now + skew) throw new Unusable("token-not-yet-valid", `the token is not valid before ${iso(begins)}`);
  if ((issued ?? now) > now + skew)
    throw new Unusable("token-not-yet-valid", `the token is issued at ${iso(issued!)}, a time to come`);
  const life = expires - (issued ?? now);
  const longest = issuer.max_lifetime ?? MAX_LIFETIME;
  if (life > longest)
    throw new Unusable(
      "token-lifetime",
      `the token lives for ${seconds(life)}, longer than max_lifetime (${seconds(longest)})`,
    );
  return expires;
};

/** RFC 7519, section 2: a NumericDate is seconds, and may have a fraction or an exponent. */
const momentOf = (claims: Claims, name: "exp" | "nbf" | "iat"): number | undefined => {
  if (!claims.has(name)) return undefined;
  const value = claims.get(name);
  const seconds = isFraction(value) ? value.value : value;
  if (typeof seconds !== "number" || Math.abs(seconds) > LAST_SECOND)
    throw new Unusable("token-claims", `the token's ${name} is not a number of seconds`);
  return seconds * 1000;
};

const seconds = (ms: number): string => `${Math.ceil(ms / 1000)} s`;

const iso = (ms: number): string => new Date(ms).toISOString();

const isForAudience = (claims: Claims, audience: string): boolean => {
  const named = claims.get("aud");
  return isArray(named)
    ? named.items.every((item) => typeof item === "string") && named.items.includes(audience)
    : named === audience;
};

const readTenant = ({ claims, issuer }: Judgement): { readonly tenant?: string } => {
  const name = issuer.claims.tenant;
  if (name === undefined || !claims.has(name)) return {};
  const tenant = claims.get(name);
  const text = typeof tenant === "number" || typeof tenant === "bigint" ? String(tenant) : tenant;
  if (typeof text !== "string" || text === "")
    throw new Unusable("token-claims", "the token's tenant is neither a name nor a DBID");
  return { tenant: text };
};

const readJti = (claims: Claims): { readonly jti?: string } => {
  if (!claims.has("jti")) return {};
  const jti = claims.get("jti");
  if (typeof jti !== "string" || jti === "" || jti.length > MAX_JTI)
    throw new Unusable("token-claims", "the token's jti is not a text of 1 to 256 characters");
  return { jti };
};

const THUMBPRINT = /^[A-Za-z0-9_-]{43}$/;

/** Whoever binds a token (RFC 7800) wants it useless in other hands: a binding that is not understood makes it useless in all. */
const readBinding = (claims: Claims): { readonly boundTo?: string } => {
  if (!claims.has("cnf")) return {};
  const confirmation = claims.get("cnf");
  const [only, ...more] = isObject(confirmation) ? confirmation.members : [];
  if (only?.key !== "x5t#S256" || more.length > 0)
    throw new Unusable("token-claims", "the token's cnf is not x5t#S256 alone");
  if (typeof only.value !== "string" || !THUMBPRINT.test(only.value))
    throw new Unusable("token-claims", "the token's x5t#S256 is no SHA-256");
  return { boundTo: only.value };
};
