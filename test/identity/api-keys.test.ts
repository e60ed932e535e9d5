import { createHash } from "node:crypto";
import { afterAll, describe, expect, it } from "vitest";
import { createCredentials, CredentialSettingsError, type KeyRecord } from "../../src/identity/credentials.ts";
import { aWorld, NOW } from "./kit.ts";

const world = aWorld();
afterAll(() => world.end());

const hashOf = (key: string): string => `sha256:${createHash("sha256").update(key).digest("hex")}`;
const record = (more: Partial<KeyRecord> = {}): KeyRecord => ({
  id: "k1",
  client: "ors-main",
  hash: hashOf("sk_one"),
  ...more,
});
const iso = (at: number): string => new Date(at).toISOString();
const basic = (text: string | Buffer): readonly (readonly [string, string])[] => [
  ["Authorization", `Basic ${Buffer.from(text).toString("base64")}`],
];
const inHeader = (key: string): readonly (readonly [string, string])[] => [["x-api-key", key]];
const carriers = ["basic", "header:X-Api-Key"];
const open = (records: readonly KeyRecord[] = [record()], by: readonly string[] = carriers) =>
  world.open({ keys: { records, carriers: by } });
const whoever = { client: "ors-main", credential: { kind: "key", id: "k1" } };

describe("an API key", () => {
  it("identifies its client synchronously, in Basic and in its header", async () => {
    const { identify } = await open();
    expect(identify(basic("ors-main:sk_one"))).toEqual(whoever);
    expect(identify(inHeader("sk_one"))).toEqual(whoever);
    expect(identify([["X-API-KEY", "sk_one"]])).toEqual(whoever);
    expect(identify([["authorization", `bAsIc ${Buffer.from("ors-main:sk_one").toString("base64")}`]])).toEqual(
      whoever,
    );
  });

  it("must be printable ASCII, even if the table has others", async () => {
    const { identify } = await open(
      ["sk_ö", "a b", "k".repeat(513)].map((key, at) => record({ id: `k${at}`, hash: hashOf(key) })),
    );
    for (const key of ["sk_ö", "a b", "k".repeat(513)])
      expect([identify(inHeader(key)), identify(basic(`ors-main:${key}`))]).toEqual([undefined, undefined]);
  });

  it("may contain colons", async () => {
    const { identify } = await open([record({ hash: hashOf("a:b:c") })]);
    expect(identify(basic("ors-main:a:b:c"))).toEqual(whoever);
  });

  it.each<[string, readonly (readonly [string, string])[]]>([
    ["unknown", inHeader("sk_two")],
    ["empty", inHeader("")],
    ["known, in capitals", inHeader("SK_ONE")],
    ["known, with a blank inside", inHeader("sk_one x")],
    ["the hash itself", inHeader(hashOf("sk_one"))],
    ["the hash's digits", inHeader(hashOf("sk_one").slice(7))],
    ["longer than any key", inHeader("k".repeat(513))],
    ["not ASCII", inHeader("sk_öne")],
    ["another user's", basic("alpha-ops:sk_one")],
    ["a user's in other case", basic("ORS-MAIN:sk_one")],
    ["without a client's name", basic(":sk_one")],
    ["without a colon", basic("sk_one")],
    ["without a password", basic("ors-main:")],
    ["not UTF-8", basic(Buffer.from([0x6f, 0xff, 0x3a, 0x61]))],
    ["after a byte order mark", basic("\ufeffors-main:sk_one")],
    ["in base64url", [["Authorization", `Basic ${Buffer.from("ors-main:sk_??>").toString("base64url")}`]]],
    ["after a tab", [["Authorization", `Basic\t${Buffer.from("ors-main:sk_one").toString("base64")}`]]],
    ["after a blank and a tab", [["Authorization", `Basic \t${Buffer.from("ors-main:sk_one").toString("base64")}`]]],
    ["in the header twice", [...inHeader("sk_one"), ...inHeader("sk_one")]],
    ["sent with an unsupported Authorization", [...inHeader("sk_one"), ["Authorization", "Negotiate AAAA"]]],
    ["sent with an empty Authorization", [...inHeader("sk_one"), ["Authorization", ""]]],
    ["after Bearer, without an issuer", [["Authorization", "Bearer sk_one"]]],
    ["in a header that is not a carrier", [["X-Key", "sk_one"]]],
    ["in a header with a similar name", [["X-Api-Key-2", "sk_one"]]],
  ])("is refused when it is %s", async (_, headers) => {
    const { identify } = await open();
    expect(identify(headers)).toBeUndefined();
  });

  it("is read in base64 with its padding, without any, and after several blanks", async () => {
    const { identify } = await open([record({ client: "o" })]);
    const good = Buffer.from("o:sk_one").toString("base64");
    expect(good.endsWith("=")).toBe(true);
    for (const fine of [good, good.replace(/=+$/, ""), ` ${good}`, `   ${good}`])
      expect(identify([["Authorization", `Basic ${fine}`]]), fine).toBeDefined();
    for (const bad of [
      `${good}=`,
      `${good}==`,
      good.replace("U=", "V="),
      good.replace("U=", "V"),
      good.slice(0, -2),
      `${good} `,
      `${good.slice(0, 4)}\t${good.slice(4)}`,
    ]) {
      expect(bad).not.toBe(good);
      expect(identify([["Authorization", `Basic ${bad}`]])).toBeUndefined();
    }
  });

  it("is accepted only in the configured carriers", async () => {
    const onlyBasic = await open([record()], ["basic"]);
    expect([onlyBasic.identify(inHeader("sk_one")), onlyBasic.identify(basic("ors-main:sk_one"))]).toEqual([
      undefined,
      whoever,
    ]);
    const onlyHeader = await open([record()], ["header:X-Other"]);
    expect([onlyHeader.identify(basic("ors-main:sk_one")), onlyHeader.identify([["x-other", "sk_one"]])]).toEqual([
      undefined,
      whoever,
    ]);
  });

  it("is refused from its expiry on", async () => {
    const { identify, clock } = await open([record({ expires: iso(NOW + 1000) })]);
    expect(identify(inHeader("sk_one"))).toEqual(whoever);
    clock.now = NOW + 999;
    expect(identify(inHeader("sk_one"))).toEqual(whoever);
    clock.now = NOW + 1000;
    expect(identify(inHeader("sk_one"))).toBeUndefined();
  });

  it("is refused from its revocation on", async () => {
    const { identify, clock } = await open([record({ expires: iso(NOW + 5000), revoked: iso(NOW + 1000) })]);
    expect(identify(inHeader("sk_one"))).toEqual(whoever);
    clock.now = NOW + 1000;
    expect(identify(inHeader("sk_one"))).toBeUndefined();
  });

  it.each(["2030-01-01", "leaked", "", "true", "2030-01-01T00:00:00"])(
    "is refused if `revoked` is %j",
    async (revoked) => {
      expect((await open([record({ revoked })])).identify(inHeader("sk_one"))).toBeUndefined();
    },
  );

  it("is refused with a reason for operators that names its id and never the key", async () => {
    const { identify, denials } = await open([record({ revoked: "leaked" })]);
    expect([identify(inHeader("sk_one")), identify(inHeader("sk_two"))]).toEqual([undefined, undefined]);
    expect(denials).toEqual([
      { denied: "key-revoked", reason: "key k1 of client ors-main was revoked", key: "k1" },
      { denied: "key-unknown", reason: "the key is not in the keys file" },
    ]);
  });
});

describe("several API keys on one request", () => {
  const records = [
    record(),
    record({ id: "k2", hash: hashOf("sk_two") }),
    record({ id: "k3", client: "alpha-ops", hash: hashOf("sk_three") }),
  ];
  const both = (first: string, second: string) => [...inHeader(first), ...basic(`ors-main:${second}`)];

  it("are accepted when they name the same client", async () => {
    expect((await open(records)).identify(both("sk_one", "sk_two"))).toEqual(whoever);
  });

  it("are refused when one is invalid or another client's", async () => {
    const { identify } = await open(records);
    for (const headers of [
      both("sk_three", "sk_one"),
      both("sk_bad", "sk_one"),
      both("sk_one", "sk_bad"),
      both("sk_one", "sk_three"),
    ])
      expect(identify(headers)).toBeUndefined();
  });
});

describe("settings of API keys", () => {
  it.each<[string, readonly KeyRecord[], readonly string[], string]>([
    ["an invalid hash", [record({ hash: "sk_one" })], carriers, 'key "k1": hash is not'],
    ["a hash without its kind", [record({ hash: hashOf("x").slice(7) })], carriers, 'key "k1": hash is not'],
    ["an id twice", [record(), record({ hash: hashOf("b") })], carriers, 'key "k1": duplicate id'],
    ["a duplicate hash", [record(), record({ id: "k2" })], carriers, 'key "k2": another record has the same hash'],
    ["an invalid expiry", [record({ expires: "soon" })], carriers, 'key "k1": expires is not'],
    ["an end without a zone", [record({ expires: "2030-01-01T00:00" })], carriers, 'key "k1": expires is not'],
    ["a day that does not exist", [record({ expires: "2030-13-01" })], carriers, 'key "k1": expires is not'],
    ["an empty client", [record({ client: "" })], carriers, 'key "k1": id or client is empty'],
    ["an unknown carrier", [], ["cookie"], 'carrier "cookie"'],
    ["a carrier without a name", [], ["header:"], 'carrier "header:"'],
    ["Authorization as a carrier's name", [], ["header:authorization"], 'carrier "header:authorization"'],
    ["a carrier twice", [], ["header:A", "header:a"], 'carrier "header:a"'],
  ])("are refused for %s", async (_, records, by, message) => {
    const opening = createCredentials({ jwt: [], keys: { records, carriers: by } });
    await expect(opening).rejects.toThrow(message);
    await expect(opening).rejects.toBeInstanceOf(CredentialSettingsError);
  });

  it("accept a hash in upper case and an expiry date", async () => {
    const { identify } = await open([
      record({ hash: hashOf("sk_one").toUpperCase().replace("SHA256", "sha256"), expires: "2031-01-01" }),
    ]);
    expect(identify(inHeader("sk_one"))).toEqual(whoever);
  });
});
