/**
 * `ocsgw lint`: finds calls to OCS in strategies, call flows, recordings, scripts and sources, and judges them by the
 * action table of the gateway. Reads files only: runs nothing, and uses no network.
 */
import { lintText, type FileJudged, type Place } from "../../lint/lint.ts";
import { dotted, withoutLikelySecrets } from "../../lint/rules/likely-secrets.ts";
import { RULES, UNDECIDED } from "../../lint/rules/table.ts";
import type { Addresses } from "../../lint/options.ts";
import { loadToRead } from "../../settings/load.ts";
import { renderProblem } from "../../settings/problems/render.ts";
import { visible } from "../../settings/problems/visible.ts";
import { printProblemsToRead, renderOptionsOf, type Host } from "../check/check.ts";
import { DONE, FAILED, NOT_VALID, WRONG_USAGE } from "../exit-codes.ts";
import type { Format, Result } from "../formats/formats.ts";
import { toGithub } from "../formats/github.ts";
import { toSarif } from "../formats/sarif.ts";
import { addressesOf, addressIn } from "./addresses.ts";
import { filesOf, WrongFiles, type Named } from "./files.ts";
import { readText } from "./read.ts";

/**
 * `ocs`, `gateway`: host or host:port of OCS and of the gateway. `config`: a config whose upstreams are OCS. `kind`:
 * how to read the files.
 */
export type LintOptions = {
  readonly files: readonly string[];
  readonly ocs?: readonly string[];
  readonly gateway?: readonly string[];
  readonly config?: string;
  readonly kind?: string;
  readonly format?: Format;
  readonly json?: boolean;
  readonly all?: boolean;
};

/** Findings, and undecided places, that the text shows without `--all`. */
const SHOWN = 20;

type FileResult = FileJudged & { readonly file: Named; readonly text: string };

/** Resolves to the exit code: 0 no errors, 1 errors, 2 wrong usage, 3 the config is not valid. */
export const lint = async (options: LintOptions, host: Host = process): Promise<number> => {
  const started = performance.now();
  const addresses = await addressesFor(options);
  if (typeof addresses === "number") return addresses;
  const files = await filesOf(options.files, options.kind).catch((error: unknown) => {
    if (!(error instanceof WrongFiles)) throw error;
    console.error(visible(error.message));
    return undefined;
  });
  if (!files) return WRONG_USAGE;
  const results: FileResult[] = [];
  for (const file of files) results.push(await lintFile(file, addresses));
  print(results, options, { host, elapsedMs: Math.round(performance.now() - started) });
  return results.some(({ problems }) => problems.some(({ severity }) => severity === "error")) ? FAILED : DONE;
};

const addressesFor = async ({ ocs = [], gateway = [], config }: LintOptions): Promise<Addresses | number> => {
  const wrong = [...ocs, ...gateway].find((given) => addressIn(given) === undefined);
  if (wrong !== undefined) {
    console.error(visible(`${wrong} is no address: expected a host, with its port where it has one`));
    return WRONG_USAGE;
  }
  const loaded = config === undefined ? undefined : await loadToRead(config);
  if (loaded?.ok === false) {
    await printProblemsToRead(config!);
    return NOT_VALID;
  }
  return addressesOf(
    ocs.map((given) => addressIn(given)!),
    gateway.map((given) => addressIn(given)!),
    loaded?.settings,
  );
};

const lintFile = async (file: Named, addresses: Addresses): Promise<FileResult> => {
  const { text, fault } = await readText(file);
  const isUnread = fault !== undefined && text === "";
  const judged = isUnread ? NOTHING_JUDGED : lintText(text, file.kind, addresses);
  const problems = fault
    ? [{ rule: "unreadable" as const, ...RULES.unreadable, ...fault, title: undefined }, ...judged.problems]
    : judged.problems;
  return { ...judged, problems, file, text };
};

const NOTHING_JUDGED: FileJudged = { calls: 0, problems: [], undecided: [], secrets: [] };

type Output = { readonly host: Host; readonly elapsedMs: number };

const print = (results: readonly FileResult[], options: LintOptions, output: Output): void => {
  const { stdout } = output.host;
  const format = options.json ? "json" : (options.format ?? "text");
  if (format === "json") stdout.write(`${JSON.stringify(toJson(results), null, 2)}\n`);
  else if (format === "sarif") stdout.write(toSarif(resultsOf(results), SARIF_RULES));
  else if (format === "github") stdout.write(toGithub(resultsOf(results)));
  else printText(results, options, output);
  if (format === "github") console.error(verdict(results, output.elapsedMs));
};

const SARIF_RULES = [
  ...Object.values(RULES).map(({ code, severity, title, help }) => ({ code, level: severity, title, help })),
  { ...UNDECIDED, level: "note" as const },
];

const resultsOf = (results: readonly FileResult[]): readonly Result[] =>
  results.flatMap(({ file: { path }, problems, undecided }) => [
    ...problems.map(({ severity, code, line, column, message, help }) => ({
      level: severity,
      code,
      file: path,
      line,
      column,
      message,
      help,
    })),
    ...undecided.map(({ line, column, what }) => ({
      level: "unsure" as const,
      code: UNDECIDED.code,
      file: path,
      line,
      column,
      message: `cannot tell: ${what}`,
    })),
  ]);

const toJson = (results: readonly FileResult[]) => ({
  files: results.length,
  calls: callsIn(results),
  ...count(results),
  findings: results.flatMap(({ file: { path }, problems }) =>
    problems.map(({ severity, code, rule, line, column, message, help }) => ({
      severity,
      code,
      rule,
      file: path,
      line,
      column,
      message,
      help,
      docs: `errors/${code}.md`,
    })),
  ),
  undecided: results.flatMap(({ file: { path }, undecided }) =>
    undecided.map(({ line, column, what }) => ({ file: path, line, column, what })),
  ),
});

const callsIn = (results: readonly FileResult[]): number => results.reduce((sum, { calls }) => sum + calls, 0);

const count = (results: readonly FileResult[]) => {
  const problems = results.flatMap((result) => result.problems);
  const errors = problems.filter(({ severity }) => severity === "error").length;
  return { errors, warnings: problems.length - errors };
};

const printText = (results: readonly FileResult[], { all = false }: LintOptions, { host, elapsedMs }: Output): void => {
  const look = renderOptionsOf(host);
  const problems = results.flatMap((result) => result.problems.map((problem) => ({ problem, result })));
  for (const { problem, result } of problems.slice(0, all ? undefined : SHOWN)) {
    const { title: _, rule: __, ...shown } = { title: undefined, ...problem };
    const text = result.file.kind.isRecorded ? undefined : lineOf(result, problem);
    host.stdout.write(`${renderProblem({ ...shown, file: result.file.path, path: "" }, text, look)}\n\n`);
  }
  more(host, problems.length - SHOWN, "findings", all);
  const unsure = results.flatMap(({ file, undecided }) => undecided.map((each) => ({ file, ...each })));
  for (const { file, line, column, what } of unsure.slice(0, all ? undefined : SHOWN))
    host.stdout.write(`cannot tell: ${visible(what)}\n  --> ${visible(file.path)}:${line}:${column}\n\n`);
  more(host, unsure.length - SHOWN, "places that cannot be decided", all);
  host.stdout.write(`${verdict(results, elapsedMs)}\n`);
};

const more = ({ stdout }: Host, rest: number, what: string, all: boolean): void => {
  if (!all && rest > 0) stdout.write(`${rest} more ${what}; --all shows them\n\n`);
};

const MASKED = new WeakMap<FileResult, readonly string[]>();

/** Characters on each side of the finding that are looked through for what may be a credential. */
const AROUND = 5_000;

/** The line alone, at its place: a large file is not split again for each of its findings. */
const lineOf = (result: FileResult, { line, column }: Place): string => {
  const lines = MASKED.get(result) ?? masked(result).split("\n");
  MASKED.set(result, lines);
  const from = Math.max(0, column - AROUND);
  const shown = withoutLikelySecrets((lines[line - 1] ?? "").replace(/\r$/, "").slice(from, column + AROUND));
  return `${"\n".repeat(line - 1)}${" ".repeat(from)}${shown}`;
};

/** The text with a dot for each character of a secret. */
const masked = ({ text, secrets }: FileResult): string => {
  let shown = "";
  let from = 0;
  for (const { at, end } of secrets.toSorted((a, b) => a.at - b.at)) {
    if (end <= from) continue;
    const start = Math.max(at, from);
    shown += text.slice(from, start) + dotted(text.slice(start, end));
    from = end;
  }
  return shown + text.slice(from);
};

const verdict = (results: readonly FileResult[], elapsedMs: number): string => {
  const { errors, warnings } = count(results);
  const unsure = results.reduce((sum, { undecided }) => sum + undecided.length, 0);
  const parts = [
    ...(errors > 0 ? [counted(errors, "error")] : []),
    ...(warnings > 0 ? [counted(warnings, "warning")] : []),
    ...(unsure > 0 ? [`${counted(unsure, "place")} that cannot be decided`] : []),
  ];
  const size = `${counted(results.length, "file")}, ${counted(callsIn(results), "OCS call")}`;
  const found = parts.length === 0 ? "no findings" : parts.join(", ");
  return `${parts.length === 0 ? "ok  " : ""}${found} in ${size}. ${elapsedMs} ms`;
};

const counted = (number: number, noun: string): string => `${number} ${noun}${number === 1 ? "" : "s"}`;
