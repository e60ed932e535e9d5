import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { mutated, placeOf, problemsIn, read, SAMPLE } from "./kit.ts";

describe("YAML parsing refuses", () => {
  it.each<[string, readonly [string, string], string, [string, number?], RegExp]>([
    ["a duplicate key", ["dbid: 102", "dbid: 102\n    dbid: 103"], "OCSGW-6003", ["dbid: 103"], /duplicate key `dbid`/],
    [
      "a key twice in two spellings",
      ["dbid: 102", 'dbid: 102\n    "dbid": 103'],
      "OCSGW-6003",
      ['"dbid"'],
      /duplicate key `dbid`/,
    ],
    ["an alias", ["lists: [Beta List]", "lists: *nothing"], "OCSGW-6004", ["*nothing"], /aliases/],
    ["an unknown tag", ["dbid: 102", "dbid: !secret 102"], "OCSGW-6004", ["!secret"], /tag/],
    ["a second document", ["audit:\n", "---\naudit:\n"], "OCSGW-6004", ["---"], /a second document/],
    ["a tab for indentation", ["    dbid: 102", "\tdbid: 102"], "OCSGW-6002", ["\tdbid"], /not YAML/],
    [
      "an unclosed bracket",
      ["campaigns: [Beta Campaign]", "campaigns: [Beta Campaign"],
      "OCSGW-6002",
      ["\n    campaign_groups:\n      - { dbid: 208"],
      /not YAML/,
    ],
    [
      "a key that is a list",
      ["dbid: 102", "? [a, b]\n    : 102"],
      "OCSGW-6004",
      ["[a, b]"],
      /expected a name as the key/,
    ],
  ])("%s", (_, change, code, at, message) => {
    const text = mutated(change);
    const place = placeOf(text, at[0], at[1]);
    const found = problemsIn(text).find((problem) => problem.code === code);
    expect(found, JSON.stringify(problemsIn(text))).toBeDefined();
    expect(found?.message).toMatch(message);
    if (code !== "OCSGW-6002") expect(found).toMatchObject(place);
    else expect(Math.abs((found?.line ?? 0) - place.line)).toBeLessThanOrEqual(1);
    expect(read(text).ok).toBe(false);
  });

  it("a duplicate key with its first place, and still reads the rest of the file", () => {
    const text = mutated(["dbid: 102", "dbid: 102\n    dbid: 103"], ["fields: any", "fieldz: any"]);
    expect(problemsIn(text).map(({ code }) => code)).toEqual(["OCSGW-6101", "OCSGW-6003", "OCSGW-6305"]);
    expect(problemsIn(text)[1]).toMatchObject({ also: { ...placeOf(text, "dbid: 102"), message: "first used here" } });
  });

  it("an alias bomb without expanding it", () => {
    const bomb = [
      "a: &a [x, x, x, x, x, x, x, x]",
      ..."bcdefghij"
        .split("")
        .map((name, at) => `${name}: &${name} [${Array.from({ length: 8 }, () => `*${"abcdefghi"[at]}`).join(", ")}]`),
    ].join("\n");
    const started = performance.now();
    expect(problemsIn(bomb).some(({ code }) => code === "OCSGW-6004")).toBe(true);
    expect(performance.now() - started).toBeLessThan(5000);
  });

  it("neither no nor on, which are texts in YAML 1.2", () => {
    expect(read(mutated(["campaigns: [Beta Campaign]", "campaigns: [no, on, yes]"]))).toMatchObject({
      ok: true,
      settings: { tenants: [{}, { campaigns: ["no", "on", "yes"] }] },
    });
  });
});

const ODD = [
  "",
  "\n",
  "#",
  "---",
  "...",
  "~",
  "1",
  "[]",
  "{}",
  "[[[[[[",
  "]",
  "}",
  ":",
  "? ",
  "- ",
  "!!binary x",
  "!!set {a, b}",
  "!!js/function x",
  "&a",
  "*a",
  "<<: {a: 1}",
  "|",
  ">",
  '"',
  "'",
  "\0",
  "\uFEFF",
  "%YAML 9.9",
  "a: [1, {b: [~]}]",
  "__proto__: {}",
  "constructor: 1",
  "a: !!float .inf",
  "a: .nan",
  "a: 0x1F",
  "a: 1e999",
  "listeners: 1",
  "tenants: [1, ~, []]",
  "upstreams: []",
  "upstreams: {a: 1}",
  "audit: []",
  "identity: {keys: {file: ~}}",
  "tenants: [{clients: {a: {actions: [1]}}}]",
  "tenants: [{limits: {actions: {AddRecord: 1}}}]",
  "listeners: [{bind: x, tls: {}}]",
  "\u2028: \u2029",
  "a: ${",
  "a: ${file:/}",
  "a: ${file:/proc/self/mem}",
  `a: ${"[".repeat(200)}${"]".repeat(200)}`,
  `a: ${"[".repeat(20_000)}`,
  `${"a: {".repeat(3000)}`,
  "x".repeat(100_000),
  `${"- ".repeat(5000)}x`,
];

describe("any file", () => {
  it.each(ODD.map((text) => [text.length > 60 ? `${text.slice(0, 40)}… (${text.length} characters)` : text, text]))(
    "gives problems and no exception: %j",
    (_, text) => {
      const loaded = read(text);
      expect(loaded.ok).toBe(false);
      for (const { line, column, message } of loaded.ok ? [] : loaded.problems) {
        expect(line).toBeGreaterThanOrEqual(1);
        expect(column).toBeGreaterThanOrEqual(1);
        expect(message).not.toMatch(/\bat .*\.ts\b|undefined|\[object/);
      }
    },
  );

  const lines = SAMPLE.split("\n");
  const pieces = [
    "~",
    "[]",
    "{}",
    "[~]",
    '""',
    "0",
    "-1",
    "1e9",
    "true",
    "*a",
    "&a",
    "!x y",
    "${X}",
    "${",
    "text",
    "{ a: { b: [c] } }",
    "[[[]]]",
    '"\u0000"',
    "# x",
  ];

  it("may lack any line, or have another one instead, without an exception", () => {
    for (const [at, line] of lines.entries()) {
      const [head] = line.split(/(?<=:) /);
      for (const changed of [
        [],
        [line, line],
        ...[0, 7, 13].map((step) => pieces[(at + step) % pieces.length]).map((piece) => [`${head} ${piece}`]),
      ]) {
        const loaded = read([...lines.slice(0, at), ...changed, ...lines.slice(at + 1)].join("\n"));
        if (!loaded.ok) expect(loaded.problems.length).toBeGreaterThan(0);
      }
    }
  });

  it("may have random cuts and insertions without an exception", () => {
    fc.assert(
      fc.property(
        fc.nat(SAMPLE.length),
        fc.nat(40),
        fc.oneof(fc.constantFrom(...pieces), fc.string({ maxLength: 12 })),
        (at, length, piece) => {
          const loaded = read(SAMPLE.slice(0, at) + piece + SAMPLE.slice(at + length));
          return loaded.ok ? loaded.settings.tenants.length > 0 : loaded.problems.length > 0;
        },
      ),
      { numRuns: 100 },
    );
  });
});
