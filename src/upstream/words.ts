/** What a switchboard is given, and what it tells. */
import type { Endpoint } from "./endpoint.ts";
import type { LaneState, Suspicion } from "./lane.ts";
import type { Change, EndpointStatus } from "./roles.ts";

/** `switchover` comes with every new epoch, also when the same OCS is back. */
export type UpstreamNews = { readonly upstream: string } & (
  | { readonly kind: "switchover" } & Change
  | { readonly kind: "down" }
  | { readonly kind: "suspicion" } & Suspicion
);

/**
 * The OCS that requests go to. `start`: found at the first look. `reconnected`: the same one is back after every connection was lost.
 * `takeover`: the peer took over, which ends the life of the OCS before.
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
  /** Keeps one connection that carries nothing, so that no restart of OCS goes unnoticed. */
  readonly vigil?: boolean;
};

export type UpstreamStatus = {
  readonly name: string;
  readonly epoch: number;
  readonly endpoints: readonly EndpointStatus[];
  /** `since`: milliseconds in this state. */
  readonly lanes: readonly { readonly name: string; readonly endpoint: string; readonly state: LaneState["name"]; readonly tenant: string | undefined; readonly since: number }[];
  /** `oldest`: milliseconds that its first request waits. */
  readonly queue: readonly { readonly tenant: string; readonly waiting: number; readonly bytes: number; readonly oldest: number }[];
};
