/** `admin.oidc`: the OpenID provider of the console's users. */
import { z } from "zod";
import { duration, isLoopback, name, off, path, secret, text, webAddress } from "./units.ts";

const CLAIM = { error: "expected the name of a claim, or a list of names for a claim inside others" };
const claim = z.union([text, z.array(text).min(1, CLAIM)], CLAIM);

const claims = z.strictObject({
  user: claim
    .default("preferred_username")
    .describe("Claim with the user's name for pages and journal; one that users cannot choose themselves."),
  role: claim.describe(
    "Claim with the values that give roles: a text or a list of texts. A list of names finds a claim inside others, " +
      "for example [realm_access, roles].",
  ),
  tenants: off(claim).describe(
    "Claim with the names or DBIDs of the tenants that the user may see; a user without it cannot log in. Default: " +
      "off; every user sees all tenants.",
  ),
});

const values = (role: string) =>
  z.array(text).default([role]).describe(`Values of the claim that give the role ${role}. [] for none.`);

const roles = z.strictObject({
  viewer: values("viewer"),
  operator: values("operator"),
  auditor: values("auditor"),
});

const ISSUER = { error: "expected an http or https address without user, password, query or fragment" };
const SCOPE = { error: "expected a scope without spaces, for example profile" };
const ADDRESS = { error: "expected scheme://host:port without a path, for example https://console.example.internal" };

export const oidc = z.strictObject({
  issuer: text
    .refine((given) => isIssuer(given), ISSUER)
    .describe(
      "The provider's issuer, exactly as in its /.well-known/openid-configuration. https, or http on loopback.",
    ),
  client_id: text.describe("The gateway's id at the provider."),
  client_secret: off(secret).describe(
    "The gateway's secret at the provider, best as ${file:PATH}. Default: off, for a public client.",
  ),
  client_auth: z
    .enum(["basic", "post"])
    .default("basic")
    .describe("How the secret is sent: basic (client_secret_basic) or post (client_secret_post)."),
  name: off(name).describe("What the login page calls the provider. Default: off; the host of the issuer."),
  address: off(
    webAddress
      .refine((given) => isOrigin(given), ADDRESS)
      .transform((given) => (URL.canParse(given) ? new URL(given).origin : given)),
  ).describe(
    "The console's address in browsers. The redirect URI at the provider is this address with /login/callback. " +
      "Default: off; the address that the browser uses, which must be one of this listener's names.",
  ),
  scopes: z
    .array(z.string(SCOPE).regex(/^[\x21\x23-\x5b\x5d-\x7e]+$/, SCOPE))
    .default(["openid", "profile"])
    .refine((all) => all.includes("openid"), { error: "expected openid among the scopes" })
    .describe("Scopes that are asked for; openid is needed."),
  claims: claims.describe("Claims that say who the user is, and with which roles and tenants."),
  roles: roles.prefault({}).describe("Values of the claim of roles, by the role that they give."),
  all_tenants: off(text).describe("Value of the claim of tenants that means all tenants. Default: off."),
  ca: off(path).describe(
    "PEM file with the authorities that issued the provider's certificate. Default: off; those that Node knows.",
  ),
  clock_skew: duration.prefault("30s").describe("Accepted difference to the provider's clock, 5m at most."),
});

const isOrigin = (given: string): boolean => {
  const url = URL.parse(given);
  return url !== null && url.pathname === "/" && url.search === "";
};

const isIssuer = (given: string): boolean => {
  const url = URL.parse(given);
  return url !== null && /^https?:$/.test(url.protocol) && !/[?#@]/.test(given);
};

/** True for an address that only this machine reaches, or that uses TLS. */
export const isProtected = (address: string): boolean => {
  const url = URL.parse(address);
  return url === null || url.protocol === "https:" || isLoopback(url.hostname);
};
