/**
 * Files of every kind as people write them: what the linter must find in each, by line, and that it finds nothing else.
 * A "?" is a place that cannot be decided. Samples that end with .sample would else be checked as sources of ours.
 */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { kindOf, KINDS } from "../../src/lint/kinds.ts";
import { lintText, type FileJudged } from "../../src/lint/lint.ts";
import { RULES, UNDECIDED } from "../../src/lint/rules/table.ts";
import { root } from "../kit/command.ts";

const FOLDER = join(import.meta.dirname, "samples");
const ADDRESSES = { ocs: new Set(["ocs1.example.internal", "ocs.us.int.genesyslab.com:8080"]) };

const kindOfSample = (name: string) => kindOf(name.replace(/\.sample$/, ""))!;
const judge = (name: string): FileJudged =>
  lintText(readFileSync(join(FOLDER, name), "utf8"), kindOfSample(name), ADDRESSES);

const EXPECTED: readonly (readonly [string, number, readonly string[]])[] = [
  [
    "Bad.cs",
    3,
    [
      "15 addRetried",
      "15 directAddress",
      "24 secret",
      "25 missingAttribute",
      "25 wrongAttribute",
      "25 wrongAttribute",
      "26 directAddress",
      "27 finalizedTwice",
      "27 directAddress",
      "15 ?",
    ],
  ],
  [
    "Bad.java",
    4,
    [
      "10 secret",
      "15 addRetried",
      "15 directAddress",
      "17 missingAttribute",
      "26 directAddress",
      "28 handWrittenLength",
      "29 missingTenant",
      "34 wrongAttribute",
      "35 wrongAttribute",
      "36 directAddress",
      "36 unknownAction",
    ],
  ],
  ["Good.cs", 1, []],
  ["Good.java", 2, []],
  ["bad.har", 1, ["5 recordLeftOpen", "7 directAddress", "9 secret", "12 missingAttribute", "15 unreadable"]],
  [
    "bad.http",
    8,
    [
      "4 directAddress",
      "8 wrongLength",
      "16 directAddress",
      "17 secret",
      "20 missingAttribute",
      "20 manualSpelling",
      "23 directAddress",
      "23 unknownAction",
      "26 directAddress",
      "26 wrongMethod",
      "29 directAddress",
      "30 wrongContentType",
      "32 uriDisagrees",
      "32 manualSpelling",
      "32 duplicateScope",
      "33 wrongAttribute",
      "33 wrongAttribute",
      "36 directAddress",
      "39 wrongBody",
      "42 directAddress",
      "42 unknownAction",
      "45 directAddress",
      "45 wrongTarget",
    ],
  ],
  [
    "bad.js.sample",
    3,
    [
      "4 directAddress",
      "4 wrongMethod",
      "5 handWrittenLength",
      "15 wrongAttribute",
      "20 directAddress",
      "20 unknownAction",
    ],
  ],
  [
    "bad.scxml",
    3,
    [
      "10 addRetried",
      "10 recordLeftOpen",
      "10 recordUriAddress",
      "11 secret",
      "15 wrongAttribute",
      "28 missingTenant",
      "29 handWrittenLength",
      "30 directAddress",
      "36 recordLeftOpen",
      "36 recordUriAddress",
      "33 ?",
      "36 ?",
    ],
  ],
  [
    "bad.sh",
    10,
    [
      "3 secret",
      "3 wrongLength",
      "4 wrongAttribute",
      "4 directAddress",
      "5 directAddress",
      "6 addRepeated",
      "6 directAddress",
      "8 addRepeated",
      "9 addRetried",
      "10 missingAttribute",
      "12 addRetried",
      "13 wrongContentType",
      "14 secret",
      "14 secret",
      "15 recordUriAddress",
      "16 ?",
      "6 ?",
      "8 ?",
      "8 ?",
      "12 ?",
    ],
  ],
  [
    "bad.ts.sample",
    5,
    [
      "2 secret",
      "5 directAddress",
      "7 wrongContentType",
      "7 handWrittenLength",
      "8 missingTenant",
      "15 directAddress",
      "15 wrongTarget",
      "24 directAddress",
      "25 addRepeated",
      "25 directAddress",
      "30 recordUriAddress",
      "31 ?",
      "24 ?",
      "25 ?",
    ],
  ],
  [
    "bad.vxml",
    4,
    [
      "10 recordUriAddress",
      "10 unknownAction",
      "12 wrongContentType",
      "12 directAddress",
      "14 directAddress",
      "14 wrongMethod",
      "21 addRetried",
      "15 ?",
      "21 ?",
    ],
  ],
  [
    "bad.workflow",
    2,
    [
      "8 recordLeftOpen",
      "8 recordUriAddress",
      "10 directAddress",
      "11 wrongAttribute",
      "11 missingTenant",
      "12 unreadable",
      "8 ?",
    ],
  ],
  ["good.har", 1, []],
  ["good.http", 3, []],
  ["good.scxml", 2, []],
  ["good.sh", 4, []],
  ["good.ts.sample", 2, []],
  ["good.vxml", 1, []],
  ["good.workflow", 1, []],
  ["repeated.scxml", 2, ["10 addRepeated", "5 ?", "10 ?"]],
];

describe("a file of a client", () => {
  it.each(EXPECTED)("%s has %d calls to OCS, and the findings of the table", (name, calls, expected) => {
    const judged = judge(name);
    const found = [
      ...judged.problems.map(({ line, rule }) => `${line} ${rule}`),
      ...judged.undecided.map(({ line }) => `${line} ?`),
    ];
    expect(found).toEqual(expected);
    expect(judged.calls).toBe(calls);
  });

  it("is in the table, whatever its kind", () => {
    expect(EXPECTED.map(([name]) => name).toSorted()).toEqual(readdirSync(FOLDER).toSorted());
    const kinds = new Set(EXPECTED.map(([name]) => kindOfSample(name).name));
    expect(KINDS.map(({ name }) => name).filter((name) => !kinds.has(name))).toEqual(["jsx", "tsx"]);
  });

  it("never has its secrets in a message", () => {
    const secrets = /Winter2025|hunter22|sk_4fJ|sk_9dQ|YWxwaGE|eyJhbG|4155550100/;
    for (const [name] of EXPECTED) {
      const { problems, undecided } = judge(name);
      expect(JSON.stringify([problems, undecided])).not.toMatch(secrets);
    }
  });
});

describe("the page about the findings", () => {
  it("has the row of each rule", () => {
    const page = readFileSync(join(root, "src/docs/how-to/check-clients-code.md"), "utf8");
    const rows = [...Object.values(RULES), { ...UNDECIDED, severity: "note" }].map(
      ({ code, severity, title }) => `| ${code} | ${severity} | ${title} |`,
    );
    expect(rows.filter((row) => !page.includes(row))).toEqual([]);
    for (const { name, endings } of KINDS) for (const word of [name, ...endings]) expect(page).toContain(`\`${word}\``);
  });
});
