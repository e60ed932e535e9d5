/**
 * `ocsgw reload`: makes the running gateway reload its files. Exit code 0: done or no change; 3: rejected; 5: no
 * answer.
 */
import type { Applied, Reloaded } from "../app/reload-outcome.ts";
import type { Problem } from "../settings/problems/problem.ts";
import { askAs, type AdminOptions } from "./admin-client.ts";
import { renderOptionsOf, rendered } from "./check/check.ts";
import { DONE, NOT_VALID } from "./exit-codes.ts";

export type ReloadOptions = AdminOptions & {
  readonly json?: boolean;
  /** Only reports what would change. */
  readonly dryRun?: boolean;
};

export const reload = async ({ json, dryRun = false, ...options }: ReloadOptions): Promise<number> => {
  const answer = await askAs(options, {
    path: "/api/reload",
    method: "POST",
    ...(dryRun && { body: { dry_run: true } }),
  });
  if (typeof answer === "number") return answer;
  const result = answer.value as Reloaded;
  if (json) console.log(JSON.stringify(result, undefined, 2));
  else for (const line of await describe(result)) console.log(line);
  return result.outcome === "refused" ? NOT_VALID : DONE;
};

const short = (hash: string): string => hash.slice(0, 12) || "unreadable";

const describe = async (result: Reloaded): Promise<readonly string[]> => {
  switch (result.outcome) {
    case "unchanged":
      return unchanged(result);
    case "reloaded":
      return [
        `Reloaded at ${result.at}: config ${short(result.hash)} replaces ${short(result.before)}`,
        ...listed(result.changes),
        ...warned(result.warnings),
      ];
    case "valid":
      return [
        `Valid, not applied (--dry-run): config ${short(result.hash)}; still running: ${short(result.before)}`,
        ...listed(result.changes),
        ...warned(result.warnings),
      ];
    case "waiting":
      return [
        "Not reloaded yet: the gateway waits until the files stop changing, because the reload would remove:",
        ...listed(result.removes),
        `the running config is still ${short(result.before)}`,
      ];
    case "refused":
      return [
        ...(await rendered(result.problems, renderOptionsOf(process))).map((each) => `${each}\n`),
        `Reload rejected: the running config ${short(result.before)} is unchanged`,
      ];
  }
};

const BY: Readonly<Record<Applied["by"], string>> = {
  reload: "by ocsgw reload",
  SIGHUP: "by SIGHUP",
  watcher: "by the file watcher",
};

/** The file watcher may have loaded the change before this command asked. */
const unchanged = ({ hash, applied }: Extract<Reloaded, { outcome: "unchanged" }>): readonly string[] => {
  if (!applied) return [`No change since the gateway started; the running config is ${short(hash)}`];
  return [
    `No change since the reload at ${applied.at}; the running config is ${short(hash)}. That reload, ` +
      `${BY[applied.by]}, changed:`,
    ...listed(applied.changes),
  ];
};

const listed = (sentences: readonly string[]): readonly string[] =>
  sentences.length === 0 ? ["  no setting"] : sentences.map((each) => `  ${each}`);

const warned = (warnings: readonly Problem[]): readonly string[] =>
  warnings.map(({ file, line, column, message }) => `  warning: ${file}:${line}:${column}: ${message}`);
