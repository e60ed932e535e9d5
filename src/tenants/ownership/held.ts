/** What is known of one record handle, what is claimed for it, and what a tenant that asks for it is told. */
import type { RecordsMode } from "../register.ts";
import type { KnownLife } from "./announced.ts";
import type { Denied, HandleLease, PersonTokens, Unclear } from "./verdict.ts";

/** Who asks, by shape a tenant of the register. */
export type Asker = { readonly dbid: number; readonly records: RecordsMode };

/** Under these modes a handle without an owner may be used by no tenant. */
export const needsOwner = ({ records }: Pick<Asker, "records">): boolean =>
  records === "pre-dial" || records === "registered";

export type Asked = { readonly lease: HandleLease } | { readonly denied: Denied } | { readonly unclear: Unclear };

/** One announcement or registration. A newer one for the same handle is another generation: what ends the older one does nothing to it. */
export type Held = {
  /** DBID. */
  readonly tenant: number;
  readonly generation: number;
  /** The first generation of this record. Attempts for the same tenant follow it; once a handle has ended, its number is another record's. */
  began: number;
  /** GSW_CALL_ATTEMPT_GUID. */
  readonly attempt: string | undefined;
  /** With which OCS announced it. */
  announced?: PersonTokens | undefined;
  /** A registrar named the tenant, and not OCS. */
  readonly registered: boolean;
  /** Seconds since 1970 of the last word about it. */
  since: number;
  /** `storing`: its owner is not on disk yet. `disputed`: OCS contradicts itself, so it has no owner in this life. */
  state: "storing" | "owned" | "disputed";
  /** The stretch of unbroken connections in which it was last heard of. */
  stretch: number;
  /** The number was in use before, so that a client may ask for it before OCS has opened this record. */
  readonly isReused?: boolean | undefined;
  /** Milliseconds of the monotonic clock when it was on disk, so that OCS heard 200; undefined until then. */
  heardAt?: number | undefined;
  /** The last finalizing request, until it is over. */
  finalizing?: Promise<void> | undefined;
  /** Where disputed: DBIDs that it could mean. */
  among?: readonly number[] | undefined;
  /** Where disputed: one announcement, for `tenant`, contradicted the owner of this generation. */
  contradicts?: number | undefined;
};

/** What becomes of a handle that OCS announces or a registrar names. `renewed`: another attempt for the same tenant. */
export type Claimed =
  | { readonly as: "new" | "renewed" | "again"; readonly held: Held }
  | { readonly as: "disputed"; readonly held: Held; readonly isNews: boolean }
  | { readonly as: "finished" | "full" | "taken" | "unclear" };

export type Claim = {
  readonly handle: number;
  readonly tenant: number;
  readonly attempt?: string | undefined;
  readonly announced?: PersonTokens | undefined;
  readonly isReused?: boolean | undefined;
  /** Seconds since 1970. */
  readonly now: number;
};

/** What an earlier run of the gateway had reached. `storeLost`: its store was damaged, so that nobody knows. */
export type Known = KnownLife & {
  readonly epoch?: number | undefined;
  readonly generation?: number | undefined;
  /** See `Handles.doubtUpTo`. */
  readonly doubtUpTo?: number | undefined;
  readonly storeLost?: boolean | undefined;
  /** How many entries the journal has. */
  readonly journalSize?: (() => number) | undefined;
};

export type Restoring = Pick<Held, "tenant" | "since" | "generation" | "attempt" | "among" | "announced">;

export type HandlesOptions = {
  /** An owned handle has ended. */
  readonly ended: (handle: number, held: Held) => void;
  /** A disputed handle has an owner after all, who is not on disk. */
  readonly adopted: (handle: number, held: Held) => void;
};
