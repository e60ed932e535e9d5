/** `ocsgw reload`: a running gateway reads its files again; 0 done or nothing to do, 3 refused, 5 no answer. */
import type { Reloaded } from "../assemble/reload.ts";
import { textOf } from "../settings/load.ts";
import { renderProblem } from "../settings/render.ts";
import { askAs, type AdminOptions } from "./admin.ts";
import { lookOf } from "./check.ts";

const DONE = 0;
const REFUSED = 3;

export const reload = async ({ json, ...options }: AdminOptions & { readonly json?: boolean }): Promise<number> => {
  const answer = await askAs(options, { path: "/api/reload", method: "POST" });
  if (typeof answer === "number") return answer;
  const told = answer.value as Reloaded;
  if (json) console.log(JSON.stringify(told, undefined, 2));
  else for (const line of await inWords(told)) console.log(line);
  return told.outcome === "refused" ? REFUSED : DONE;
};

const short = (hash: string): string => hash.slice(0, 12) || "unreadable";

const inWords = async (told: Reloaded): Promise<readonly string[]> => {
  if (told.outcome === "unchanged") return [`nothing has changed; config ${short(told.hash)} is in force`];
  if (told.outcome === "reloaded") {
    const changes = told.changes.length === 0 ? ["  nothing that matters"] : told.changes.map((change) => `  ${change}`);
    return [`in force: config ${short(told.hash)}, before ${short(told.before)}`, ...changes, ...told.warnings.map(({ file, line, column, message }) => `  warning: ${file}:${line}:${column}: ${message}`)];
  }
  const shown = await Promise.all(told.problems.map(async (problem) => {
    const text = await textOf(problem.file);
    return `${renderProblem(problem, typeof text === "string" ? text : undefined, lookOf(process))}\n`;
  }));
  return [...shown, `refused: nothing has changed; config ${short(told.before)} stays in force`];
};
