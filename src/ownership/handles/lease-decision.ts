/**
 * The decision on a request for a record handle, one of three: a lease (the handle belongs to the tenant), denied
 * (final: OCS or an owner has ended the handle, or it never belonged to the tenant), unclear (temporarily unknown).
 * Unclear is never reported as denied.
 */
import type { RecordsMode } from "../../tenancy/registry.ts";

export type LeaseDecision =
  | { readonly lease: HandleLease }
  | { readonly denied: DeniedHandle }
  | { readonly unclear: Unclear };

/** The properties of a tenant that the decision needs. */
export type LeaseRequester = { readonly dbid: number; readonly records: RecordsMode };

/** True for the modes in which no tenant may use a handle without an owner. */
export const needsOwner = ({ records }: Pick<LeaseRequester, "records">): boolean =>
  records === "pre-dial" || records === "registered";

/** Permission to use a handle for one request. */
export type HandleLease = {
  /**
   * Called before the request is sent: returns undefined if the lease is valid, otherwise why not. `leaves`: the
   * request's first byte is written next, so the request counts as in flight from now on.
   */
  readonly withdrawn: (leaves?: boolean) => "handle-expired" | "unclear" | undefined;
  /** Resolves at the end of an earlier finalizing request for the same handle; undefined if there is none. */
  readonly after: () => Promise<void> | undefined;
  /**
   * Called exactly once. `status`: OCS's status, or undefined if nothing was sent or no answer came. `by`: the
   * request's id.
   */
  readonly release: (status: number | undefined, by?: string) => void;
  /** Called after the request was sent: true if the handle certainly still belongs to the same record and tenant. */
  readonly isOwned: () => boolean;
  /** Why the request was not sent, for the journal. */
  readonly reason: () => Reason;
  /**
   * The data about the handle in the journal, so that a start knows which record an outcome has ended. Undefined for a
   * handle without an owner.
   */
  readonly record: OwnedRecord | undefined;
};

/** One attempt of OCS to dial a record. */
export type OwnedRecord = {
  readonly upstream: string;
  readonly epoch: number;
  readonly generation: number;
  readonly announced?: PersonTokens | undefined;
};

/** Tokens of the phone and the customer id that OCS announced with a record; undefined if it announced none. */
export type PersonTokens = { readonly phone?: string; readonly customer_id?: string };

type Person = { readonly phone?: string | null | undefined; readonly customer?: string | null | undefined };

/** Tokens of the person that OCS announced; undefined if it announced none. */
export const personOf = ({ phone, customer }: Person): PersonTokens | undefined =>
  phone || customer ? { ...(phone && { phone }), ...(customer && { customer_id: customer }) } : undefined;

/** Why a handle ended. */
export type Ending =
  | "finished" // OCS answered 200 to a finalizing request
  | "gone" // OCS answered 410
  | "call-ended" // OCS's call report
  | "rejected" // the validator rejected the record, so OCS does not dial it
  | "taken-back" // the registrar's DELETE
  | "reassigned"; // OCS announced the handle for another tenant

/** An ended handle. `by`: the id of the request that ended it; times in milliseconds since 1970. */
export type EndedHandle = {
  readonly tenant: number;
  readonly ending: Ending;
  readonly at: number;
  readonly by?: string | undefined;
  readonly attempt?: string | undefined;
  readonly announced?: PersonTokens | undefined;
  /** The connection period in which it ended. */
  readonly connectionPeriod: number;
  /** The last time OCS named it, if that was longer than `stale_after` before its end. */
  readonly staleSince?: number | undefined;
};

/** Why a tenant may not use a handle. Only the journal and `explain` show it, not the reply to the client. */
export type DeniedHandle =
  | { readonly why: "ended"; readonly ended: EndedHandle } // it belonged to this tenant
  | { readonly why: "epoch-ended"; readonly at: number } // it belonged to this tenant in an earlier epoch
  | { readonly why: "foreign" } // it belongs to another tenant
  | { readonly why: "unknown" }; // never announced or registered for this tenant

/** Why the owner is temporarily unknown. */
export type Unclear =
  | "unconfirmed" // all connections to OCS were lost, or the gateway restarted, and OCS has not announced it since
  | "storing" // its owner is being written
  | "disputed" // OCS's announcements of it contradict each other
  | "announced-again" // OCS has announced it for another phone or customer id since the request arrived
  | "roles" // the active OCS is unknown
  | "store-lost" // the ownership database was corrupt
  | "database"; // the database that the gateways share does not answer

/** The first word of a reason: one of the lists above. */
export type ReasonWord = Unclear | Ending | Exclude<DeniedHandle["why"], "ended"> | "in-flight";
/** The reason of a decision in the journal and in `explain`. */
export type Reason = `${ReasonWord}: ${string}`;

const TEXT_OF_UNCLEAR: Readonly<Record<Unclear, string>> = {
  unconfirmed:
    "all connections to OCS were lost, or the gateway was restarted, and OCS has not announced the handle since",
  storing: "the owner of the handle is being written",
  disputed: "OCS announced the handle with contradictory data",
  "announced-again": "OCS announced the handle for another phone or customer id while the request was queued",
  roles: "the active OCS is not known",
  "store-lost": "the ownership database was damaged and moved aside, and OCS has not announced the handle since",
  database: "the shared database does not answer, so another gateway may have given the handle to another tenant",
};

const TEXT_OF_ENDING: Readonly<Record<Ending, string>> = {
  finished: "OCS answered 200 to the finalizing request",
  gone: "OCS answered 410 to request",
  "call-ended": "OCS reported the end of the call",
  rejected: "the validator rejected the record",
  "taken-back": "a registrar deleted the registration",
  reassigned: "OCS announced the handle for another tenant",
};

export const reasonOfUnclear = (unclear: Unclear): Reason => `${unclear}: ${TEXT_OF_UNCLEAR[unclear]}`;

export const reasonOfDenied = (denied: DeniedHandle): Reason => {
  switch (denied.why) {
    case "ended": {
      const { ending, by, at, staleSince } = denied.ended;
      const stale = staleSince === undefined ? "" : `; the handle was stale since ${iso(staleSince)}`;
      return `${ending}: ${TEXT_OF_ENDING[ending]}${by === undefined ? "" : ` ${by}`} at ${iso(at)}${stale}`;
    }
    case "epoch-ended":
      return `epoch-ended: a switchover or restart of OCS at ${iso(denied.at)} invalidated all earlier handles`;
    case "foreign":
      return "foreign: the handle belongs to another tenant";
    case "unknown":
      return "unknown: the handle was never announced or registered for this tenant";
  }
};

const iso = (ms: number): string => new Date(ms).toISOString();
