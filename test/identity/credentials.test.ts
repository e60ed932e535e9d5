import { createHash, generateKeyPairSync, sign } from "node:crypto";
import fc from "fast-check";
import jsonwebtoken from "jsonwebtoken";
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from "vitest";
import {
  createCredentials,
  type IdentifyRequest,
  type AuthThrottle,
  type KeyRecord,
} from "../../src/identity/credentials.ts";
import { anIssuer, aWorld, bearer, claims, ecPair, encode, es256, jwkOf, SECONDS, type Opened } from "./kit.ts";

const ec = ecPair();
const edwards = generateKeyPairSync("ed25519");
const world = aWorld();
const keys: readonly KeyRecord[] = [
  ["k1", "ors-main", "sk_one"],
  ["k2", "alpha-ops", "sk_two"],
].map(([id, client, key]) => ({
  id: id!,
  client: client!,
  hash: `sha256:${createHash("sha256").update(key!).digest("hex")}`,
}));
const key = (value: string): readonly (readonly [string, string])[] => [["X-Api-Key", value]];
let gate: Opened;

beforeAll(async () => {
  const jwks_file = world.file("keys.json", {
    keys: [jwkOf(ec.publicKey, { kid: "ec" }), jwkOf(edwards.publicKey, { kid: "ed" })],
  });
  gate = await world.open({
    jwt: [anIssuer({ jwks_file, algorithms: ["ES256", "EdDSA"] })],
    keys: { records: keys, carriers: ["basic", "header:X-Api-Key"] },
  });
});
afterEach(() => vi.restoreAllMocks());
afterAll(() => world.end());

const header = { alg: "ES256", kid: "ec" };
const token = (more: object = {}): string => es256(ec.privateKey, header, claims(more));
const eddsa = (more: object = {}): string => {
  const input = `${encode({ alg: "EdDSA", kid: "ed" })}.${encode(claims(more))}`;
  return `${input}.${sign(null, Buffer.from(input), edwards.privateKey).toString("base64url")}`;
};

describe("identify", () => {
  it("is synchronous for a key, a new token and a cached one", () => {
    expect(gate.identify(key("sk_one"))).toEqual({ client: "ors-main", credential: { kind: "key", id: "k1" } });
    expect(gate.identify(bearer(token({ jti: "sync" })))).toEqual({
      client: "ors-main",
      credential: { kind: "jwt", id: "sync" },
    });
  });

  it("verifies a token once a minute, and not at all after its expiry", async () => {
    const verify = vi.spyOn(jsonwebtoken, "verify");
    const { clock } = gate;
    const start = clock.now;
    const text = token({ jti: "remembered", exp: SECONDS + 90 });
    const ask = async (later: number) => {
      clock.now = start + later;
      return [(await gate.ask(text))?.client, verify.mock.calls.length];
    };
    expect(await ask(0)).toEqual(["ors-main", 1]);
    expect(await ask(59_999)).toEqual(["ors-main", 1]);
    expect(await ask(60_000)).toEqual(["ors-main", 2]);
    expect(await ask(89_999)).toEqual(["ors-main", 2]);
    // Past exp but within the skew: still good, never remembered.
    expect(await ask(90_000)).toEqual(["ors-main", 3]);
    expect(await ask(150_000)).toEqual(["ors-main", 4]);
    expect(await ask(150_001)).toEqual([undefined, 4]);
    clock.now = start;
  });

  it("does not accept another signature of a cached token", async () => {
    const text = token({ jti: "twice" });
    expect(await gate.ask(text)).toBeDefined();
    expect(await gate.ask(`${text.slice(0, text.lastIndexOf("."))}.${token().split(".")[2]}`)).toBeUndefined();
  });

  it("turns any error of a library into a denial", async () => {
    vi.spyOn(jsonwebtoken, "verify").mockImplementation(() => {
      throw new TypeError("unforeseen");
    });
    expect(await gate.ask(token({ jti: "throws" }))).toBeUndefined();
    expect(gate.denials.at(-1)).toEqual({ denied: "token-signature", reason: "the token's signature is invalid" });
  });

  it("never throws and never authenticates with random header lines", async () => {
    const good = token();
    const part = fc.oneof(fc.string(), fc.json().map(encode), fc.constantFrom(...good.split("."), encode(header), ""));
    const value = fc.oneof(
      fc.string(),
      fc.string({ unit: "binary" }),
      fc.array(part, { maxLength: 5 }).map((parts) => `Bearer ${parts.join(".")}`),
      fc
        .tuple(fc.dictionary(fc.string(), fc.jsonValue()), fc.dictionary(fc.string(), fc.jsonValue()))
        .map(
          ([head, body]) =>
            `Bearer ${es256(ec.privateKey, { ...header, ...head }, { iss: "https://idp.test/", ...body })}`,
        ),
      fc.string().map((text) => `Basic ${Buffer.from(text).toString("base64")}`),
    );
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.tuple(fc.constantFrom("Authorization", "authorization", "X-Api-Key", "Cookie"), value), {
          maxLength: 3,
        }),
        async (lines) => {
          fc.pre(lines.every(([, text]) => text !== `Bearer ${good}`));
          expect(await gate.identify(lines)).toBeUndefined();
        },
      ),
      { numRuns: 500 },
    );
  });
});

describe("several credentials on one request", () => {
  const basic = (text: string): readonly (readonly [string, string])[] => [
    ["Authorization", `Basic ${Buffer.from(text).toString("base64")}`],
  ];

  it.each([
    ["a token that is verified at once", token],
    ["a token that is verified asynchronously", eddsa],
  ])("are accepted if they name the same client: %s", async (_, make) => {
    const expected = { client: "ors-main", credential: { kind: "jwt", id: "both" }, tenant: "Alpha Tenant" };
    const text = make({ jti: "both", ocs_tenant: "Alpha Tenant" });
    expect(await gate.identify([...bearer(text), ...key("sk_one")])).toEqual(expected);
    expect(await gate.identify([...key("sk_one"), ...bearer(text)])).toEqual(expected);
  });

  it.each<[string, () => readonly (readonly [string, string])[]]>([
    ["a token and another client's key", () => [...bearer(token()), ...key("sk_two")]],
    ["a token and a bad key", () => [...bearer(token()), ...key("sk_bad")]],
    ["a token and an empty key", () => [...bearer(token()), ...key("")]],
    ["a bad token and a key", () => [...bearer(`${token()}A`), ...key("sk_one")]],
    [
      "an expired token and a key",
      () => [...bearer(token({ iat: SECONDS - 900, exp: SECONDS - 600 })), ...key("sk_one")],
    ],
    ["a slow token and another client's key", () => [...key("sk_two"), ...bearer(eddsa())]],
    [
      "a slow bad token and a key",
      () => [...key("sk_one"), ...bearer(eddsa().replace(/\..*\./, `.${encode(claims({ jti: "changed" }))}.`))],
    ],
    ["two keys of two clients", () => [...basic("ors-main:sk_one"), ...key("sk_two")]],
    ["Basic and Bearer", () => [...basic("ors-main:sk_one"), ...bearer(token())]],
  ])("are refused: %s", async (_, headers) => {
    expect(await gate.identify(headers())).toBeUndefined();
  });
});

describe("a credential that is checked again", () => {
  const counting = (): AuthThrottle & { counted: number } => ({
    counted: 0,
    recordFailure() {
      return this.counted++;
    },
    secondsToWait: () => 0,
    mayVerify: () => true,
  });

  it.each<[string, () => IdentifyRequest["headers"], number, boolean]>([
    ["a token", () => bearer(token()), 0, true],
    ["a token that has expired since", () => bearer(token()), 3_600_000, false],
    ["a key", () => key("sk_one"), 0, true],
    ["a key that is not known any more", () => key("sk_gone"), 0, false],
    ["a token and another client's key", () => [...bearer(token()), ...key("sk_two")], 0, false],
    ["nothing at all", () => [], 0, false],
  ])("does not count as a failure of its address: %s", async (_what, headers, later, valid) => {
    const failures = counting();
    const asked = await world.open({
      jwt: [anIssuer({ jwks_file: world.file("again.json", { keys: [jwkOf(ec.publicKey, { kid: "ec" })] }) })],
      keys: { records: keys, carriers: ["header:X-Api-Key"] },
      throttle: failures,
    });
    asked.clock.now += later;
    const identity = asked.identifyAgain({ headers: headers(), source: "192.0.2.1" });
    expect([typeof identity === "object", failures.counted]).toEqual([valid, 0]);
  });

  it("is unknown while its issuer's keys are being fetched, unless it has expired", async () => {
    const asked = await world.open({ jwt: [anIssuer({ jwks_uri: "http://127.0.0.1:9/keys" })] });
    const again = (text: string) => asked.identifyAgain({ headers: bearer(text), source: "192.0.2.1" });
    expect([again(token()), again(token({ iat: SECONDS - 900, exp: SECONDS - 600 }))]).toEqual(["unknown", undefined]);
  });
});

describe("WWW-Authenticate", () => {
  it.each([
    ["tokens and Basic", true, ["basic"], 'Bearer realm="ocsgw", Basic realm="ocsgw", charset="UTF-8"'],
    ["only Basic", false, ["basic", "header:X-Api-Key"], 'Basic realm="ocsgw", charset="UTF-8"'],
    ["only tokens", true, [], 'Bearer realm="ocsgw"'],
    ["only keys in a header", false, ["header:X-Api-Key"], 'Bearer realm="ocsgw"'],
  ])("names the accepted schemes: %s", async (_, tokens, carriers, challenge) => {
    const jwks_file = world.file("challenge.json", { keys: [jwkOf(ec.publicKey, { kid: "ec" })] });
    const credentials = await createCredentials({
      jwt: tokens ? [anIssuer({ jwks_file })] : [],
      keys: { records: [], carriers },
    });
    expect(credentials.challenge).toBe(challenge);
    credentials.close();
  });
});
