/** Options, results and events of ownership. */
import type { LeaseDecision } from "./handles/lease-decision.ts";
import type { ProbeReport } from "./probe-guard.ts";
import type { OwnershipRow, OwnershipStore } from "./store/store.ts";

export type OwnershipEvent =
  | ({ readonly kind: "probes" } & ProbeReport)
  | {
      readonly kind: "shared-use";
      readonly upstream: string;
      readonly handle: string;
      readonly tenants: readonly [first: string, other: string];
    }
  /**
   * OCS's announcement is contradictory. `malformed`: OCS's names of malformed properties; undefined if the
   * announcement names another tenant than an earlier one.
   */
  | {
      readonly kind: "disputed";
      readonly upstream: string;
      readonly handle: number;
      readonly malformed?: readonly string[];
    }
  | { readonly kind: "store-failed"; readonly upstream: string; readonly reason: string }
  /** Removed owners or ended epochs are still on disk. The store retries. */
  | { readonly kind: "removals-pending"; readonly count: number }
  /**
   * OCS was restarted: another life has begun at the same address. Where gateways share a log, also: another OCS took
   * over; `from`: the former one, and no `proof`.
   */
  | {
      readonly kind: "epoch";
      readonly upstream: string;
      readonly from?: string | undefined;
      readonly endpoint: string;
      readonly epoch: number;
      readonly reason: string;
      readonly proof?: LifeProof | undefined;
    }
  /** The shared log contains what this version cannot apply. */
  | { readonly kind: "log-stalled"; readonly upstream: string; readonly reason: string }
  /** The shared database has lost events. */
  | { readonly kind: "log-lost"; readonly upstream: string };

/**
 * OCS has announced this handle for the first time, far below the highest one. `up_to`: the new life has not come above
 * it. `generation`: the first one of the new life. The journal keeps all three.
 */
export type LifeProof = { readonly handle: number; readonly up_to: number; readonly generation: number };

/** The beginning of an epoch in the journal. */
export type EpochBegun = {
  readonly from: string | null;
  readonly to: string;
  readonly epoch: number;
  readonly proof?: LifeProof | undefined;
};

/**
 * The result of an announcement or registration. `again`: the handle already belonged to the tenant. All but the first
 * three say why the handle does not belong to the tenant.
 */
export type OwnershipResult =
  | "owned"
  | "again"
  | "finished"
  | "disputed"
  | "nobody"
  | "full"
  | "void"
  | "unstored"
  | "in-flight"
  | "taken"
  | "unclear";

/** True if OCS may dial the record: its owner is on disk, or it certainly has no owner here. */
export const mayDial = (result: OwnershipResult): boolean =>
  ["owned", "again", "finished", "disputed", "nobody"].includes(result);

/** `isThrottled`: true if the tenant requests too many handles that do not belong to it. */
export type LeaseResponse =
  | Exclude<LeaseDecision, { denied: unknown }>
  | (Extract<LeaseDecision, { denied: unknown }> & { readonly isThrottled: boolean });

/** OCS's announcement of a record. */
export type Announcement = Pick<
  OwnershipRow,
  "upstream" | "handle" | "tenant" | "campaign" | "group" | "list" | "phone" | "customer" | "attempt"
>;

/** The new active OCS, and how the gateway found it: see `Found` of the upstream. */
export type ActiveOcs = { readonly endpoint: string; readonly how: "start" | "reconnected" | "takeover" };

export type OwnershipOptions = {
  /** Absent: ownership is kept in memory only. */
  readonly store?: OwnershipStore | undefined;
  /** The milliseconds after which a handle that OCS does not name becomes stale, by upstream. */
  readonly staleAfter: (upstream: string) => number;
  /** How far below the highest handle a new one may be without proving a restart of OCS, by upstream. */
  readonly window?: (upstream: string) => number;
  /** The milliseconds of downtime up to which restored handles are trusted, by upstream. */
  readonly restartGrace?: (upstream: string) => number;
  /** Returns the number of entries in the journal. */
  readonly journalSize?: () => number;
  readonly onEvent: (event: OwnershipEvent) => void;
  /** Milliseconds since 1970, by a clock that is not adjusted while the process runs. */
  readonly now?: () => number;
};
