/** The findings of the schema about a config: of its sections as written, and of those with misspelled names. */
import type { Merged } from "../../files/merge-files.ts";
import type { Assumed } from "../../misspelled-sections.ts";
import type { Finding, Path } from "../../problems/problem.ts";
import { isFilled } from "../../yaml.ts";
import { findingsOf } from "../schema-problems.ts";
import { homesOf, isSecret, keysAt } from "../schema-tree.ts";
import { settingsSchema } from "../schema.ts";

export const shapeFindings = (issues: Parameters<typeof findingsOf>[0], read: Merged): readonly Finding[] => {
  const isReported = reportedIn(read);
  const context = contextOf(read.value, (path) => isFilled(read, path));
  return findingsOf(issues, context).filter(({ path }) => !isReported(path));
};

/** A value that could not be interpolated has been reported, so it is not reported as missing. */
const reportedIn = ({ findings }: Merged): ((path: Path) => boolean) => {
  const reported = new Set(findings.map(({ path }) => JSON.stringify(path)));
  return (path) => reported.has(JSON.stringify(path));
};

const contextOf = (value: unknown, isFilledAt: (path: Path) => boolean): Parameters<typeof findingsOf>[1] => {
  return { value, keysAt, homesOf, hidden: (path) => isSecret(path) || isFilledAt(path) };
};

/** Problems in sections with misspelled names. */
export const shapeOfAssumed = (assumed: Assumed, read: Merged): readonly Finding[] => {
  if (assumed.value === read.value) return [];
  const issues = settingsSchema.safeParse(assumed.value).error?.issues ?? [];
  const isReported = reportedIn(read);
  const context = contextOf(assumed.value, (path) => isFilled(read, assumed.written(path)));
  return findingsOf(issues, context).filter(
    ({ path }) => assumed.isAssumed(path) && !isReported(assumed.written(path)),
  );
};
