/**
 * Decides which OCS of a pair gets requests, from how the connections were lost and how both addresses react to a new
 * connection. The first row that matches decides; "wait" means to probe again.
 *
 * | loss           | active        | peer  | other signs                             | decision                       |
 * | -------------- | ------------- | ----- | --------------------------------------- | ------------------------------ |
 * | any            | local failure | any   |                                         | wait: no news of OCS           |
 * | any            | fails         | fails |                                         | wait                           |
 * | in order       | keeps         | fails | standby accepts                         | wait GRACE_MS, then active     |
 * | any            | keeps         | fails |                                         | active                         |
 * | any            | fails         | keeps | standby accepts, peer announced nothing | wait SILENCE_MS, then peer (2) |
 * | any            | fails         | keeps |                                         | peer                           |
 * | start          | keeps         | keeps |                                         | configured primary (1)         |
 * | any            | keeps         | keeps | roles changed within DAMPING_MS         | active: no flapping            |
 * | any            | keeps         | keeps | active announced a record 250 ms after  | active                         |
 * | any            | keeps         | keeps | peer announced a record since           | peer                           |
 * | in order (3)   | keeps         | keeps | standby accepts                         | wait GRACE_MS, then peer       |
 * | in order (3)   | keeps         | keeps |                                         | peer: active gave up its role  |
 * | reset, timeout | keeps         | keeps |                                         | active                         |
 * | none           | fails         | keeps | standby rejects, or peer announced      | peer: active host is dead      |
 * | none           | keeps         | keeps | only the peer has announced for 1.5 s   | peer                           |
 * | none           | any           | any   |                                         | active                         |
 *
 * "Keeps": the new connection is accepted and stays open. "Fails": it is refused, closed, silent, or TLS fails.
 * "Standby accepts": a healthy standby of this site keeps connections too (`standby: accepts`, or learned), so that
 * keeping them proves nothing; "standby rejects": it closes or refuses them. "Loss none": the watch connection is open,
 * but a lane cannot connect or the peer announces a record; the connection may lead to a dead host.
 *
 * (1) After a reload: the OCS that got requests before. (2) Only waiting distinguishes a primary that restarts or is
 * unreachable from one whose standby has taken over unnoticed. An OCS that had closed all connections to become the
 * standby would accept at such a site. (3) Unless the active OCS has refused or been silent since: that is a restart,
 * and counts as a reset.
 */
import type { ProbeResult } from "./probe.ts";
import type { StandbyBehaviour } from "./standby.ts";

/** How all connections were lost; `doubt`: none was lost. */
export type LossCause = "start" | "in order" | "failed" | "doubt";

export type Signs = {
  readonly cause: LossCause;
  /** Undefined after a failure of this host. */
  readonly active: ProbeResult | undefined;
  readonly peer: ProbeResult | undefined;
  readonly standbyBehaviour: StandbyBehaviour | undefined;
  /** The active OCS announced the last record, too late for it to have been sent before the loss. */
  readonly activeAnnounced: boolean;
  /** The peer announced the last record, after the loss or just before. */
  readonly peerAnnounced: boolean;
  /** Only the peer has announced records for 1.5 s. */
  readonly onlyPeerAnnounces: boolean;
  /** The last takeover was less than `DAMPING_MS` ago. */
  readonly isDamped: boolean;
  /** Milliseconds since the loss. */
  readonly waited: number;
};

/** A takeover takes some time: OCS counts as unreachable only after this. */
export const GRACE_MS = 1000;
/** Longer than a restart of OCS or a short network failure usually takes. */
const SILENCE_MS = 15_000;

/** Applies the table above. Undefined means wait. */
export const decideRole = ({
  cause,
  active,
  peer,
  standbyBehaviour,
  activeAnnounced,
  peerAnnounced,
  onlyPeerAnnounces,
  isDamped,
  waited,
}: Signs): "active" | "peer" | undefined => {
  const [activeKeeps, peerKeeps] = [active === "accepts", peer === "accepts"];
  if (active === undefined) return undefined;
  if (cause === "doubt")
    return peerKeeps &&
      (activeKeeps
        ? onlyPeerAnnounces
        : peerAnnounced || (standbyBehaviour !== undefined && standbyBehaviour !== "accepts"))
      ? "peer"
      : "active";
  if (!peerKeeps)
    return activeKeeps && (cause !== "in order" || standbyBehaviour !== "accepts" || waited >= GRACE_MS)
      ? "active"
      : undefined;
  if (!activeKeeps) return standbyBehaviour !== "accepts" || peerAnnounced || waited >= SILENCE_MS ? "peer" : undefined;
  if (cause === "start" || isDamped || activeAnnounced) return "active";
  if (cause === "in order" && standbyBehaviour === "accepts" && !peerAnnounced && waited < GRACE_MS) return undefined;
  return peerAnnounced || cause === "in order" ? "peer" : "active";
};
