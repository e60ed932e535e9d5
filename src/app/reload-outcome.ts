/** Outcomes of a reload, and the problems that only a running gateway can have. */
import { faultInWords } from "../common/system-error.ts";
import type { Problem } from "../settings/problems/problem.ts";

/** What asked for a reload: `ocsgw reload` or the admin API, a signal, or a changed file. */
export type ReloadTrigger = "reload" | "SIGHUP" | "watcher";

/**
 * `whole`: files that were renamed into place, so none is half written. `dryRun`: only says what would change. `user`:
 * who asks over the admin API, for the journal.
 */
export type ReloadOptions = {
  readonly by?: ReloadTrigger;
  readonly whole?: readonly string[];
  readonly dryRun?: boolean;
  readonly user?: string;
};

/** A reload that came into force. `at`: RFC 3339 in UTC. `changes`: one sentence each. */
export type Applied = {
  readonly at: string;
  readonly by: ReloadTrigger;
  readonly before: string;
  readonly hash: string;
  readonly changes: readonly string[];
};

export type Reloaded =
  /** `applied`: the last reload that came into force since the start. */
  | { readonly outcome: "unchanged"; readonly hash: string; readonly applied?: Applied }
  | ({ readonly outcome: "reloaded"; readonly warnings: readonly Problem[] } & Applied)
  /** A dry run: the config would come into force. */
  | {
      readonly outcome: "valid";
      readonly before: string;
      readonly hash: string;
      readonly changes: readonly string[];
      readonly warnings: readonly Problem[];
    }
  /** The files remove something and may be incomplete: the reload waits until they stay unchanged for a while. */
  | { readonly outcome: "waiting"; readonly before: string; readonly hash: string; readonly removes: readonly string[] }
  /** `hash`: of the rejected config; `before` stays in force. */
  | {
      readonly outcome: "refused";
      readonly before: string;
      readonly hash: string;
      readonly problems: readonly Problem[];
    };

/** At most this many changes are listed in log and journal; the others are counted. */
const MOST_LISTED = 100;

/** The config is valid, but its generation could not be made. */
export const notAppliedProblem = (file: string, error: Error): Problem => ({
  severity: "error",
  code: "OCSGW-6282",
  file,
  line: 1,
  column: 1,
  path: "",
  message: `the config could not be applied: ${faultInWords(error)}`,
});

/** The gateway is stopping. */
export const stoppingProblem = (file: string): Problem => ({
  severity: "error",
  code: "OCSGW-6331",
  file,
  line: 1,
  column: 1,
  path: "",
  message: "the gateway is stopping and does not reload",
  help: "the next start reads all files; to reject a credential until then, use ocsgw revoke",
});

/** A problem as text for log, journal and probes. A policy test is not quoted: it may contain phone numbers. */
export const loggable = ({ code, path, message }: Problem): string =>
  `${code} ${/^tests\b/.test(path) ? `${path} fails or is malformed; run ocsgw check` : message}`;

/** The first 100 changes, and how many more there are. */
export const firstChanges = (changes: readonly string[]): readonly string[] =>
  changes.length <= MOST_LISTED
    ? changes
    : [...changes.slice(0, MOST_LISTED), `and ${changes.length - MOST_LISTED} more`];
