/**
 * `ocsgw discover`: reads campaign groups from OCS, or tenants, groups, lists and campaigns from exports, and enters
 * them into a config, or prints them. What it cannot know is a placeholder, which check refuses.
 */
import { endpointsOf } from "../../app/wiring/upstreams.ts";
import { readConfigText, partOf } from "../../settings/files/config-text.ts";
import { ConfigEdit, writeConfig } from "../../settings/edit/config-edit.ts";
import { FileEditError } from "../../settings/files/edit-file.ts";
import type { UpstreamSettings } from "../../settings/schema/schema.ts";
import { visible } from "../../settings/problems/visible.ts";
import { faultInWords } from "../../common/system-error.ts";
import { CANNOT_TELL, FAILED, NOT_VALID, UNREACHABLE } from "../exit-codes.ts";
import { command, Stop, type Host } from "../list-file.ts";
import { leaveSignalsToCommand } from "../process/early-signals.ts";
import { showProgress } from "../process/progress.ts";
import { ExportsFault, NO_EXPORTS, readExports } from "./csv/exports.ts";
import { tenantsOf, upstreamAt, upstreamOf } from "./config-of.ts";
import { enterPlan } from "./enter.ts";
import { matchGroups } from "./match.ts";
import { asksOcs, assignmentsIn, dbidsIn, DEFAULT_PACE, DEFAULT_TIMEOUT, durationOf, holdTogether } from "./options.ts";
import type { DiscoverOptions } from "./options.ts";
import { planTenants, type Plan } from "./plan.ts";
import { CannotRead, readOcs, type OcsRead } from "./read-ocs.ts";
import { reportJson, reportLines, type Found } from "./report.ts";

/** Name of the upstream in a printed skeleton, as `init` names it. */
const UPSTREAM = "ocs-main";
const INTERRUPTED = 130;

/** Resolves to the exit code. */
export const discover = (options: DiscoverOptions, host: Host = process): Promise<number> => {
  let code = 0;
  return command(host, async () => {
    holdTogether(options);
    const { edit, name, upstream } = await placesOf(options, host);
    const known = options.config === undefined ? [] : tenantsOf(edit, name);
    const exports = options.csv
      ? await readExports(
          options.csv,
          known.map((tenant) => tenant.name),
        ).catch(refuseExports)
      : NO_EXPORTS;
    const assignments = assignmentsIn(options.assign ?? []);
    const stop = interruption();
    const read = upstream && (await readFrom(upstream, { options, stop: stop.signal }).catch(refuseOcs));
    const matched = read && matchGroups(read);
    const plan = planTenants({ known, exports, assignments, read: matched?.groups });
    const found: Found = { read, matched, plan };
    const conflicts = [...plan.conflicts, ...(plan.conflicts.length === 0 ? enter(edit, { plan, name, options }) : [])];
    stop.release();
    const isStopped = stop.signal.aborted;
    if (options.json) host.stdout.write(`${JSON.stringify({ ...reportJson(found), conflicts }, null, 2)}\n`);
    else for (const line of reportLines(found)) host.stderr.write(`${visible(line.replaceAll("\n", "\\n"))}\n`);
    if (conflicts.length > 0) throw new Stop(FAILED, ["nothing was written:", ...conflicts].join("\n"));
    await show(edit, { options, isStopped, host });
    if (isStopped) code = INTERRUPTED;
    else if (read?.ended !== undefined) code = UNREACHABLE;
  }).then((ended) => (ended === 0 ? code : ended));
};

type Places = {
  readonly edit: ConfigEdit;
  readonly name: string;
  /** The OCS to ask; undefined if none is. */
  readonly upstream: UpstreamSettings | undefined;
};

const placesOf = async (options: DiscoverOptions, { env }: Host): Promise<Places> => {
  const { config, upstream } = options;
  if (config === undefined) {
    const edit = new ConfigEdit({ main: partOf("tenants", "tenants: []\n"), tenants: [] });
    if (upstream === undefined) return { edit, name: UPSTREAM, upstream: undefined };
    const { ca, cert, key, serverName } = options;
    return { edit, name: UPSTREAM, upstream: upstreamAt(upstream, { ca, cert, key, server_name: serverName }) };
  }
  const text = await readConfigText(config);
  if (!("main" in text)) throw new FileEditError(`cannot read ${config}`, [text]);
  const edit = new ConfigEdit(text);
  const found = upstreamOf(edit, { file: config, wanted: upstream, env });
  return { edit, name: found.name, upstream: asksOcs(options) ? found.upstream : undefined };
};

const refuseExports = (error: unknown): never => {
  throw error instanceof ExportsFault ? new Stop(FAILED, error.message) : error;
};

const INSTEAD =
  "Instead, export tenants, campaign groups, calling lists and campaigns from Genesys Administrator or the " +
  "configuration database as CSV, and run ocsgw discover --csv FILE";

const refuseOcs = (error: unknown): never => {
  if (!(error instanceof CannotRead)) throw error;
  if (error.how === "unreachable") throw new Stop(UNREACHABLE, `OCS cannot be reached: ${error.message}`);
  throw error.how === "old"
    ? new Stop(CANNOT_TELL, `${error.message}. ${INSTEAD}`)
    : new Stop(UNREACHABLE, error.message);
};

type Reading = { readonly options: DiscoverOptions; readonly stop: AbortSignal };

const readFrom = async (upstream: UpstreamSettings, { options, stop }: Reading): Promise<OcsRead> => {
  const dbids = dbidsIn(options.dbids);
  const pace = durationOf("--pace", options.pace ?? DEFAULT_PACE);
  const limit = durationOf("--timeout", options.timeout ?? DEFAULT_TIMEOUT);
  const { primary, backup } = await endpointsOf(upstream).catch((error: unknown) => {
    throw new Stop(FAILED, faultInWords(error));
  });
  const progress = showProgress("reading campaign groups", dbids.length, { unit: "DBIDs" });
  const time = new AbortController();
  const timer = setTimeout(
    () => time.abort(new Error(`the time of --timeout ${options.timeout ?? DEFAULT_TIMEOUT} is over`)),
    limit,
  );
  try {
    return await readOcs({
      endpoints: [primary, ...(backup ? [backup] : [])],
      answerTimeout: upstream.timeouts.answer,
      dbids,
      pace,
      signal: AbortSignal.any([stop, time.signal]),
      onAsked: progress.reach,
    });
  } finally {
    clearTimeout(timer);
    progress.end();
  }
};

/** The first SIGINT or SIGTERM ends the reading after the present request; a second one ends the process. */
const interruption = (): { readonly signal: AbortSignal; readonly release: () => void } => {
  const controller = new AbortController();
  const stop = (): void => {
    if (controller.signal.aborted) process.exit(INTERRUPTED);
    controller.abort(new Error("interrupted"));
  };
  leaveSignalsToCommand();
  process.on("SIGINT", stop).on("SIGTERM", stop);
  return {
    signal: controller.signal,
    release: () => void process.off("SIGINT", stop).off("SIGTERM", stop),
  };
};

type Entering = { readonly plan: Plan; readonly name: string; readonly options: DiscoverOptions };

const enter = (edit: ConfigEdit, { plan, name, options }: Entering): readonly string[] => {
  const records = new Set(edit.tenants().map(({ value }) => value["records"]));
  const [same] = records;
  const conflicts = enterPlan(edit, plan, {
    upstream: name,
    records:
      records.size === 1 && typeof same === "string" ? same : options.config === undefined ? "pre-dial" : undefined,
  });
  if (options.config === undefined && edit.tenants().length === 0 && plan.nobody.length > 0)
    enterPlan(
      edit,
      {
        ...plan,
        tenants: [{ path: undefined, name: NAMELESS, dbid: undefined, groups: plan.nobody, campaigns: [], lists: [] }],
      },
      { upstream: name, records: "pre-dial" },
    );
  return conflicts;
};

/** Of the skeleton that is printed when nothing says whose the groups are. */
const NAMELESS = "the tenant";

type Showing = { readonly options: DiscoverOptions; readonly isStopped: boolean; readonly host: Host };

/** Prints the skeletons, or writes the config and prints what changed. */
const show = async (edit: ConfigEdit, { options, isStopped, host }: Showing): Promise<void> => {
  const { config, dryRun = false, json = false } = options;
  if (config === undefined) {
    if (!json) host.stdout.write(edit.text().main.text);
    return;
  }
  if (!json) host.stdout.write(edit.diff());
  if (edit.changes().length === 0) {
    host.stderr.write(`${config}: nothing to add\n`);
    return;
  }
  await holdToCheck(edit, config, host);
  if (dryRun || isStopped) {
    host.stderr.write(`nothing was written${dryRun ? ", because of --dry-run" : ""}\n`);
    return;
  }
  for (const file of await writeConfig(edit)) host.stderr.write(`wrote ${file}\n`);
  for (const { file, after } of [edit.text().main, ...edit.text().tenants].map(({ file: of, text }) => ({
    file: of,
    after: text,
  })))
    for (const [at, line] of after.split("\n").entries())
      for (const [placeholder] of line.matchAll(/<DBID of [^>\n]*>/g))
        host.stderr.write(`to fill in: ${file}:${at + 1}: ${placeholder}\n`);
};

/** Refuses an edit that would add an error to the config, other than what is left to fill in. */
const holdToCheck = async (edit: ConfigEdit, config: string, { env }: Host): Promise<void> => {
  const after = edit.check(env);
  if (after.ok) return;
  const text = await readConfigText(config);
  const before = "main" in text ? new ConfigEdit(text).check(env) : undefined;
  const old = new Set(before && !before.ok ? before.problems.map(({ code, message }) => `${code} ${message}`) : []);
  const added = after.problems.filter(
    ({ severity, code, message }) =>
      severity === "error" && !old.has(`${code} ${message}`) && !/<DBID of /.test(message),
  );
  if (added.length > 0)
    throw new Stop(
      NOT_VALID,
      [
        "nothing was written, because the config would not be valid:",
        ...added.map(({ file, line, column, code, message }) => `${file}:${line}:${column}: ${code} ${message}`),
      ].join("\n"),
    );
};
