/** Ownership after a restart of the gateway: the handles of one OCS as an earlier run wrote them. */
import type { HandlesListener } from "./handles/handle-state.ts";
import { Handles } from "./handles/handles.ts";
import { personOf } from "./handles/lease-decision.ts";
import type { OwnershipOptions } from "./types.ts";

type Options = {
  readonly store: OwnershipOptions["store"] | undefined;
  readonly journalSize: OwnershipOptions["journalSize"] | undefined;
  readonly listener: HandlesListener;
  /** Seconds since 1970. */
  readonly now: () => number;
  /** The restart grace in milliseconds. */
  readonly graceMs: number;
};

/** Restored handles are unconfirmed unless the gateway was down for less than the restart grace. */
export const restoreHandles = (upstream: string, { store, journalSize, listener, now, graceMs }: Options): Handles => {
  const restored = store?.restored.get(upstream);
  const isStoreLost = store?.movedAside !== undefined;
  if (!restored) return new Handles(upstream, listener, { isStoreLost }, journalSize);
  const { endpoint, owned, ...life } = restored;
  const highest = owned.reduce((highest, { handle }) => Math.max(highest, handle), life.highest);
  const handles = new Handles(upstream, listener, { ...life, highest, isStoreLost }, journalSize);
  handles.endpoint = endpoint;
  const downtime = store?.downtime;
  const isTrusted = downtime !== undefined && downtime < graceMs;
  for (const { handle, since, attempt, phone, customer, ...row } of owned) {
    // The clock may have been ahead when the row was written.
    const entry = { ...row, since: Math.min(since, now()), attempt: attempt ?? undefined };
    handles.restore(handle, { ...entry, announced: personOf({ phone, customer }) }, isTrusted);
  }
  return handles;
};
