/** Decides from memory, synchronously, whether a tenant may use a record handle now. */
import { disputedAmong, type HandleEntry, type HowEnded } from "./handle-state.ts";
import type { Handles } from "./handles.ts";
import {
  needsOwner,
  reasonOfDenied,
  reasonOfUnclear,
  type DeniedHandle,
  type EndedHandle,
  type LeaseRequester,
  type Reason,
  type Unclear,
} from "./lease-decision.ts";

export type Verdict =
  | { readonly owned: HandleEntry }
  /** The handle needs no owner, and no request has finished it. */
  | { readonly free: true }
  | { readonly denied: DeniedHandle }
  | { readonly unclear: Unclear };

export const verdictOn = (handles: Handles, requester: LeaseRequester, handle: number): Verdict => {
  const { table, confirmation, isActiveOcsKnown } = handles;
  const { entry, ended, previous } = table.lookUp(handle);
  if (entry?.tenant === requester.dbid) {
    if (entry.finished) return { denied: { why: "ended", ended: endedBy(handles, entry, entry.finished) } };
    if (entry.state.name === "owned")
      return !isActiveOcsKnown || confirmation.isConfirmed(entry) ? { owned: entry } : { unclear: "unconfirmed" };
    if (entry.state.name === "storing") return { unclear: "storing" };
  }
  if (entry && disputedAmong(entry)?.includes(requester.dbid)) return { unclear: "disputed" };
  const needsNone = entry === undefined && !needsOwner(requester);
  if (needsNone && !handles.hasEnded(handle)) return { free: true };
  if (!isActiveOcsKnown) return { unclear: "roles" };
  if (ended !== undefined && (needsNone || ended.tenant === requester.dbid)) return { denied: { why: "ended", ended } };
  if (previous?.tenant === requester.dbid) return { denied: { why: "epoch-ended", at: table.previousEpochEndedAt } };
  if (handles.isStoreLost && entry === undefined && !handles.wasAnnounced(handle)) return { unclear: "store-lost" };
  return { denied: { why: entry !== undefined && entry.state.name !== "disputed" ? "foreign" : "unknown" } };
};

const endedBy = (
  { confirmation: { connectionPeriod } }: Handles,
  { tenant, attempt, announced }: HandleEntry,
  how: HowEnded,
): EndedHandle => ({ tenant, attempt, announced, connectionPeriod, ...how });

/** Why this tenant may not use the handle now. */
export const reasonFor = (handles: Handles, tenant: number, handle: number): Reason => {
  const verdict = verdictOn(handles, { dbid: tenant, records: "pre-dial" }, handle);
  if ("denied" in verdict) return reasonOfDenied(verdict.denied);
  return "unclear" in verdict
    ? reasonOfUnclear(verdict.unclear)
    : "in-flight: an earlier finalizing request for the handle was still in flight";
};

/** Why a handle has ended whose number OCS uses for another record now. */
export const reasonForEnded = ({ table }: Handles, handle: number): Reason => {
  const ended = table.ended(handle);
  return reasonOfDenied(ended ? { why: "ended", ended } : { why: "epoch-ended", at: table.previousEpochEndedAt });
};
