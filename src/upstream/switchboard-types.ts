/** Options, status and events of a switchboard. */
import type { EndpointStatus, Found } from "./failover/types.ts";
import type { StandbyBehaviour, StandbyStatus } from "./failover/standby.ts";
import type { Endpoint } from "./lanes/endpoint.ts";
import type { LaneStatus } from "./lanes/lane-pool.ts";
import type { LaneOptions, Suspicion } from "./lanes/lane.ts";

/**
 * `switchover`: the peer took over. `reconnected`: the same OCS is connected again after all connections were lost.
 * `down`: no OCS accepts a connection. `standby`: the standby has become unhealthy, or healthy again. `suspicion`: OCS
 * sent bytes that may belong to another request.
 */
export type UpstreamEvent = { readonly upstream: string } & (
  | {
      readonly kind: "switchover";
      readonly from: string;
      readonly to: string;
      readonly epoch: number;
      readonly reason: string;
    }
  | { readonly kind: "reconnected"; readonly endpoint: string; readonly reason: string }
  | { readonly kind: "down" }
  | ({ readonly kind: "standby"; readonly endpoint: string } & StandbyStatus)
  | ({ readonly kind: "suspicion" } & Suspicion)
);

/** The active OCS, and how it was found. */
export type ActiveChange = { readonly endpoint: string; readonly how: Found["how"] };

export type UpstreamOptions = {
  readonly name: string;
  readonly primary: Endpoint;
  readonly backup?: Endpoint | undefined;
  /** Number of lanes; may be 0, until `setLanes` says otherwise. */
  readonly connections: number;
  /** False: tenants share connections. */
  readonly onePerTenant: boolean;
  /** Milliseconds. */
  readonly answerTimeout: number;
  /** Limits per tenant: requests, bytes, and milliseconds that a request waits. */
  readonly queue: { readonly max: number; readonly maxBytes: number; readonly maxWait: number };
  readonly shareOf?: (tenant: string) => number;
  readonly userAgent: string;
  readonly onEvent?: (event: UpstreamEvent) => void;
  readonly onSent?: LaneOptions["onSent"];
  /** Called before the first request is sent to another OCS; with undefined while the active OCS is unknown. */
  readonly onActiveChange?: (change: ActiveChange | undefined) => void;
  /**
   * Called after `onActiveChange` with an OCS: requests are sent when it resolves. Gateways that share record handles
   * must agree first which OCS is active.
   */
  readonly whenAgreed?: (() => Promise<void> | undefined) | undefined;
  /** The number of OCS's current run, read after `onActiveChange`. If absent, takeovers are counted from 1. */
  readonly epoch?: () => number;
  /** What a healthy standby does with a new connection; learned if absent. */
  readonly standby?: StandbyBehaviour | undefined;
  /** Called before lanes are assigned; may call `setLanes`. */
  readonly beforeAssign?: (() => void) | undefined;
  /** Called when all lanes have been closed by `close`. */
  readonly onClosed?: (() => void) | undefined;
};

/** `lanes`: the number that the tenant's requests, running and waiting, could use. */
export type LaneDemand = { readonly tenant: string; readonly share: number; readonly lanes: number };

export type UpstreamStatus = {
  readonly name: string;
  readonly epoch: number;
  readonly endpoints: readonly EndpointStatus[];
  readonly lanes: readonly LaneStatus[];
  /** `oldest`: milliseconds that the oldest request has waited. */
  readonly queue: readonly {
    readonly tenant: string;
    readonly waiting: number;
    readonly bytes: number;
    readonly oldest: number;
  }[];
};
