/**
 * Which OCS of a pair takes requests, by what both addresses show to a new connection and how the old ones were lost.
 *
 * While the watch connection or a lane is open, the active OCS is the primary, whatever one connection attempt says. When all are lost, both
 * addresses are probed at once. "Keeps": the new connection is accepted and stays open. "Standby keeps": a standby of this site does that too
 * (`standby: accepts`, or learned), so that its keeping says nothing. The first row that fits decides; "wait" probes again.
 *
 *   | how all were lost     | active         | peer         | other signs                             | decision                  |
 *   | any                   | local failure  | any          |                                         | wait: it says nothing     |
 *   | any                   | does not keep  | does not keep|                                         | wait                      |
 *   | closed in order       | keeps          | does not keep| standby keeps                           | wait GRACE_MS, active     |
 *   | any                   | keeps          | does not keep|                                         | active                    |
 *   | any                   | does not keep  | keeps        | standby keeps, peer announced no record | wait SILENCE_MS, peer (2) |
 *   | any                   | does not keep  | keeps        |                                         | peer                      |
 *   | start                 | keeps          | keeps        |                                         | the configured primary (1)|
 *   | any                   | keeps          | keeps        | roles changed within DAMPING_MS         | active: no flapping       |
 *   | any                   | keeps          | keeps        | active announced a record 250 ms after  | active                    |
 *   | any                   | keeps          | keeps        | peer announced a record since           | peer                      |
 *   | closed in order (3)   | keeps          | keeps        | standby keeps                           | wait GRACE_MS, peer       |
 *   | closed in order (3)   | keeps          | keeps        |                                         | peer: it gave up its role |
 *   | reset, timeout        | keeps          | keeps        |                                         | active                    |
 *   | nothing is lost       | does not keep  | keeps        | standby does not keep, or peer announced| peer: active host is dead |
 *   | nothing is lost       | keeps          | keeps        | only the peer has announced for 1.5 s   | peer                      |
 *   | nothing is lost       | any            | any          |                                         | active                    |
 *
 * (1) On a reload: the one that requests went to before.
 * (2) Nothing but time tells a primary that is being restarted, or cut off, from one whose standby has taken over unseen. One that had closed all in
 *     order to become the standby would accept at such a site.
 *
 * (3) As long as the active one was not seen to refuse or be silent since: that is a restart, and counts as a reset.
 *
 * The last three rows are asked when a lane cannot connect, or the peer announces a record, while the watch connection is open: it may be open to
 * a dead host. Losing all connections is no change of roles: the same OCS found again is `reconnected`, only the peer is a `takeover`.
 */
import type { Seen } from "./probe.ts";
import type { Habit } from "./standby.ts";

/** How all connections were lost; `doubt`: they were not. */
export type Cause = "start" | "in order" | "failed" | "doubt";

export type Signs = {
  readonly cause: Cause;
  /** Undefined: this host could not try. */
  readonly active: Seen | undefined;
  readonly peer: Seen | undefined;
  readonly habit: Habit | undefined;
  /** The active one has announced the last record, so late that it was not under way when all were lost. */
  readonly activeSpoke: boolean;
  /** The peer has announced the last record, since all were lost or just before. */
  readonly peerSpoke: boolean;
  /** It is the only one that has for INSISTS_MS. */
  readonly peerInsists: boolean;
  /** Roles changed less than DAMPING_MS ago. */
  readonly damped: boolean;
  /** Milliseconds since all were lost. */
  readonly waited: number;
};

/** So long nobody is called down: an OCS that takes over needs a moment. */
export const GRACE_MS = 1000;
/** Longer than a restart of OCS, or a cut of the network that heals, usually takes. */
const SILENCE_MS = 15_000;

/** The table above. Undefined: wait. */
export const choose = ({
  cause,
  active,
  peer,
  habit,
  activeSpoke,
  peerSpoke,
  peerInsists,
  damped,
  waited,
}: Signs): "active" | "peer" | undefined => {
  const [activeKeeps, peerKeeps] = [active === "accepts", peer === "accepts"];
  if (active === undefined) return undefined;
  if (cause === "doubt")
    return peerKeeps && (activeKeeps ? peerInsists : peerSpoke || (habit !== undefined && habit !== "accepts"))
      ? "peer"
      : "active";
  if (!peerKeeps)
    return activeKeeps && (cause !== "in order" || habit !== "accepts" || waited >= GRACE_MS) ? "active" : undefined;
  if (!activeKeeps) return habit !== "accepts" || peerSpoke || waited >= SILENCE_MS ? "peer" : undefined;
  if (cause === "start" || damped || activeSpoke) return "active";
  if (cause === "in order" && habit === "accepts" && !peerSpoke && waited < GRACE_MS) return undefined;
  return peerSpoke || cause === "in order" ? "peer" : "active";
};
