/** What calls of one file do together: an AddRecord that is repeated, and records that stay open. */
import type { Action } from "../../ocs/catalog.ts";
import type { Call, Undecided } from "../calls.ts";
import type { LintFinding } from "./table.ts";

export type Judged = {
  readonly call: Call;
  /** Undefined if only the running program knows it. */
  readonly action: Action | undefined;
  readonly identifier: string | undefined;
};

export const judgeFlow = (
  calls: readonly Judged[],
): { readonly findings: readonly LintFinding[]; readonly undecided: readonly Undecided[] } => {
  const open = judgeOpen(calls);
  return {
    findings: [...calls.flatMap((each) => judgeRepeated(each, calls)), ...open.findings, ...judgeTwice(calls)],
    undecided: open.undecided,
  };
};

const isAdd = ({ action }: Judged): boolean => action?.name === "AddRecord";

const judgeRepeated = (judged: Judged, calls: readonly Judged[]): readonly LintFinding[] => {
  const { call } = judged;
  if (!isAdd(judged)) return [];
  const failed = calls.some(
    (other) =>
      other !== judged &&
      isAdd(other) &&
      call.afterFailureOf.some(({ start, end }) => other.call.at >= start && other.call.at < end),
  );
  if (failed) return [{ rule: "addRepeated", at: call.at }];
  return call.retried ? [{ rule: "addRetried", at: call.at }] : [];
};

const isOnRecord = ({ action }: Judged): boolean => action?.resource === "records";

/** Calls for the same record, or for one that may be the same. */
const mayBeSame = (one: Judged, other: Judged): boolean =>
  one.identifier === undefined || other.identifier === undefined || one.identifier === other.identifier;

const judgeOpen = (calls: readonly Judged[]) => {
  const left = calls.filter(
    (added) =>
      isAdd(added) &&
      isOnRecord(added) &&
      !calls.some((other) => isOnRecord(other) && other.action!.finalizes && mayBeSame(added, other)),
  );
  const isUnsure = calls.some(({ action }) => action === undefined);
  return {
    findings: isUnsure ? [] : left.map(({ call }) => ({ rule: "recordLeftOpen" as const, at: call.at })),
    undecided: isUnsure
      ? left.map(({ call }) => ({ at: call.at, what: "whether the record is finalized after AddRecord" }))
      : [],
  };
};

/** A habit of the Desktop protocol: RecordReschedule, and RecordProcessed behind it. */
const judgeTwice = (calls: readonly Judged[]): readonly LintFinding[] =>
  calls.flatMap((judged, at) => {
    const before = calls[at - 1];
    const isTwice =
      judged.action?.name === "RecordProcessed" &&
      before?.action?.name === "RecordReschedule" &&
      isOnRecord(judged) &&
      isOnRecord(before) &&
      mayBeSame(judged, before) &&
      judged.call.afterFailureOf.length === 0;
    return isTwice ? [{ rule: "finalizedTwice" as const, at: judged.call.at }] : [];
  });
