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
  const adds = calls.filter(isAdd);
  const places = adds.map(({ call }) => call.at).toSorted((a, b) => a - b);
  return {
    findings: [...adds.flatMap((each) => judgeRepeated(each, places)), ...open.findings, ...judgeTwice(calls)],
    undecided: open.undecided,
  };
};

const isAdd = ({ action }: Judged): boolean => action?.name === "AddRecord";

/** `places`: of all AddRecords, in order. */
const judgeRepeated = ({ call }: Judged, places: readonly number[]): readonly LintFinding[] => {
  const failed = call.afterFailureOf.some(({ start, end }) => {
    const itself = call.at >= start && call.at < end ? 1 : 0;
    return firstFrom(places, end) - firstFrom(places, start) > itself;
  });
  if (failed) return [{ rule: "addRepeated", at: call.at }];
  return call.retried ? [{ rule: "addRetried", at: call.at }] : [];
};

const isOnRecord = ({ action }: Judged): boolean => action?.resource === "records";

/** How many of the places, which are in order, lie before `from`. */
const firstFrom = (places: readonly number[], from: number): number => {
  let [low, high] = [0, places.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (places[middle]! < from) low = middle + 1;
    else high = middle;
  }
  return low;
};

/** Calls for the same record, or for one that may be the same. */
const mayBeSame = (one: Judged, other: Judged): boolean =>
  one.identifier === undefined || other.identifier === undefined || one.identifier === other.identifier;

const judgeOpen = (calls: readonly Judged[]) => {
  const ended = new Set(calls.flatMap((each) => (isOnRecord(each) && each.action!.finalizes ? [each.identifier] : [])));
  const mayBeEnded = ({ identifier }: Judged): boolean =>
    ended.has(identifier) || ended.has(undefined) || (identifier === undefined && ended.size > 0);
  const left = calls.filter((added) => isAdd(added) && isOnRecord(added) && !mayBeEnded(added));
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
