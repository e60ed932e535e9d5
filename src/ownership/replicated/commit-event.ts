/**
 * The result of an announcement or registration, once it is in the log and every live gateway knows what it takes from
 * a tenant. OCS dials a record only after that.
 */
import type { ClaimResult } from "../handles/handle-state.ts";
import type { OwnershipEvent, OwnershipResult } from "../types.ts";
import type { Acknowledgements } from "./acknowledgements.ts";
import type { LogEvent } from "./state/events.ts";
import { NotWritten, type Replica, type Written } from "./replica.ts";

/** Maximum milliseconds until the event is in the log; OCS does not wait longer. */
const WRITE_MS = 2000;
/** Maximum milliseconds until all gateways know it. A gateway that has just died is known to be dead before. */
export const KNOWN_MS = 2000;

export type CommitDeps = {
  readonly upstream: string;
  readonly replica: Replica;
  readonly acknowledgements: Acknowledgements;
  /** True if some tenants' handles of this upstream need no owner, so that any gateway may have a request in flight. */
  readonly hasFreeHandles: () => boolean;
  readonly onEvent: (event: OwnershipEvent) => void;
  /** Called with the milliseconds for which the answer waited for other gateways. */
  readonly onWaited: (ms: number) => void;
};

type ClaimEvent = Extract<LogEvent, { kind: "announce" | "unowned" | "register" }>;
type ClaimWithEntry = Extract<ClaimResult, { entry: unknown }>;

/** `malformed`: OCS's names of malformed properties. */
export const commitEvent = async (
  deps: CommitDeps,
  event: ClaimEvent,
  malformed?: readonly string[],
): Promise<OwnershipResult> => {
  const { upstream, replica, onEvent } = deps;
  const { handle } = event;
  let written: Written;
  try {
    written = await appendWithin(replica, event, (late) => takingBack(handle, late));
  } catch (error) {
    return unstored(deps, error);
  }
  const { claimed } = written.applied;
  if (claimed === undefined) return "void";
  if (claimed.as === "nobody") return (await isKnown(deps, written, handle)) ? "nobody" : "in-flight";
  if (!("entry" in claimed)) return claimed.as;
  if (claimed.as === "disputed") {
    if (claimed.raisesAlarm) onEvent({ kind: "disputed", upstream, handle, ...(malformed && { malformed }) });
    return (await isKnown(deps, written, handle)) ? "disputed" : "in-flight";
  }
  return settle(deps, written, handle, claimed);
};

const settle = async (
  deps: CommitDeps,
  written: Written,
  handle: number,
  { as, entry }: ClaimWithEntry,
): Promise<OwnershipResult> => {
  const { replica } = deps;
  const { generation } = entry;
  const withdrawal = { kind: "withdraw", handle, generation, named: written.seq } as const;
  // True if the claim has ended, or a newer one has replaced it.
  const isReplaced = (): boolean => replica.state.handles.table.find(handle)?.generation !== generation;
  if (!(await isKnown(deps, written, handle))) {
    // An earlier announcement of the same record was answered with 200: it stays valid.
    if (as === "new") void replica.appendSurely(withdrawal);
    return "in-flight";
  }
  if (isReplaced()) return "void";
  if (entry.state.name === "storing") {
    try {
      await appendWithin(replica, { kind: "settle", handle, generation }, () => undefined);
    } catch (error) {
      void replica.appendSurely(withdrawal);
      return unstored(deps, error);
    }
    if (isReplaced()) return "void";
  }
  return as === "new" ? "owned" : "again";
};

const unstored = ({ upstream, onEvent }: CommitDeps, error: unknown): OwnershipResult => {
  if (!(error instanceof NotWritten)) throw error;
  onEvent({ kind: "store-failed", upstream, reason: error.message });
  return "unstored";
};

const isKnown = async (deps: CommitDeps, { seq }: Written, handle: number): Promise<boolean> => {
  const { replica, acknowledgements, hasFreeHandles, onWaited } = deps;
  const mustKnow = hasFreeHandles() ? seq : replica.state.taken.of(handle);
  if (acknowledgements.isKnown(mustKnow)) return true;
  const before = performance.now();
  const known = await acknowledgements.whenKnown(mustKnow, KNOWN_MS);
  onWaited(performance.now() - before);
  return known;
};

/** What takes back a claim that came into the log after its caller had given up. */
const takingBack = (handle: number, { seq, applied: { claimed } }: Written): LogEvent | undefined =>
  claimed?.as === "new" ? { kind: "withdraw", handle, generation: claimed.entry.generation, named: seq } : undefined;

/** Appends the event. Rejects with NotWritten after `WRITE_MS`; then the event has no effect in the end. */
export const appendWithin = async (
  replica: Replica,
  event: LogEvent,
  undo: (late: Written) => LogEvent | undefined,
): Promise<Written> => {
  const id = crypto.randomUUID();
  const written = replica.append(event, id);
  // Without a listener its rejection would end the process.
  written.catch(() => undefined);
  let timer: NodeJS.Timeout | undefined;
  const tooLate = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(
      () => reject(new NotWritten(id, new Error(`the database did not answer within ${WRITE_MS} ms`))),
      WRITE_MS,
    );
  });
  try {
    return await Promise.race([written, tooLate]);
  } catch (error) {
    replica.cancel(id, undo);
    throw error;
  } finally {
    clearTimeout(timer);
  }
};
