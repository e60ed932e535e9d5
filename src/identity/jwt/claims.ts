/** Checks the claims of a token (RFC 7519; RFC 8725, sections 3.8 to 3.12). */
import { RejectedCredential, type JwtIssuer } from "../types.ts";
import { isArray, isFraction, isObject, type Claims } from "./token.ts";

export type AcceptedClaims = {
  readonly client: string;
  readonly tenant?: string;
  readonly jti?: string;
  readonly boundTo?: string;
  /** Milliseconds since 1970. */
  readonly expires: number;
};

type Context = {
  readonly claims: Claims;
  readonly issuer: JwtIssuer;
  /** Milliseconds since 1970. */
  readonly now: number;
};

/** Default maximum lifetime: with a longer one, a token's claims would become outdated. */
const MAX_LIFETIME = 24 * 60 * 60 * 1000;
const MAX_JTI = 256;
/** The last second of a JavaScript Date. */
const LAST_SECOND = 8.64e12;

/** Throws RejectedCredential. `iss` is not checked: it has selected the issuer. */
export const readClaims = (context: Context): AcceptedClaims => {
  const { claims, issuer } = context;
  const expires = readLifetime(context);
  if (!isForAudience(claims, issuer.audience))
    throw new RejectedCredential("token-audience", `the token is not for audience ${issuer.audience}`);
  const client = claims.get(issuer.claims.client);
  if (typeof client !== "string" || client === "")
    throw new RejectedCredential(
      "token-claims",
      `the token names no client: claim ${issuer.claims.client} is missing or not a text`,
    );
  return { client, ...readTenant(context), ...readJti(claims), ...readBinding(claims), expires };
};

const readLifetime = ({ claims, issuer, now }: Context): number => {
  const expires = timeOf(claims, "exp");
  const issued = timeOf(claims, "iat");
  const skew = issuer.clock_skew;
  if (expires === undefined) throw new RejectedCredential("token-claims", "the token has no exp");
  const notBefore = timeOf(claims, "nbf") ?? now;
  if (now > expires + skew) throw new RejectedCredential("token-expired", `the token expired at ${iso(expires)}`);
  if (notBefore > now + skew)
    throw new RejectedCredential("token-not-yet-valid", `the token is not valid before ${iso(notBefore)}`);
  if ((issued ?? now) > now + skew)
    throw new RejectedCredential("token-not-yet-valid", `the token's iat ${iso(issued!)} is in the future`);
  const lifetime = expires - (issued ?? now);
  const longest = issuer.max_lifetime ?? MAX_LIFETIME;
  if (lifetime > longest)
    throw new RejectedCredential(
      "token-lifetime",
      `the token's lifetime of ${seconds(lifetime)} exceeds max_lifetime (${seconds(longest)})`,
    );
  return expires;
};

/** RFC 7519, section 2: a NumericDate is in seconds, and may have a fraction or an exponent. */
const timeOf = (claims: Claims, name: "exp" | "nbf" | "iat"): number | undefined => {
  if (!claims.has(name)) return undefined;
  const value = claims.get(name);
  const seconds = isFraction(value) ? value.value : value;
  if (typeof seconds !== "number" || Math.abs(seconds) > LAST_SECOND)
    throw new RejectedCredential("token-claims", `the token's ${name} is not a number of seconds`);
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

const readTenant = ({ claims, issuer }: Context): { readonly tenant?: string } => {
  const name = issuer.claims.tenant;
  if (name === undefined || !claims.has(name)) return {};
  const tenant = claims.get(name);
  const text = typeof tenant === "number" || typeof tenant === "bigint" ? String(tenant) : tenant;
  if (typeof text !== "string" || text === "")
    throw new RejectedCredential("token-claims", "the token's tenant is neither a name nor a DBID");
  return { tenant: text };
};

const readJti = (claims: Claims): { readonly jti?: string } => {
  if (!claims.has("jti")) return {};
  const jti = claims.get("jti");
  if (typeof jti !== "string" || jti === "" || jti.length > MAX_JTI)
    throw new RejectedCredential("token-claims", "the token's jti is not a text of 1 to 256 characters");
  return { jti };
};

const THUMBPRINT = /^[A-Za-z0-9_-]{43}$/;

/** Reads the binding of a token to a certificate (RFC 7800). Rejects unknown kinds of binding. */
const readBinding = (claims: Claims): { readonly boundTo?: string } => {
  if (!claims.has("cnf")) return {};
  const confirmation = claims.get("cnf");
  const [only, ...more] = isObject(confirmation) ? confirmation.members : [];
  if (only?.key !== "x5t#S256" || more.length > 0)
    throw new RejectedCredential("token-claims", "the token's cnf must have x5t#S256 only");
  if (typeof only.value !== "string" || !THUMBPRINT.test(only.value))
    throw new RejectedCredential("token-claims", "the token's x5t#S256 is not a SHA-256 in base64url");
  return { boundTo: only.value };
};
