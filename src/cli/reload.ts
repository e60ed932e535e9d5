/** `ocsgw reload`: a running gateway reads its files again; 0 done or nothing to do, 3 refused, 5 no answer. */
import type { Applied, Reloaded } from "../assemble/reload.ts";
import type { Problem } from "../settings/problem.ts";
import { askAs, type AdminOptions } from "./admin.ts";
import { lookOf, rendered } from "./check.ts";

const DONE = 0;
const REFUSED = 3;

export type ReloadOptions = AdminOptions & {
  readonly json?: boolean;
  /** Nothing comes into force. */ readonly dryRun?: boolean;
};

export const reload = async ({ json, dryRun = false, ...options }: ReloadOptions): Promise<number> => {
  const answer = await askAs(options, {
    path: "/api/reload",
    method: "POST",
    ...(dryRun && { body: { dry_run: true } }),
  });
  if (typeof answer === "number") return answer;
  const told = answer.value as Reloaded;
  if (json) console.log(JSON.stringify(told, undefined, 2));
  else for (const line of await inWords(told)) console.log(line);
  return told.outcome === "refused" ? REFUSED : DONE;
};

const short = (hash: string): string => hash.slice(0, 12) || "unreadable";

const inWords = async (told: Reloaded): Promise<readonly string[]> => {
  switch (told.outcome) {
    case "unchanged":
      return unchanged(told);
    case "reloaded":
      return [
        `in force since ${told.at}: config ${short(told.hash)}, before ${short(told.before)}`,
        ...listed(told.changes),
        ...warned(told.warnings),
      ];
    case "valid":
      return [
        `valid, and not applied (--dry-run): config ${short(told.hash)}; ${short(told.before)} stays in force`,
        ...listed(told.changes),
        ...warned(told.warnings),
      ];
    case "waiting":
      return [
        `waits until the files have not changed for a while, because this would go:`,
        ...listed(told.removes),
        `config ${short(told.before)} stays in force until then`,
      ];
    case "refused":
      return [
        ...(await rendered(told.problems, lookOf(process))).map((each) => `${each}\n`),
        `refused: nothing has changed; config ${short(told.before)} stays in force`,
      ];
  }
};

const BY: Readonly<Record<Applied["by"], string>> = {
  reload: "by ocsgw reload",
  SIGHUP: "by SIGHUP",
  watcher: "because the gateway saw the change",
};

/** A gateway that watches its files may have been faster than whoever asks. */
const unchanged = ({ hash, applied }: Extract<Reloaded, { outcome: "unchanged" }>): readonly string[] => {
  if (!applied) return [`nothing has changed since the gateway started; config ${short(hash)} is in force`];
  return [
    `nothing has changed since ${applied.at}; config ${short(hash)} is in force. Then came into force, ${BY[applied.by]}:`,
    ...listed(applied.changes),
  ];
};

const listed = (sentences: readonly string[]): readonly string[] =>
  sentences.length === 0 ? ["  nothing that matters"] : sentences.map((each) => `  ${each}`);

const warned = (warnings: readonly Problem[]): readonly string[] =>
  warnings.map(({ file, line, column, message }) => `  warning: ${file}:${line}:${column}: ${message}`);
