/**
 * `ocsgw check`: shows all problems of a config file, found by the code that `run` uses. `--explain`: lists all keys.
 */
import { holdToKeyChecks } from "../../app/wiring/journal/index-keys.ts";
import { holdToRights } from "../../app/wiring/journal/journal-permissions.ts";
import { runPolicyTests, type PolicyTestResult } from "../../dry-run/policy-tests.ts";
import type { Counts, Loaded } from "../../settings/load.ts";
import { loadSettings, loadToRead, textOf } from "../../settings/load.ts";
import { explainRows } from "../../settings/schema/schema-tree.ts";
import type { Problem } from "../../settings/problems/problem.ts";
import { renderRows, summary } from "./connect/row.ts";
import { renderProblem, type RenderOptions } from "../../settings/problems/render.ts";
import type { Settings } from "../../settings/schema/schema.ts";
import { stopTimeOf } from "../../settings/stop-time.ts";
import { DONE, NOT_VALID, UNREACHABLE } from "../exit-codes.ts";
import type { Format } from "../formats/formats.ts";

/** The parts of the process that a command uses. */
export type Host = {
  readonly stdout: { readonly write: (text: string) => unknown; readonly isTTY?: boolean };
  readonly env: Readonly<Record<string, string | undefined>>;
};

/**
 * `json`: the same as `format: "json"`. `all`: shows every problem. `connect`: also tests the addresses in the file,
 * and `recordUri`, a GSW_RECORD_URI.
 */
export type CheckOptions = {
  readonly config: string;
  readonly json?: boolean;
  readonly format?: Format;
  readonly all?: boolean;
  readonly connect?: boolean;
  readonly recordUri?: string;
};

/** Problems shown without `--all`. */
const SHOWN = 20;

type Reading = (config: string, host: Host) => Promise<Loaded>;

const forGateway: Reading = (config, host) => loadSettings(config, host.env);

/**
 * Resolves to the exit code: 0 valid, warnings included; 3 not valid; 5 something cannot be reached or does not work.
 */
export const check = async (
  { config, json = false, format = json ? "json" : "text", all = false, connect = false, recordUri }: CheckOptions,
  host: Host = process,
  reading: Reading = forGateway,
): Promise<number> => {
  const started = performance.now();
  const read = await holdToKeyChecks(await runPolicyTests(await reading(config, host), config), config);
  // A command that only reads the journal needs no right to write there.
  const loaded = reading === forGateway ? await holdToRights(read, config) : read;
  const problems = loaded.ok ? loaded.warnings : loaded.problems;
  const elapsedMs = Math.round(performance.now() - started);
  const rows =
    connect && loaded.ok ? await (await import("./connect.ts")).testConnections(loaded.settings, recordUri) : [];
  if (format !== "text") {
    const { inFormat } = await import("./print-formats.ts");
    host.stdout.write(inFormat(format, { config, problems, rows: connect ? rows : undefined }));
  } else {
    const shown = problems.slice(0, all ? undefined : SHOWN);
    for (const each of await rendered(shown, renderOptionsOf(host))) host.stdout.write(`${each}\n\n`);
    if (shown.length < problems.length)
      host.stdout.write(`${problems.length - shown.length} more problems; --all shows them\n\n`);
    host.stdout.write(`${verdict({ config, loaded, problems, elapsedMs })}\n`);
    if (rows.length > 0) host.stdout.write(`\n${renderRows(rows)}\n${summary(rows)}\n`);
  }
  if (!loaded.ok) return NOT_VALID;
  return rows.some(({ state }) => state === "fail") ? UNREACHABLE : DONE;
};

/** Prints the problems to stderr, for other commands, whose results go to stdout. Resolves to the exit code. */
export const printProblems = (config: string): Promise<number> =>
  check({ config }, { stdout: process.stderr, env: process.env });

/** The same for a config that was loaded to read the journal: ignores problems that matter only to a gateway. */
export const printProblemsToRead = (config: string): Promise<number> =>
  check({ config }, { stdout: process.stderr, env: process.env }, loadToRead);

export const renderOptionsOf = ({ stdout, env }: Host): RenderOptions => ({
  colour: stdout.isTTY === true && (env["NO_COLOR"] ?? "") === "" && env["TERM"] !== "dumb",
});

/** Renders each problem with the lines of its file. */
export const rendered = async (problems: readonly Problem[], look: RenderOptions): Promise<readonly string[]> => {
  const files = [...new Set(problems.map(({ file }) => file))];
  const texts = new Map(await Promise.all(files.map(async (file) => [file, await textOf(file)] as const)));
  return problems.map((problem) => {
    const text = texts.get(problem.file);
    return renderProblem(problem, typeof text === "string" ? text : undefined, look);
  });
};

const verdict = ({
  config,
  loaded,
  problems,
  elapsedMs,
}: {
  config: string;
  loaded: PolicyTestResult;
  problems: readonly Problem[];
  elapsedMs: number;
}): string => {
  const warnings = problems.filter(({ severity }) => severity === "warning").length;
  const warned = warnings > 0 ? `, ${counted(warnings, "warning")}` : "";
  if (loaded.ok) {
    const passed = loaded.passed > 0 ? `, ${counted(loaded.passed, "policy test")} passed` : "";
    return (
      `ok  ${config}: ${extent(loaded.counts)}${passed}${warned}; needs ${stopTime(loaded.settings)} or more. ` +
      `${elapsedMs} ms`
    );
  }
  return (
    `${counted(problems.length - warnings, "error")}${warned} in ` +
    `${config}${loaded.counts ? ` (${extent(loaded.counts)})` : ""}. ${elapsedMs} ms`
  );
};

/** The stop time that a service manager must allow. */
const stopTime = ({ upstreams, ...settings }: Settings): string =>
  `TimeoutStopSec=${Math.ceil(stopTimeOf({ ...settings, upstreams: Object.values(upstreams) }).all / 1000)}s`;

const extent = ({ tenants, clients, upstreams, lanes }: Counts): string =>
  `${counted(tenants, "tenant")}, ${counted(clients, "client")}, ` +
  `${counted(upstreams, "upstream")}${lanes === undefined ? "" : ` (${counted(lanes, "lane")})`}`;

const counted = (count: number, noun: string): string => `${count} ${noun}${count === 1 ? "" : "s"}`;

/** `check --explain`: every key with its default and explanation. */
export const explainSettings = (host: Host = process): number => {
  const rows = explainRows();
  for (const { key, required, default: fallback, explanation } of rows) {
    const note = required ? "required" : fallback === undefined ? "" : `default ${fallback}`;
    host.stdout.write(`${key}${note === "" ? "" : `  (${note})`}\n    ${explanation}\n`);
  }
  return DONE;
};
