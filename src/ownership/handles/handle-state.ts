/** The state of a record handle, and the claims of OCS and registrars. */
import type { RestoredLife } from "./announced-handles.ts";
import type { EndedHandle, PersonTokens } from "./lease-decision.ts";

/**
 * `storing`: the owner is not on disk yet. `disputed`: OCS contradicts itself, so the handle has no owner in this
 * epoch. `among`: DBIDs of the tenants that it could belong to. `contradicts`: the generation of the owner that an
 * announcement for `HandleEntry.tenant` contradicted; undefined where no single announcement did.
 */
export type HandleState =
  | { readonly name: "storing" | "owned" }
  | { readonly name: "disputed"; readonly among: readonly number[]; readonly contradicts?: number | undefined };

export const STORING: HandleState = { name: "storing" };
export const OWNED: HandleState = { name: "owned" };

/**
 * One announcement or registration. Each has its own generation: ending an older one for the same handle does not end a
 * newer one.
 */
export type HandleEntry = {
  /** DBID. */
  readonly tenant: number;
  readonly generation: number;
  /**
   * The first generation of this record. Later attempts for the same tenant belong to the same record; once a handle
   * has ended, OCS uses its number for another record.
   */
  firstGeneration: number;
  /** GSW_CALL_ATTEMPT_GUID. */
  readonly attempt: string | undefined;
  /** Tokens of the person that OCS announced. */
  announced?: PersonTokens | undefined;
  /** True if a registrar named the tenant, false if OCS did. */
  readonly registered: boolean;
  /** When OCS or a registrar last named the handle, in seconds since 1970. */
  since: number;
  state: HandleState;
  /** The connection period in which OCS or a registrar last named the handle: see `Confirmation`. */
  connectionPeriod: number;
  /** True if the number was in use before, so that a client may use it before OCS has opened this record. */
  readonly isReused?: boolean | undefined;
  /** When OCS got its 200, in milliseconds of the monotonic clock; undefined until then. */
  acknowledgedAt?: number | undefined;
  /** The number of the shared log's event that last named it. */
  namedAt?: number | undefined;
  /** The last finalizing request, until it has ended. */
  finalizing?: Promise<void> | undefined;
  /** A request of this gateway has ended it, and the log that several gateways share does not have the end yet. */
  finished?: HowEnded | undefined;
};

export type HowEnded = Pick<EndedHandle, "ending" | "by" | "at">;

/** DBIDs of the tenants that a disputed handle could belong to; undefined for any other handle. */
export const disputedAmong = ({ state }: HandleEntry): readonly number[] | undefined =>
  state.name === "disputed" ? state.among : undefined;

/** The result of a claim. `renewed`: another attempt for the same tenant. `again`: the same attempt. */
export type ClaimResult =
  | { readonly as: "new" | "renewed" | "again"; readonly entry: HandleEntry }
  | DisputedClaim
  | { readonly as: "finished" | "full" | "taken" | "unclear" };

/** `raisesAlarm`: true if the contradiction has not been reported yet. */
export type DisputedClaim = { readonly as: "disputed"; readonly entry: HandleEntry; readonly raisesAlarm: boolean };

export type HandleClaim = {
  readonly handle: number;
  readonly tenant: number;
  readonly attempt?: string | undefined;
  readonly announced?: PersonTokens | undefined;
  readonly isReused?: boolean | undefined;
  /** Seconds since 1970. */
  readonly now: number;
};

/** The state that an earlier run of the gateway stored. */
export type RestoredHandles = RestoredLife & {
  readonly epoch?: number | undefined;
  readonly generation?: number | undefined;
  /** See `Confirmation.doubtUpTo`. */
  readonly doubtUpTo?: number | undefined;
  /** True if the ownership database was corrupt, so that the earlier owners are unknown. */
  readonly isStoreLost?: boolean | undefined;
};

export type RestoredEntry = Pick<HandleEntry, "tenant" | "since" | "generation" | "attempt" | "announced"> & {
  /** For a disputed handle: DBIDs of the tenants that it could belong to. */
  readonly among?: readonly number[] | undefined;
};

export type HandlesListener = {
  /** Called when an owned handle has ended. */
  readonly onEnded: (handle: number, entry: HandleEntry) => void;
  /** Called when a disputed handle got an owner that is not on disk yet. */
  readonly onOwnerAdopted: (handle: number, entry: HandleEntry) => void;
};
