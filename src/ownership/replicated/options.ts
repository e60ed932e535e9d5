/** Options of `SharedOwnership`, and what metrics show of it. */
import type { SharedLog } from "../../cluster/log/shared-log.ts";
import type { OwnershipEvent } from "../types.ts";
import type { Gateways } from "./gateways.ts";
import type { LogCounts } from "./shared-upstream.ts";

export type SharedOwnershipOptions = {
  readonly log: SharedLog;
  readonly gateways: Gateways;
  /** The last number of the upstream's log that this gateway has heard of. */
  readonly headOf: (upstream: string) => number | undefined;
  /** Milliseconds after which a handle that OCS does not name becomes stale, by upstream. */
  readonly staleAfter: (upstream: string) => number;
  /** How far below the highest handle a new one may be without proving a restart of OCS, by upstream. */
  readonly window: (upstream: string) => number;
  /** Whether handles of some tenants of the upstream need an owner; and whether those of some need none. */
  readonly needsOwners: (upstream: string) => boolean;
  readonly hasFreeHandles: (upstream: string) => boolean;
  readonly journalSize?: (() => number) | undefined;
  /** Writes up to which index of the journal all outcomes are in the log. */
  readonly putMark?: ((mark: number) => Promise<void>) | undefined;
  readonly onEvent: (event: OwnershipEvent) => void;
  /** Called when another gateway is connected to this OCS, and this gateway to another one. */
  readonly onOtherOcs?: ((upstream: string, endpoint: string) => void) | undefined;
  /** Milliseconds since 1970. */
  readonly now?: () => number;
};

/** Of one upstream's log, for metrics. `waits`: announcements that waited for other gateways. */
export type LogStatus = LogCounts & {
  readonly upstream: string;
  /** The last event that was applied, and how many are known that were not. */
  readonly position: number;
  readonly lag: number;
  readonly mayAnswer: boolean;
  readonly pending: number;
};
