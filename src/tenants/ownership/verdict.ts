/**
 * May a tenant use a record handle? One of three answers, and unknown is never reported as no:
 * a lease (the handle is the tenant's), denied (final: OCS or an owner has ended it, or it never was the tenant's), unclear (cannot be told now).
 */

/** Leave to use a handle for one request. */
export type HandleLease = {
  /**
   * Asked before the request is sent: undefined while it may be, else why it may not be. `leaves`: the next thing that happens is that its first
   * byte is written, so that from here on it counts as in flight.
   */
  readonly withdrawn: (leaves?: boolean) => "void" | "unclear" | undefined;
  /** The end of an earlier finalizing request for the same handle; undefined while none is under way. */
  readonly after: () => Promise<void> | undefined;
  /** Told once, whatever happened: OCS's status, or undefined when nothing was sent or no answer came. `by`: the request's id. */
  readonly settle: (status: number | undefined, by?: string) => void;
  /**
   * The handle is the same record's, and this tenant's, still; asked after the request was sent. False where that is
   * not certain.
   */
  readonly isOwned: () => boolean;
  /** A sentence for the journal: why the request was not sent. */
  readonly reason: () => Reason;
  /** What the journal says of the handle, so that a start can tell which record an outcome ended. Undefined where no owner is kept. */
  readonly record: OwnedRecord | undefined;
};

/** One attempt of OCS's to dial a record, as the gateway knows it. */
export type OwnedRecord = {
  readonly upstream: string;
  readonly epoch: number;
  readonly generation: number;
  readonly announced?: PersonTokens | undefined;
};

/** Tokens of the phone and the customer id with which OCS announced a record; undefined where it named none. */
export type PersonTokens = { readonly phone?: string; readonly customer_id?: string };

/** Why a handle ended. */
export type Ending =
  | "finished" // OCS answered 200 to a finalizing request
  | "gone" // OCS answered 410
  | "call-ended" // OCS's call report
  | "rejected" // the validator kept it from being dialed
  | "taken-back" // the registrar's DELETE
  | "reassigned"; // OCS announced it for somebody else

/** A handle that was a tenant's. `by`: the id of the request that ended it; times in milliseconds since 1970. */
export type Former = {
  readonly tenant: number;
  readonly ending: Ending;
  readonly at: number;
  readonly by?: string | undefined;
  readonly attempt?: string | undefined;
  readonly announced?: PersonTokens | undefined;
  /** The stretch of unbroken connections in which it ended. */
  readonly stretch: number;
  /** It had not been announced for `stale_after` since then. */
  readonly staleSince?: number | undefined;
};

/** Why a tenant may not use a handle. The client is told none of it; the journal and `explain` are. */
export type Denied =
  | { readonly why: "ended"; readonly former: Former } // it was this tenant's
  | { readonly why: "epoch-ended"; readonly at: number } // it was this tenant's, of an OCS whose life has ended
  | { readonly why: "foreign" } // it is another tenant's
  | { readonly why: "unknown" }; // never announced or registered for this tenant

/** Why it cannot be told now. */
export type Unclear =
  | "unconfirmed" // every connection to OCS was lost, or the gateway was restarted, and OCS has not spoken of it since
  | "storing" // its owner is being written
  | "disputed" // what OCS announced contradicts itself
  | "announced-again" // OCS has announced it for another phone or customer id since the request came
  | "roles" // which OCS is the primary is undecided
  | "store-lost"; // the ownership database was damaged: what it held is not known

/** What an operator reads of a verdict in the journal and in `explain`: the word of one of the lists above, and a sentence. */
export type ReasonWord = Unclear | Ending | Exclude<Denied["why"], "ended"> | "in-flight";
export type Reason = `${ReasonWord}: ${string}`;

const TEXT_OF_UNCLEAR: Readonly<Record<Unclear, string>> = {
  unconfirmed:
    "every connection to OCS was lost, or the gateway was restarted, and OCS has not announced the handle since",
  storing: "the owner of the handle is being written",
  disputed: "what OCS announced for the handle contradicts itself",
  "announced-again": "OCS announced the handle for another phone or customer id while the request waited",
  roles: "which OCS is the primary is undecided",
  "store-lost": "the ownership database was damaged and moved aside, and OCS has not announced the handle since",
};

const TEXT_OF_ENDING: Readonly<Record<Ending, string>> = {
  finished: "OCS answered 200 to the finalizing request",
  gone: "OCS answered 410 to request",
  "call-ended": "OCS reported the end of the call",
  rejected: "the validator kept the record from being dialed",
  "taken-back": "a registrar took the handle back",
  reassigned: "OCS announced the handle for another tenant",
};

export const reasonOfUnclear = (unclear: Unclear): Reason => `${unclear}: ${TEXT_OF_UNCLEAR[unclear]}`;

export const reasonOfDenied = (denied: Denied): Reason => {
  switch (denied.why) {
    case "ended": {
      const { ending, by, at, staleSince } = denied.former;
      const stale = staleSince === undefined ? "" : `; the handle was stale since ${iso(staleSince)}`;
      return `${ending}: ${TEXT_OF_ENDING[ending]}${by === undefined ? "" : ` ${by}`} at ${iso(at)}${stale}`;
    }
    case "epoch-ended":
      return `epoch-ended: OCS changed roles or was restarted at ${iso(denied.at)}, which ended every handle of before`;
    case "foreign":
      return "foreign: the handle was announced or registered for another tenant";
    case "unknown":
      return "unknown: the handle was never announced or registered for this tenant";
  }
};

const iso = (ms: number): string => new Date(ms).toISOString();
