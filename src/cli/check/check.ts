/** `ocsgw check`: every problem of a config file at once, with the code that `run` uses and without the network. `--explain`: every key. */
import { holdToKeyChecks } from "../assemble/index-keys.ts";
import { holdToRights } from "../assemble/journal-rights.ts";
import { holdToExamples, type Rehearsals } from "../rehearsal/policy-tests.ts";
import type { Counts, Loaded } from "../settings/load.ts";
import { loadSettings, loadToRead, textOf } from "../settings/load.ts";
import { explainRows } from "../settings/outline.ts";
import type { Problem } from "../settings/problem.ts";
import { renderRows, summary } from "./connect/row.ts";
import { renderProblem, type Look } from "../settings/render.ts";
import type { Settings } from "../settings/schema.ts";
import { stopTimeOf } from "../settings/stop-time.ts";

/** What a command needs of its process. */
export type Host = {
  readonly stdout: { readonly write: (text: string) => unknown; readonly isTTY?: boolean };
  readonly env: Readonly<Record<string, string | undefined>>;
};

/** `all`: however many problems there are. `connect`: what the file names is tried as well, and a GSW_RECORD_URI when one is given. */
export type CheckOptions = {
  readonly config: string;
  readonly json?: boolean;
  readonly all?: boolean;
  readonly connect?: boolean;
  readonly recordUri?: string;
};

const VALID = 0;
const NOT_VALID = 3;
const UNREACHABLE = 5;
/** Who has more to mend begins with these. */
const SHOWN = 20;

type Reading = (config: string, host: Host) => Promise<Loaded>;

const forAGateway: Reading = (config, host) => loadSettings(config, host.env);

/** Resolves to the exit code: 0 valid, warnings included; 3 not valid; 5 something cannot be reached or does not work. */
export const check = async (
  { config, json = false, all = false, connect = false, recordUri }: CheckOptions,
  host: Host = process,
  reading: Reading = forAGateway,
): Promise<number> => {
  const started = performance.now();
  const read = await holdToKeyChecks(await holdToExamples(await reading(config, host), config), config);
  // Who only reads the journal may write nothing.
  const loaded = reading === forAGateway ? await holdToRights(read, config) : read;
  const problems = loaded.ok ? loaded.warnings : loaded.problems;
  const took = Math.round(performance.now() - started);
  const rows = connect && loaded.ok ? await (await import("./connect.ts")).tryOut(loaded.settings, recordUri) : [];
  if (json) {
    host.stdout.write(`${JSON.stringify(connect ? { problems, connect: rows } : problems, null, 2)}\n`);
  } else {
    const shown = problems.slice(0, all ? undefined : SHOWN);
    for (const each of await rendered(shown, lookOf(host))) host.stdout.write(`${each}\n\n`);
    if (shown.length < problems.length)
      host.stdout.write(`${problems.length - shown.length} more; --all shows them\n\n`);
    host.stdout.write(`${verdict({ config, loaded, problems, took })}\n`);
    if (rows.length > 0) host.stdout.write(`\n${renderRows(rows)}\n${summary(rows)}\n`);
  }
  if (!loaded.ok) return NOT_VALID;
  return rows.some(({ state }) => state === "fail") ? UNREACHABLE : VALID;
};

/** For a command that has another question: its results alone go to stdout. Resolves to the exit code. */
export const sayInvalid = (config: string): Promise<number> =>
  check({ config }, { stdout: process.stderr, env: process.env });

/** The same of a config that was loaded to read a journal: what only a gateway needs is no problem. */
export const sayInvalidToRead = (config: string): Promise<number> =>
  check({ config }, { stdout: process.stderr, env: process.env }, loadToRead);

export const lookOf = ({ stdout, env }: Host): Look => ({
  colour: stdout.isTTY === true && (env["NO_COLOR"] ?? "") === "" && env["TERM"] !== "dumb",
});

/** Each with the lines of its own file. */
export const rendered = async (problems: readonly Problem[], look: Look): Promise<readonly string[]> => {
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
  took,
}: {
  config: string;
  loaded: Rehearsals;
  problems: readonly Problem[];
  took: number;
}): string => {
  const warnings = problems.filter(({ severity }) => severity === "warning").length;
  const warned = warnings > 0 ? `, ${counted(warnings, "warning")}` : "";
  if (loaded.ok) {
    const passed = loaded.passed > 0 ? `, ${counted(loaded.passed, "policy test")} passed` : "";
    return `ok  ${config}: ${extent(loaded.counts)}${passed}${warned}; needs ${stopTime(loaded.settings)} or more. ${took} ms`;
  }
  return `${counted(problems.length - warnings, "error")}${warned} in ${config}${loaded.counts ? ` (${extent(loaded.counts)})` : ""}. ${took} ms`;
};

/** What whoever ends the process by force has to wait for. */
const stopTime = ({ upstreams, ...settings }: Settings): string =>
  `TimeoutStopSec=${Math.ceil(stopTimeOf({ ...settings, upstreams: Object.values(upstreams) }).all / 1000)}s`;

const extent = ({ tenants, clients, upstreams, lanes }: Counts): string =>
  `${counted(tenants, "tenant")}, ${counted(clients, "client")}, ${counted(upstreams, "upstream")}${lanes === undefined ? "" : ` (${counted(lanes, "lane")})`}`;

const counted = (count: number, noun: string): string => `${count} ${noun}${count === 1 ? "" : "s"}`;

/** `check --explain`: every key, what it is when left out, and what it means. */
export const explainSettings = (host: Host = process): number => {
  const rows = explainRows();
  for (const { key, needed, default: fallback, explanation } of rows) {
    const left = needed ? "needed" : fallback === undefined ? "" : `default ${fallback}`;
    host.stdout.write(`${key}${left === "" ? "" : `  (${left})`}\n    ${explanation}\n`);
  }
  return VALID;
};
