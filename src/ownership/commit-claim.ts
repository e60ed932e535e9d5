/**
 * The result of an announcement or registration, once it is on disk and no request of the earlier owner is in flight.
 * OCS dials a record only after that.
 */
import { OWNED, type ClaimResult, type DisputedClaim, type HandleEntry } from "./handles/handle-state.ts";
import type { Handles } from "./handles/handles.ts";
import type { OwnershipWriter } from "./ownership-writer.ts";
import type { Announcement, OwnershipEvent, OwnershipResult } from "./types.ts";

/** Maximum milliseconds for which OCS waits for its answer while requests of the earlier owner are in flight. */
const DRAIN_MS = 2000;

export type CommitDeps = {
  readonly writer: OwnershipWriter;
  readonly onEvent: (event: OwnershipEvent) => void;
};

export const commitClaim = async (
  deps: CommitDeps,
  handles: Handles,
  announcement: Announcement,
  claimed: ClaimResult,
): Promise<OwnershipResult> => {
  if (claimed.as === "disputed") return commitDispute(deps, handles, announcement.handle, claimed);
  if (!("entry" in claimed)) return claimed.as;
  const { writer } = deps;
  const { as, entry } = claimed;
  const { handle, upstream } = announcement;
  const { table, inFlight } = handles;
  const drained = inFlight.drained(handle, entry.tenant, DRAIN_MS);
  const remove = (): void => void writer.remove(upstream, handle, entry.generation);
  // True if the claim has ended, or a newer one has replaced it, while it was written.
  const isReplaced = (): boolean => table.find(handle) !== entry;
  if (!(await writer.putOwner(handles, announcement, entry))) {
    // An earlier claim of the same tenant is on disk already.
    if (as !== "new" && entry.state.name === "owned") return as === "again" ? "again" : "unstored";
    handles.withdraw(handle, entry);
    // Also removes the earlier owner, and this claim if a hanging commit still writes it later.
    remove();
    return "unstored";
  }
  if (isReplaced()) {
    remove();
    return "void";
  }
  if (entry.state.name === "disputed") return "disputed";
  if (!(await drained)) {
    handles.withdraw(handle, entry);
    remove();
    return "in-flight";
  }
  if (isReplaced()) {
    remove();
    return "void";
  }
  if (entry.state.name === "storing") entry.state = OWNED;
  entry.acknowledgedAt ??= acknowledgedAt(entry);
  return as === "new" ? "owned" : "again";
};

/** As `commitClaim`, for a disputed handle. `malformed`: OCS's names of the malformed properties. */
export const commitDispute = async (
  { writer, onEvent }: CommitDeps,
  handles: Handles,
  handle: number,
  { entry, raisesAlarm }: DisputedClaim,
  malformed?: readonly string[],
): Promise<OwnershipResult> => {
  if (raisesAlarm) onEvent({ kind: "disputed", upstream: handles.upstream, handle, ...(malformed && { malformed }) });
  const drained = handles.inFlight.drained(handle, undefined, DRAIN_MS);
  if (!(await writer.putDispute(handles, handle, entry))) return "unstored";
  return (await drained) ? "disputed" : "in-flight";
};

/** Resolves to the result of a claim when the doubt about older entries is on disk too. */
export const withDoubt = async (
  { writer }: CommitDeps,
  handles: Handles,
  claim: () => Promise<OwnershipResult>,
): Promise<OwnershipResult> => {
  const { doubtUpTo } = handles.confirmation;
  const claimed = claim();
  if (handles.confirmation.doubtUpTo === doubtUpTo) return claimed;
  const [result, isWritten] = await Promise.all([claimed, writer.putDoubt(handles)]);
  return isWritten ? result : "unstored";
};

/**
 * A registrar names a record that OCS has opened already, and no client knows a new number before OCS has opened its
 * record. Only under a reused number can a request come before OCS has opened the record.
 */
const acknowledgedAt = ({ isReused, registered }: HandleEntry): number =>
  isReused === true && !registered ? performance.now() : -Infinity;
