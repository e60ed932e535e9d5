/** Findings for other programs: SARIF against its schema, and workflow commands with everything escaped. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { Ajv } from "ajv";
import { describe, expect, it } from "vitest";
import { toGithub } from "../../../src/cli/formats/github.ts";
import { toSarif, type SarifRule } from "../../../src/cli/formats/sarif.ts";
import type { Result } from "../../../src/cli/formats/formats.ts";

const schema = JSON.parse(readFileSync(join(import.meta.dirname, "sarif-2.1.0.schema.json"), "utf8")) as object;
const { $schema: _, id: __, ...draft } = schema as { readonly $schema: string; readonly id: string };
// A pattern of the schema is no pattern under the flag u.
const ajv = new Ajv({ strict: false, allErrors: true, unicodeRegExp: false });
for (const format of ["uri", "uri-reference"])
  ajv.addFormat(format, (text) => URL.canParse(text, format === "uri" ? undefined : "file:///"));
ajv.addFormat("date-time", (text) => !Number.isNaN(Date.parse(text)));
const isSarif = ajv.compile(draft);

const result = (over: Partial<Result> = {}): Result => ({
  level: "error",
  code: "OCSGW-6401",
  file: "flows/add.scxml",
  line: 3,
  column: 7,
  message: "this call goes to OCS itself",
  ...over,
});

const RULES: readonly SarifRule[] = [
  { code: "OCSGW-6401", level: "error", title: "direct address", help: "use the gateway" },
  { code: "OCSGW-6402", level: "warning", title: "record address" },
];

type Log = {
  readonly runs: readonly [{ readonly tool: { driver: { rules: { id: string }[] } }; readonly results: any[] }];
};
const log = (results: readonly Result[], rules = RULES): Log => JSON.parse(toSarif(results, rules)) as Log;

describe("SARIF", () => {
  it("is valid, with every level, with and without findings", () => {
    const all = [
      result(),
      result({ level: "warning", code: "OCSGW-6402", help: "take it from a setting" }),
      result({ level: "unsure", code: "OCSGW-6449", file: "/tmp/a b/ü%.http" }),
      result({ line: 0, column: 0 }),
    ];
    for (const results of [[], all]) {
      expect(isSarif(log(results)), JSON.stringify(isSarif.errors)).toBe(true);
    }
  });

  it("is told from what is not SARIF by the schema", () => {
    expect(isSarif({ version: "2.1.0", runs: [{ tool: {} }] })).toBe(false);
    expect(isSarif({ ...log([]), version: "2.0.0" })).toBe(false);
  });

  it("names the rule of each result, also of one whose rule is not listed", () => {
    const { tool, results } = log([result(), result({ code: "OCSGW-6203" })]).runs[0];
    expect(results.map(({ ruleIndex }) => tool.driver.rules[ruleIndex as number]!.id)).toEqual([
      "OCSGW-6401",
      "OCSGW-6203",
    ]);
  });

  it("calls what cannot be decided open, not a warning", () => {
    const [{ results }] = log([result({ level: "unsure" })]).runs;
    expect(results).toMatchObject([{ kind: "open", level: "none" }]);
  });

  it.each([
    ["flows/a b.scxml", "flows/a%20b.scxml"],
    ["flows\\a#1.scxml", "flows/a%231.scxml"],
    ["/tmp/a b/100%.http", "file:///tmp/a%20b/100%25.http"],
  ])("writes the file %s as the URI %s", (file, uri) => {
    const [{ results }] = log([result({ file })]).runs;
    expect(results[0].locations[0].physicalLocation.artifactLocation.uri).toBe(uri);
  });
});

describe("workflow commands", () => {
  it.each<[string, Partial<Result>, string]>([
    ["an error", {}, "::error file=flows/add.scxml,line=3,col=7,title=OCSGW-6401::this call goes to OCS itself\n"],
    ["a warning", { level: "warning" }, "::warning "],
    ["an undecided place", { level: "unsure" }, "::notice "],
    ["help in a second line", { help: "use the gateway" }, "::this call goes to OCS itself%0Ause the gateway\n"],
    ["percent signs and line ends", { message: "100%\r\n::error::x" }, "::100%25%0D%0A::error::x\n"],
    ["commas and colons of a file", { file: "a,b:c%.sh" }, " file=a%2Cb%3Ac%25.sh,line=3"],
    ["a line end in a file's name", { file: "a\nb.sh" }, " file=a%0Ab.sh,"],
  ])("have %s", (_, over, expected) => {
    const lines = toGithub([result(over)]);
    expect(lines).toContain(expected);
    expect(lines.trimEnd().split("\n")).toHaveLength(1);
  });
});
