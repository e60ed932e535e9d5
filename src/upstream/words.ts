/** What a switchboard is given, and what it tells. */
import type { Endpoint } from "./endpoint.ts";
import type { LaneState, Suspicion } from "./lane.ts";
import type { EndpointStatus } from "./roles.ts";
import type { Habit, StandbyStatus } from "./standby.ts";
import type { Switchboard } from "./switchboard.ts";

/**
 * `switchover`: the peer took over. `reconnected`: the same OCS is back after every connection was lost, which is no switchover.
 * `standby`: what the standby shows has begun to differ from what is healthy, or is healthy again.
 */
export type UpstreamNews = { readonly upstream: string } & (
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

/**
 * The OCS that requests go to. `start`: found at the first look, or a new board goes on where the one before was, with nothing lost between them.
 * `reconnected`: the same one is back after every connection was lost. `takeover`: the peer took over, which ends the life of the OCS before.
 */
export type Settled = { readonly endpoint: string; readonly how: "start" | "reconnected" | "takeover" };

export type UpstreamOptions = {
  readonly name: string;
  readonly primary: Endpoint;
  readonly backup?: Endpoint | undefined;
  readonly connections: number;
  readonly onePerTenant: boolean;
  /** Milliseconds. */
  readonly answerTimeout: number;
  /** Per tenant: requests, bytes, milliseconds. */
  readonly queue: { readonly max: number; readonly maxBytes: number; readonly maxWait: number };
  readonly shareOf?: (tenant: string) => number;
  readonly userAgent: string;
  readonly tell?: (news: UpstreamNews) => void;
  /** Told which OCS requests go to, before the first of them goes; undefined while that is open. */
  readonly settled?: (settled: Settled | undefined) => void;
  /** The number of the OCS life that requests go to, after `settled` was told of it. Takeovers are counted from 1 when left out. */
  readonly epoch?: () => number;
  /** What the standby does with a new connection while all is well; learned when left out. */
  readonly standby?: Habit | undefined;
  /** The board that this one replaces on the same upstream. */
  readonly inherits?: Switchboard | undefined;
};

export type UpstreamStatus = {
  readonly name: string;
  readonly epoch: number;
  readonly endpoints: readonly EndpointStatus[];
  /** `since`: milliseconds in this state. */
  readonly lanes: readonly {
    readonly name: string;
    readonly endpoint: string;
    readonly state: LaneState["name"];
    readonly tenant: string | undefined;
    readonly since: number;
  }[];
  /** `oldest`: milliseconds that its first request waits. */
  readonly queue: readonly {
    readonly tenant: string;
    readonly waiting: number;
    readonly bytes: number;
    readonly oldest: number;
  }[];
};
