/** Options and results of failover. */
import type { Endpoint } from "../lanes/endpoint.ts";
import type { StandbyBehaviour, StandbyStatus } from "./standby.ts";

export type Role = "primary" | "backup";

/**
 * The new active OCS. `start`: found by the first search, or by a successor without any loss. `reconnected`: the same
 * OCS after all connections were lost. `takeover`: the peer; handles of the former OCS are void.
 */
export type Found = {
  readonly from: string;
  readonly to: string;
  readonly how: "start" | "reconnected" | "takeover";
  readonly reason: string;
};

export type FailoverOptions = {
  readonly primary: Endpoint;
  readonly backup: Endpoint | undefined;
  /** What a healthy standby does with a new connection, as configured; learned when undefined. */
  readonly standbyBehaviour: () => StandbyBehaviour | undefined;
  /** True if a lane has been connected since before this time of the monotonic clock. */
  readonly hasLane: (since: number) => boolean;
  readonly onActive: (found: Found) => void;
  /** Called when all connections are lost and the search for the primary begins. */
  readonly onLost: () => void;
  /** Called when neither OCS has accepted a connection for `GRACE_MS`. */
  readonly onUnreachable: () => void;
  readonly onWatchEnded: () => void;
  /** Called when the standby becomes unhealthy, or healthy again. */
  readonly onStandbyChange: (endpoint: string, status: StandbyStatus) => void;
};

/** `standby`: the result of the last probe of the standby; undefined for the active OCS. */
export type EndpointStatus = {
  readonly endpoint: string;
  readonly role: Role;
  readonly active: boolean;
  readonly up: boolean;
  readonly standby?: StandbyStatus;
};
