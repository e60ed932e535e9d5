/** `identity`: the ways a client proves who it is. */
import { z } from "zod";
import { count, duration, label, lifetime, off, path, rate, text, webAddress } from "./units.ts";

/** Signatures only: with a shared secret (HS*) whoever verifies could also mint, and none is no proof at all. */
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

const CARRIER = /^(basic|header:[A-Za-z0-9!#$%&'*+.^_`|~-]{1,64})$/;
const carrier = z
  .string({ error: 'expected basic or "header:<name>"' })
  .regex(CARRIER, { error: 'expected basic or "header:<name>"' });

const claims = z.strictObject({
  client: text.default("azp").describe("The claim that holds the client's name."),
  tenant: off(text).describe(
    "The claim that holds a tenant's name or DBID. It narrows, never widens. Not read when left out.",
  ),
});

const tenants = off(z.array(text).min(1, { error: "expected at least one tenant" }));

const issuer = z.strictObject({
  name: label.describe("A name of your own for the journal."),
  issuer: text.describe("The exact value of iss."),
  audience: text.describe("The value that aud must hold."),
  jwks_uri: off(webAddress).describe("Where the issuer's keys are fetched. Either this or jwks_file."),
  jwks_file: off(path).describe("The issuer's keys as a file. Either this or jwks_uri."),
  algorithms: z
    .array(z.enum(ALGORITHMS))
    .min(1, { error: "expected at least one algorithm" })
    .default(["RS256", "ES256"])
    .describe("Signature algorithms that count."),
  clock_skew: duration.prefault("30s").describe("How far the issuer's clock may be off."),
  max_lifetime: lifetime
    .prefault("24h")
    .describe("The longest life of a token, from iat to exp; one that lives longer is refused. 30d at most."),
  claims: claims.prefault({}).describe("Which claims name client and tenant."),
  tenants: tenants.describe("Names or DBIDs of the tenants that this issuer may speak for. All when left out."),
  max_stale: duration
    .prefault("24h")
    .describe("How long the last good keys of jwks_uri count while they cannot be fetched, over restarts too."),
});

const certificate = z.strictObject({
  name: label.describe("A name of your own for the journal."),
  san_dns: text.describe("The DNS name in the client's certificate; * stands for one part of it."),
  client: label.describe("The client that holds such a certificate."),
  ca: off(path).describe(
    "The authority, PEM, that must stand above the certificate. Any of the listener's client_ca when left out.",
  ),
  tenants: tenants.describe(
    "Names or DBIDs of the tenants that such a certificate may speak for. All of the client's when left out.",
  ),
});

const failures = z.strictObject({
  rate: rate
    .prefault("10/s")
    .describe("Different credentials that fail, from one address in the long run; and how often one credential may."),
  burst: count(1_000_000)
    .default(100)
    .describe(
      "Such credentials at once. Beyond, an address gets 429; what was valid before passes, and 25 tokens of known issuers are verified each second.",
    ),
});

const keys = z.strictObject({
  file: path.describe("The keys file: hashes only, written by ocsgw keys."),
  carriers: z
    .array(carrier)
    .min(1, { error: "expected at least one carrier" })
    .default(["basic", "header:X-Api-Key"])
    .describe("Where a key may stand: basic (user = client, password = key) or a header."),
});

export const identity = z.strictObject({
  jwt: z.array(issuer).prefault([]).describe("Issuers of bearer tokens."),
  mtls: z.array(certificate).default([]).describe("Client certificates, by name."),
  keys: off(keys).describe("API keys. Off when left out."),
  failures: failures
    .prefault({})
    .describe("How often an address may show another credential that fails, and how often one may fail."),
});
