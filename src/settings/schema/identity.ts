/** `identity`: how clients authenticate. */
import { z } from "zod";
import { count, duration, label, lifetime, off, path, rate, text, webAddress } from "./units.ts";

/** Asymmetric signatures only: with a shared secret (HS*) the verifier could also issue tokens. */
const ALGORITHMS = [
  "RS256",
  "RS384",
  "RS512",
  "PS256",
  "PS384",
  "PS512",
  "ES256",
  "ES384",
  "ES512",
  "EdDSA",
  "Ed25519",
] as const;

const CARRIER_EXPECTED = 'expected basic or "header:<name>", for example "header:X-Api-Key"';
const CARRIER = /^(basic|header:[A-Za-z0-9!#$%&'*+.^_`|~-]{1,64})$/;
const carrier = z.string({ error: CARRIER_EXPECTED }).regex(CARRIER, { error: CARRIER_EXPECTED });

const claims = z.strictObject({
  client: text.default("azp").describe("Claim with the client's name."),
  tenant: off(text).describe(
    "Claim with a tenant's name or DBID. It can only restrict the tenants of the client. Default: not read.",
  ),
});

const tenants = off(
  z.array(text).min(1, { error: "expected at least one name or DBID of a tenant; leave tenants out for all of them" }),
);

const issuer = z.strictObject({
  name: label.describe("Name of your choice, shown in the journal."),
  issuer: text.describe("Exact value of the claim iss."),
  audience: text.describe("Value that the claim aud must contain."),
  jwks_uri: off(webAddress).describe("URL from which the issuer's keys (JWKS) are fetched. Set this or jwks_file."),
  jwks_file: off(path).describe("File with the issuer's keys (JWKS). Set this or jwks_uri."),
  algorithms: z
    .array(z.enum(ALGORITHMS))
    .min(1, { error: "expected at least one algorithm; leave algorithms out for RS256 and ES256" })
    .default(["RS256", "ES256"])
    .describe("Accepted signature algorithms."),
  clock_skew: duration.prefault("30s").describe("Accepted difference to the issuer's clock, 5m at most."),
  max_lifetime: lifetime
    .prefault("24h")
    .describe("Longest accepted lifetime of a token, from iat to exp. 30d at most."),
  claims: claims.prefault({}).describe("Claims that name client and tenant."),
  tenants: tenants.describe("Names or DBIDs of the tenants for which this issuer's tokens are accepted. Default: all."),
  max_stale: duration
    .prefault("24h")
    .describe("How long the last good keys of jwks_uri are used while they cannot be fetched, also after restarts."),
});

const certificate = z.strictObject({
  name: label.describe("Name of your choice, shown in the journal."),
  san_dns: text.describe(
    "DNS name in the client's certificate; * stands for a part of one label, as in ors-*.example.com.",
  ),
  client: label.describe("Client that such a certificate authenticates."),
  ca: off(path).describe(
    "PEM file with the authority that must have issued the certificate. Default: any in the listener's client_ca.",
  ),
  tenants: tenants.describe(
    "Names or DBIDs of the tenants for which such a certificate is accepted. Default: all of the client's tenants.",
  ),
});

const failures = z.strictObject({
  rate: rate
    .prefault("10/s")
    .describe("Long-term rate of different failed credentials from one address, and of failures of one credential."),
  burst: count(1_000_000)
    .default(100)
    .describe(
      "Failed credentials allowed at once. After that the address gets 429; credentials that worked from it before " +
        "are still accepted, and 25 tokens of known issuers are still verified each second.",
    ),
});

const keys = z.strictObject({
  file: path.describe("Keys file with hashes of API keys, written by ocsgw keys."),
  carriers: z
    .array(carrier)
    .min(1, {
      error: 'expected basic, "header:<name>" or both; leave carriers out for basic and "header:X-Api-Key"',
    })
    .default(["basic", "header:X-Api-Key"])
    .describe("Where a client may send its key: basic (user = client, password = key) or header:<name>."),
});

export const identity = z.strictObject({
  jwt: z.array(issuer).prefault([]).describe("Issuers of bearer tokens (JWT)."),
  mtls: z.array(certificate).default([]).describe("Client certificates, by DNS name."),
  keys: off(keys).describe("API keys. Default: off."),
  failures: failures
    .prefault({})
    .describe("Limit of failed credentials from one address, and of failures of one credential."),
});
