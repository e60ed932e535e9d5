import { describe, expect, it } from "vitest";
import { readKeyHeader } from "../../src/idempotency/key-header.ts";
import { canonicalRequest, tokensWith } from "../../src/idempotency/key-tokens.ts";
import { INDEX_KEY } from "./kit.ts";

const read = (...values: string[]) => readKeyHeader(values.map((value) => ["IDEMPOTENCY-KEY", value]));

describe("the header Idempotency-Key", () => {
  it("is optional", () => expect(readKeyHeader([["Idempotency-Keys", "a"]])).toBeUndefined());

  it.each([
    ['"8e03978e-40d5-43dd"', "8e03978e-40d5-43dd"],
    ["8e03978e-40d5-43dd", "8e03978e-40d5-43dd"],
    ['"a"', "a"],
    ["a", "a"],
    [String.raw`"a \"b\" \\c, d; e"`, String.raw`a "b" \c, d; e`],
    ["b\\c:d=", "b\\c:d="],
    [`"${"k".repeat(255)}"`, "k".repeat(255)],
  ])("is read from %s", (value, key) => expect(read(value)).toEqual({ key }));

  it.each([
    ["", "malformed"],
    ['""', "empty"],
    ['"', "malformed"],
    ['"a', "malformed"],
    ['"a";b=c', "malformed"],
    ["a;b=c", "malformed"],
    ["a, b", "malformed"],
    ["a,b", "malformed"],
    ['"a", "b"', "malformed"],
    ["a b", "malformed"],
    [String.raw`"a\b"`, "malformed"],
    ["schlüssel", "malformed"],
    ['"tab\there"', "malformed"],
    ["k".repeat(256), "longer than 255"],
  ])("is refused when it is %s", (value, fault) =>
    expect(read(value)).toEqual({ fault: expect.stringContaining(fault) }),
  );

  it("is refused when it appears twice, even with one value", () =>
    expect(read("a", "a")).toEqual({ fault: "Idempotency-Key appears twice" }));
});

describe("tokens", () => {
  const scope = { upstream: "ocs", tenant: 101, client: "alpha" };
  const body = (...members: [string, unknown][]): string =>
    canonicalRequest("POST", "/lists/L?req=AddRecord", new Map(members));

  it("do not change between versions, or a repeat after an upgrade would be carried out again", () => {
    const request = body(
      ["b", 2n ** 60n],
      [
        "a",
        new Map<string, unknown>([
          ["y", "1"],
          ["x", true],
        ]),
      ],
    );
    expect(request).toBe('POST /lists/L?req=AddRecord\n{"a":{"x":true,"y":"1"},"b":1152921504606846976}');
    expect(tokensWith(INDEX_KEY)(scope, "key", request)).toMatchInlineSnapshot(`
      [
        {
          "fingerprint": "b7b9946f33a75c61abaf0e67ac802549aa090e3f4f6d2f4abc6929b879914986",
          "token": "t1:6769dc13839ef23ba0ba244b0f99114429e74ddd3e7318eb14d5c1705f1bfd46",
        },
      ]
    `);
  });

  it.each([
    ["a value", body(["a", 1]), body(["a", 2])],
    ["a number and a text", body(["a", 1]), body(["a", "1"])],
    ["a name", body(["a", 1]), body(["b", 1])],
    ["a missing member", body(["a", 1]), body()],
    ["the path", body(), canonicalRequest("POST", "/lists/M?req=AddRecord", new Map())],
  ])("differ by %s of the request", (_, one, other) => {
    const tokens = tokensWith(INDEX_KEY);
    const [first, second] = [tokens(scope, "k", one)[0]!, tokens(scope, "k", other)[0]!];
    expect(first.token).toBe(second.token);
    expect(first.fingerprint).not.toBe(second.fingerprint);
  });

  it("do not differ by the order of the body's members", () =>
    expect(body(["a", 1], ["b", 2])).toBe(body(["b", 2], ["a", 1])));

  it.each([
    ["the tenant", { tenant: 102 }],
    ["the OCS", { upstream: "other" }],
    ["the client", { client: "alpha-2" }],
  ])("differ by %s, so that nobody meets the keys of others", (_, over) => {
    const tokens = tokensWith(INDEX_KEY);
    expect(tokens({ ...scope, ...over }, "k", "r")[0]!.token).not.toBe(tokens(scope, "k", "r")[0]!.token);
  });

  it("are made with each index key, the newest first", () => {
    const [old, young] = [
      { epoch: "t1", secret: INDEX_KEY },
      { epoch: "t2", secret: `${INDEX_KEY} 2` },
    ];
    const made = tokensWith([old, young])(scope, "k", "r");
    expect(made.map(({ token }) => token.slice(0, 3))).toEqual(["t2:", "t1:"]);
    expect(made[1]).toEqual(tokensWith([old])(scope, "k", "r")[0]);
  });
});
