/**
 * Why a request is nobody's: each word of the list, with a sentence that names what an operator looks for and no
 * secret.
 */
import { createHash } from "node:crypto";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import {
  AUTH_FAILURES,
  createRevocations,
  isDenial,
  type IdentifyRequest,
  type AuthFailure,
  type Denial,
  type KeyRecord,
} from "../../src/identity/credentials.ts";
import { createAuthThrottle } from "../../src/identity/auth-throttle.ts";
import { anIssuer, aWorld, bearer, claims, ecPair, es256, jwkOf, NOW, SECONDS, without, type Opened } from "./kit.ts";

const [ec, stranger] = [ecPair(), ecPair()];
const world = aWorld();
const SECRETS = ["sk_live_1", "sk_expired_1", "sk_revoked_1", "sk_banned_1", "sk_other_1"];
const record = (id: string, client: string, key: string, more: Partial<KeyRecord> = {}): KeyRecord => ({
  id,
  client,
  hash: `sha256:${createHash("sha256").update(key).digest("hex")}`,
  ...more,
});
let gate: Opened;

beforeAll(async () => {
  const revocations = createRevocations(() => NOW);
  revocations.add({ kind: "key", id: "k-banned" });
  gate = await world.open({
    jwt: [anIssuer({ jwks_file: world.file("keys.json", { keys: [jwkOf(ec.publicKey, { kid: "ec" })] }) })],
    certificates: [
      { name: "one", san_dns: "ors.test", client: "ors-main" },
      { name: "two", san_dns: "ivr.test", client: "ivr" },
    ],
    keys: {
      records: [
        record("k1", "ors-main", "sk_live_1"),
        record("k2", "ivr", "sk_other_1"),
        record("k-banned", "ors-main", "sk_banned_1"),
        record("k-old", "ors-main", "sk_expired_1", { expires: "2026-01-01" }),
        record("k-gone", "ors-main", "sk_revoked_1", { revoked: "2026-01-02" }),
      ],
      carriers: ["basic", "header:X-Api-Key"],
    },
    revocations,
  });
});
afterAll(() => world.end());

const key = (value: string): IdentifyRequest["headers"] => [["X-Api-Key", value]];
const basic = (text: string): IdentifyRequest["headers"] => [
  ["Authorization", `Basic ${Buffer.from(text).toString("base64")}`],
];
const token = (
  more: object = {},
  header: object = { alg: "ES256", kid: "ec" },
  signer = ec,
): IdentifyRequest["headers"] => bearer(es256(signer.privateKey, header, claims(more)));
const peer = (names: readonly string[], fault?: string): IdentifyRequest["peer"] => ({
  names,
  thumbprint: "A".repeat(43),
  authorities: [],
  ...(fault !== undefined && { fault }),
});

type Case = readonly [
  denied: AuthFailure,
  what: string,
  asking: () => Partial<IdentifyRequest>,
  reason: RegExp,
  key: string | undefined,
];

const given: readonly (readonly [...Case] | readonly [Case[0], Case[1], Case[2], Case[3]])[] = [
  ["no-credential", "nothing", () => ({}), /no credential/],
  [
    "unreadable",
    "another scheme",
    () => ({ headers: [["Authorization", "Negotiate AAAA"]] }),
    /malformed header authorization: the scheme/,
  ],
  [
    "unreadable",
    "only a scheme",
    () => ({ headers: [["Authorization", "Bearer"]] }),
    /malformed header authorization: expected a scheme/,
  ],
  ["unreadable", "no base64", () => ({ headers: [["Authorization", "Basic ?"]] }), /needs base64 of <client>:<key>/],
  ["unreadable", "no colon", () => ({ headers: basic("ors-main") }), /needs base64 of <client>:<key>/],
  [
    "unreadable",
    "a header twice",
    () => ({ headers: [...key("sk_live_1"), ...key("sk_live_1")] }),
    /duplicate header x-api-key/,
  ],
  ["token-malformed", "two parts", () => ({ headers: bearer("a.b") }), /three parts/],
  ["token-malformed", "no JSON", () => ({ headers: bearer(es256(ec.privateKey, "{", "{}")) }), /not strict JSON/],
  ["token-malformed", "a token that is too long", () => ({ headers: bearer("a".repeat(17_000)) }), /too long/],
  [
    "token-malformed",
    "a key of its own",
    () => ({ headers: token({}, { alg: "ES256", kid: "ec", jku: "https://x/" }) }),
    /forbidden member jku/,
  ],
  [
    "token-issuer",
    "a foreign issuer",
    () => ({ headers: token({ iss: "https://other.test/" }) }),
    /is not in identity\.jwt/,
  ],
  ["token-algorithm", "no algorithm", () => ({ headers: token({}, { kid: "ec" }) }), /names no algorithm/],
  [
    "token-algorithm",
    "none",
    () => ({ headers: token({}, { alg: "none", kid: "ec" }) }),
    /not one of issuer corp's (?:algorithms|keys)/,
  ],
  [
    "token-algorithm",
    "one that its key has not",
    () => ({ headers: token({}, { alg: "RS256", kid: "ec" }) }),
    /not its key's/,
  ],
  [
    "token-claims",
    "no exp",
    () => ({ headers: bearer(es256(ec.privateKey, { alg: "ES256", kid: "ec" }, without(claims(), "exp"))) }),
    /no exp/,
  ],
  ["token-claims", "no client", () => ({ headers: token({ azp: "" }) }), /claim azp is missing/],
  [
    "token-expired",
    "an expired token",
    () => ({ headers: token({ iat: SECONDS - 900, exp: SECONDS - 600 }) }),
    /expired at 2030-01-02T02:54:05\.000Z/,
  ],
  ["token-not-yet-valid", "nbf to come", () => ({ headers: token({ nbf: SECONDS + 200 }) }), /not valid before 2030-/],
  ["token-not-yet-valid", "iat to come", () => ({ headers: token({ iat: SECONDS + 200 }) }), /iat .* is in the future/],
  [
    "token-lifetime",
    "a year",
    () => ({ headers: token({ exp: SECONDS + 31_536_000 }) }),
    /lifetime of 31536000 s exceeds max_lifetime \(86400 s\)/,
  ],
  ["token-audience", "another audience", () => ({ headers: token({ aud: "elsewhere" }) }), /audience ocs-gateway/],
  [
    "token-key",
    "another kid",
    () => ({ headers: token({}, { alg: "ES256", kid: "x" }) }),
    /not one of issuer corp's (?:algorithms|keys)/,
  ],
  ["token-signature", "another signer", () => ({ headers: token({}, undefined, stranger) }), /signature/],
  [
    "token-binding",
    "no certificate",
    () => ({ headers: token({ cnf: { "x5t#S256": "B".repeat(43) } }) }),
    /client ors-main is bound to another/,
  ],
  ["key-unknown", "an unknown key", () => ({ headers: key("sk_nobodys") }), /not in the keys file/],
  ["key-unknown", "no form of a key", () => ({ headers: key("a b") }), /format of an API key/],
  [
    "key-expired",
    "an expired key",
    () => ({ headers: key("sk_expired_1") }),
    /^key k-old of client ors-main expired at 2026-01-01/,
    "k-old",
  ],
  [
    "key-revoked",
    "a revoked key",
    () => ({ headers: key("sk_revoked_1") }),
    /^key k-gone of client ors-main was revoked at 2026-01-02/,
    "k-gone",
  ],
  [
    "key-client",
    "another client's name",
    () => ({ headers: basic("mallory:sk_live_1") }),
    /^key k1 of client ors-main was sent under the name of another client/,
    "k1",
  ],
  [
    "certificate-invalid",
    "an expired certificate",
    () => ({ peer: peer(["ors.test"], "CERT_HAS_EXPIRED") }),
    /CERT_HAS_EXPIRED \(x5t#S256 A{43}\)/,
  ],
  [
    "certificate-client",
    "a certificate of no client",
    () => ({ peer: peer(["a.test"]) }),
    /no rule of identity\.mtls .* a\.test/,
  ],
  ["certificate-client", "a certificate of two", () => ({ peer: peer(["ors.test", "ivr.test"]) }), /several clients/],
  [
    "revoked",
    "a key that ocsgw revoke named",
    () => ({ headers: key("sk_banned_1") }),
    /^key k-banned of client ors-main/,
    "k-banned",
  ],
  [
    "contradiction",
    "a token and another client's key",
    () => ({ headers: [...token(), ...key("sk_other_1")] }),
    /client ors-main, another one ivr/,
  ],
];
const cases = given.map(([denied, what, asking, reason, id]): Case => [denied, what, asking, reason, id]);
/** The gateway's own, which knows the tenants and the registrars; and those that need more than one request. */
const ELSEWHERE: readonly AuthFailure[] = ["no-tenant", "no-registrar", "throttled", "issuer-unavailable"];

const denialOf = async (of: Opened, asking: Partial<IdentifyRequest>): Promise<Denial> => {
  const answer = await of.whole({ headers: [], source: "192.0.2.1", ...asking });
  if (!isDenial(answer)) throw new Error("it was let in");
  return answer;
};

describe("a refused credential", () => {
  it.each(cases)("has a reason for operators: %s, %s", async (denied, _what, asking, reason, id) => {
    const denial = await denialOf(gate, asking());
    expect(denial).toEqual({
      denied,
      reason: expect.stringMatching(reason) as string,
      ...(id !== undefined && { key: id }),
    });
    for (const secret of SECRETS) expect(denial.reason).not.toContain(secret);
  });

  it("is tested with each reason", () => {
    expect([...new Set([...cases.map(([denied]) => denied), ...ELSEWHERE])].toSorted()).toEqual(
      [...AUTH_FAILURES].toSorted(),
    );
  });

  it("is throttled after too many failures, with its last reason", async () => {
    const throttling = await world.open({
      jwt: [],
      keys: {
        records: [record("k-old", "ors-main", "sk_expired_1", { expires: "2026-01-01" })],
        carriers: ["header:X-Api-Key"],
      },
      throttle: createAuthThrottle({ points: 2, seconds: 20 }, { now: () => 0 }),
    });
    const again = () => denialOf(throttling, { headers: key("sk_expired_1") });
    expect([(await again()).denied, (await again()).denied]).toEqual(["key-expired", "key-expired"]);
    expect(await again()).toEqual({
      denied: "throttled",
      reason: expect.stringMatching(/failed too often; the last reason: key k-old .* expired/) as string,
      key: "k-old",
      retryAfter: 10,
    });
    await denialOf(throttling, { headers: key("other") });
    expect(await denialOf(throttling, { headers: key("another") })).toEqual({
      denied: "throttled",
      reason: expect.stringMatching(/from this address.*not verified/) as string,
      retryAfter: 10,
    });
  });
});
