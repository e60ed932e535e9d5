/** What ownership is given, and what it tells. */
import type { Asked } from "./held.ts";
import type { OwnershipStore, Row } from "./store.ts";
import type { StrayReport } from "./strays.ts";

export type OwnershipNews =
  | ({ readonly kind: "strays" } & StrayReport)
  | {
      readonly kind: "shared";
      readonly upstream: string;
      readonly handle: string;
      readonly tenants: readonly [first: string, other: string];
    }
  /** `malformed`: of an announcement that contradicts itself, what of it is malformed, as OCS names it; undefined when it named another tenant. */
  | {
      readonly kind: "disputed";
      readonly upstream: string;
      readonly handle: number;
      readonly malformed?: readonly string[];
    }
  | { readonly kind: "unstored"; readonly upstream: string; readonly reason: string }
  /** Owners that were taken away, or epochs that have ended, are still on disk: it is tried again until they are not. */
  | { readonly kind: "unremoved"; readonly count: number }
  /** OCS was found to have begun another life. */
  | {
      readonly kind: "epoch";
      readonly upstream: string;
      readonly endpoint: string;
      readonly epoch: number;
      readonly reason: string;
      readonly proof: LifeProof;
    };

/** OCS has announced this handle for the first time, far below the highest one: what the journal keeps of the proof. */
export type LifeProof = { readonly handle: number; readonly up_to: number; readonly generation: number };

/** An epoch that the journal tells of. */
export type EpochBegun = {
  readonly from: string | null;
  readonly to: string;
  readonly epoch: number;
  readonly proof?: LifeProof | undefined;
};

/** `again`: it was the tenant's already. The rest: the handle is not the tenant's, and why. */
export type Owning =
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

/** May OCS dial a record of which this became? Only where its owner is on disk, or it is certain that it has none here. */
export const mayDial = (owning: Owning): boolean =>
  ["owned", "again", "finished", "disputed", "nobody"].includes(owning);

/** `slow`: the tenant asks for too many handles that are not its own. */
export type Answer =
  | Exclude<Asked, { denied: unknown }>
  | (Extract<Asked, { denied: unknown }> & { readonly slow: boolean });

/** What OCS says of a record besides its handle. */
export type Announcement = Pick<
  Row,
  "upstream" | "handle" | "tenant" | "campaign" | "group" | "list" | "phone" | "customer" | "attempt"
>;

/** How an OCS was found: see `Settled` of the upstream. */
export type Found = { readonly endpoint: string; readonly how: "start" | "reconnected" | "takeover" };

export type OwnershipOptions = {
  /** Left out where nothing is to outlive the process. */
  readonly store?: OwnershipStore | undefined;
  /** Milliseconds for which a handle that OCS does not speak of is kept, by upstream. */
  readonly staleAfter: (upstream: string) => number;
  /** How far below the highest handle a new one may lie, by upstream. */
  readonly window?: (upstream: string) => number;
  /** Milliseconds of downtime after which restored handles are still trusted, by upstream. */
  readonly restartGrace?: (upstream: string) => number;
  /** How many entries the journal has. */
  readonly journalSize?: () => number;
  readonly tell: (news: OwnershipNews) => void;
  /** Milliseconds since 1970, by a clock that nobody sets while the process lives. */
  readonly now?: () => number;
};
