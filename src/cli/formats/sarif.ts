/** Findings as SARIF 2.1.0, for code scanning. */
import { isAbsolute } from "node:path";
import { pathToFileURL } from "node:url";
import manifest from "../../../package.json" with { type: "json" };
import type { Result } from "./formats.ts";

/** What SARIF says about a code once. */
export type SarifRule = {
  readonly code: string;
  readonly level: "error" | "warning" | "note";
  readonly title: string;
  readonly help?: string;
};

const SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json";

/** `rules`: at least those of the results; a code that is missing is added with the message of its first result. */
export const toSarif = (results: readonly Result[], rules: readonly SarifRule[]): string => {
  const listed = [...rules, ...missingRules(results, rules)];
  const indexOf = new Map(listed.map(({ code }, at) => [code, at]));
  const run = {
    tool: { driver: { name: "ocsgw", version: manifest.version, rules: listed.map(ruleOf) } },
    columnKind: "utf16CodeUnits",
    results: results.map((result) => ({
      ruleId: result.code,
      ruleIndex: indexOf.get(result.code)!,
      // A result that is open tells that the rule could not be decided.
      ...(result.level === "unsure" ? { kind: "open", level: "none" } : { kind: "fail", level: result.level }),
      message: { text: result.help === undefined ? result.message : `${result.message}: ${result.help}` },
      locations: [locationOf(result)],
    })),
  };
  return `${JSON.stringify({ $schema: SCHEMA, version: "2.1.0", runs: [run] }, null, 2)}\n`;
};

const missingRules = (results: readonly Result[], rules: readonly SarifRule[]): readonly SarifRule[] => {
  const known = new Set(rules.map(({ code }) => code));
  return [
    ...new Map(results.filter(({ code }) => !known.has(code)).map((result) => [result.code, result])).values(),
  ].map(({ code, level, message }) => ({ code, level: level === "error" ? "error" : "warning", title: message }));
};

const ruleOf = ({ code, level, title, help }: SarifRule) => ({
  id: code,
  shortDescription: { text: title },
  defaultConfiguration: { level },
  ...(help !== undefined && { help: { text: help } }),
});

const locationOf = ({ file, line, column }: Result) => ({
  physicalLocation: {
    artifactLocation: { uri: uriOf(file) },
    region: { startLine: Math.max(1, line), startColumn: Math.max(1, column) },
  },
});

const uriOf = (file: string): string =>
  isAbsolute(file) ? pathToFileURL(file).href : file.split(/[\\/]/).map(encodeURIComponent).join("/");
