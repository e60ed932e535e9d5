/** Ends handles for other reasons than the outcome of a request: a call report, the validator, a registrar. */
import type { HandleEntry } from "../handles/handle-state.ts";
import type { Ending } from "../handles/lease-decision.ts";
import { appendWithin } from "./commit-event.ts";
import type { SharedUpstream } from "./shared-upstream.ts";

/** Resolves to true when the end is in the log. Otherwise it is written when the database answers again. */
export const endHandle = async (
  shared: SharedUpstream,
  handle: number,
  ending: Ending,
  attempt?: string,
): Promise<boolean> => {
  const find = (): HandleEntry | undefined => shared.handles.table.find(handle);
  if ((find() === undefined || ending === "taken-back") && !(await shared.catchUp())) return false;
  const entry = find();
  // Ending an older attempt does not end a newer one, here or when the event is written late.
  if (!entry || isOtherAttempt(entry, attempt)) return true;
  const event = { kind: "end", handle, ending, upTo: entry.generation } as const;
  try {
    await appendWithin(shared.replica, event, () => undefined);
    return true;
  } catch {
    void shared.replica.appendSurely(event);
    return false;
  }
};

const isOtherAttempt = (entry: HandleEntry, attempt: string | undefined): boolean =>
  attempt !== undefined && entry.attempt !== undefined && entry.attempt !== attempt;

/** As `endHandle`, by the call attempt's GUID. */
export const endAttempt = async (shared: SharedUpstream, attempt: string): Promise<boolean> => {
  const isCurrent = shared.handleOf(attempt) !== undefined || (await shared.catchUp());
  const handle = shared.handleOf(attempt);
  return handle === undefined ? isCurrent : endHandle(shared, handle, "call-ended", attempt);
};
