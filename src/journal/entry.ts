/** The kinds of journal entries and their members. `entry-line.ts` writes and reads them as lines. */
import type { Revoked } from "./revocations/revoked.ts";
import type { Tenant, Tokens, Intent, Outcome, Refusal, Replay, InDoubt, Flood, Abandoned } from "./request-entries.ts";

export type * from "./request-entries.ts";
export type * from "./revocations/revoked.ts";

/** `check`: 64 hexadecimal digits. `from`: index of the first entry that stated it; it covers no earlier token. */
export type KeyCheck = { readonly check: string; readonly from: number };

/** Key checks by epoch. */
export type KeyChecks = Readonly<Record<string, KeyCheck>>;

export type Config = {
  readonly kind: "config";
  readonly config_hash: string;
  /**
   * `index-keys`: the entry states check values. `revocations`: the entry states all revocations in force, including
   * those that were only in the file beside the journal.
   */
  readonly change: "loaded" | "reloaded" | "refused" | "revoked" | "lifted" | "index-keys" | "revocations";
  /** Hash of the previous config; of a refused one, hash of the config that stays in force. */
  readonly previous_hash?: string | undefined;
  readonly file?: string | undefined;
  /** Why the config was refused; or what was revoked or reinstated. */
  readonly detail?: string | undefined;
  /** The meaning of each change, one sentence per change. */
  readonly changes?: readonly string[] | undefined;
  /** What asked for a reload. */
  readonly by?: "reload" | "SIGHUP" | "watcher" | undefined;
  /** Who asked for it over the admin API. */
  readonly user?: string | undefined;
  /** What was revoked or reinstated. Format 1 has only `detail`. */
  readonly revocation?: Revoked | undefined;
  /** All revocations in force. */
  readonly revocations?: readonly Revoked[] | undefined;
  /** The journal adds it: see `integrity/key-checks.ts`. */
  readonly index_keys?: KeyChecks | undefined;
};

export type Start = {
  readonly kind: "start";
  /** The format of this entry and later ones; 1 if missing. */
  readonly format?: number | undefined;
  readonly version: string;
  readonly pid: number;
  readonly config_hash?: string | undefined;
  /** The previous run's last line, if it was torn and cut off. */
  readonly torn?:
    | { readonly segment: string; readonly line: number; readonly index: number; readonly bytes: number }
    | undefined;
  /** The journal adds it: see `integrity/key-checks.ts`. */
  readonly index_keys?: KeyChecks | undefined;
  /** The journal adds it: by DBID, the last DoNotCall number of format 1, which numbered per DBID, whatever the OCS. */
  readonly dnc?: Readonly<Record<string, number>> | undefined;
  /** Optional members that this run writes wherever they apply; entries of an older gateway may lack them. */
  readonly records?: readonly string[] | undefined;
};

export type Stop = { readonly kind: "stop"; readonly reason: string };

/** A period in which entries were not recorded. `lost`: their number, if known. */
export type Gap = {
  readonly kind: "gap";
  readonly reason: string;
  readonly from: string;
  readonly to: string;
  readonly lost?: number | undefined;
};

/**
 * The clock was set by a second or more, while the gateway ran or since the previous run's last entry; or somebody
 * confirmed the clock. This entry and later ones have the new time, which may be earlier: the indexes give the order.
 */
export type Clock = {
  readonly kind: "clock";
  /** The time that was expected, and the time that the clock showed. */
  readonly from: string;
  readonly to: string;
  /** Milliseconds; negative when the clock was set back. */
  readonly step_ms: number;
  /** The clock was set forward by a day or more: the gateway does nothing irreversible until somebody confirms it. */
  readonly unconfirmed?: true | undefined;
  /** The user who confirmed the clock. */
  readonly confirmed_by?: string | undefined;
};

/**
 * Written before segments are deleted by `audit.retention`, always the oldest ones. Their leaf hashes are kept, so the
 * tree over all entries can still be built. Each later `deleted` entry begins where this one ends, so the deleted
 * entries are always those below the last one's `to`.
 */
export type Deleted = {
  readonly kind: "deleted";
  /** The first deleted index, and the first index after the deleted ones. */
  readonly from: number;
  readonly to: number;
  readonly segments: readonly string[];
  /** The time of the youngest deleted entry. */
  readonly youngest: string;
  /**
   * Per sequence (`write/dnc-sequence.ts`), the last DoNotCall number below `to`, even if an earlier `deleted` entry
   * states it.
   */
  readonly dnc: Readonly<Record<string, number>>;
  /** Kinds whose entries were deleted before the rest of their segments, including those that earlier entries state. */
  readonly kinds?: DeletedKinds | undefined;
  /** The segments in which this entry deletes some lines and keeps the others. */
  readonly remainders?: readonly Remainder[] | undefined;
  /** All revocations in force at this entry. The journal adds it, as `index_keys`. */
  readonly revocations?: readonly Revoked[] | undefined;
  readonly index_keys?: KeyChecks | undefined;
};

/**
 * By kind: entries below `to` are deleted, except those that must stay, such as requests that span segments.
 * `youngest`: no deleted entry is younger (RFC 3339); null if none was deleted.
 */
export type DeletedKinds = Readonly<Partial<Record<Kind, { readonly to: number; readonly youngest: string | null }>>>;

/**
 * Entries from `from` to before `to` are one segment. `entries` of them are deleted, by this entry (those of `kinds`)
 * and by earlier ones. `sha256`: hex hash of their indexes in ascending order, each followed by `\n`.
 */
export type Remainder = {
  readonly from: number;
  readonly to: number;
  readonly kinds: readonly Kind[];
  readonly entries: number;
  readonly sha256: string;
};

/**
 * Written before an operator's command moves a damaged segment's files to `set-aside`. Its leaf hashes are kept, so the
 * tree can still be built; the content of its damaged lines is lost.
 */
export type SetAside = {
  readonly kind: "set-aside";
  /** The first index in the segment, and the first index after it. */
  readonly from: number;
  readonly to: number;
  /** The files that were moved; empty if none was left. `sha256`: in hex. */
  readonly files: readonly { readonly name: string; readonly bytes: number; readonly sha256: string }[];
  /** The damage, in words. */
  readonly damage: string;
  /** The number of lines that are still as they were signed. */
  readonly intact: number;
  /**
   * RFC 3339: no entry in it is older or younger than these, judging by its remaining lines and neighbors; null if
   * unknown.
   */
  readonly oldest: string | null;
  readonly youngest: string | null;
  /** The number of open Do-Not-Calls in it that are lost; null if unknown. The others follow as `open-dnc`. */
  readonly lost: number | null;
  readonly user: string;
  readonly behind?: Behind | undefined;
  readonly purpose?: string | undefined;
  /** Segments that were set aside earlier and are not yet deleted. `by`: the index of the entry that states it. */
  readonly before: readonly { readonly from: number; readonly to: number; readonly by: number }[];
  /**
   * The journal adds them, as in `deleted`: the last number of each sequence, and all revocations in force at this
   * entry.
   */
  readonly dnc?: Readonly<Record<string, number>> | undefined;
  readonly revocations?: readonly Revoked[] | undefined;
  readonly index_keys?: KeyChecks | undefined;
};

/**
 * A Do-Not-Call that is still open when the segments of its attempts are about to be deleted. The journal writes it
 * before the `deleted` entry, and again before its own segment is deleted. With `closed`: the end of an open one.
 */
export type OpenDnc = {
  readonly kind: "open-dnc";
  /** Of the last attempt, as all members up to `epoch`. */
  readonly id: string;
  readonly tenant?: Tenant | null | undefined;
  readonly client?: string | null | undefined;
  readonly resource?: string | null | undefined;
  readonly identifier?: string | null | undefined;
  readonly action?: string | null | undefined;
  /** What limits the attempt: campaign, list, chain. */
  readonly body: Readonly<Record<string, unknown>>;
  readonly tokens?: Tokens | undefined;
  readonly upstream?: string | undefined;
  readonly epoch?: number | undefined;
  /** How the last attempt ended. */
  readonly state: string;
  readonly status?: number | undefined;
  readonly code?: string | undefined;
  /** RFC 3339, the times of the first and the last attempt. */
  readonly first: string;
  readonly last: string;
  readonly tries: number;
  readonly clients: readonly string[];
  /**
   * It is not open any more: OCS confirmed this request, of another gateway. `seq`: the number of that in the shared
   * database. Its last attempt is the one with `id`; a later one stays open.
   */
  readonly closed?: { readonly node: string; readonly request: string; readonly seq: number } | undefined;
};

export type Switchover = {
  readonly kind: "switchover";
  readonly upstream: string;
  readonly from: string | null;
  readonly to: string | null;
  readonly epoch: number;
  readonly reason?: string | undefined;
  /** Present when the same OCS has a new epoch: the evidence, and which handles are kept. */
  readonly proof?: LifeProof | undefined;
};

/**
 * OCS announced this handle for the first time, far below the highest one. What OCS announced of handles up to `up_to`,
 * from `generation` on, belongs to the new epoch.
 */
export type LifeProof = { readonly handle: number; readonly up_to: number; readonly generation: number };

/**
 * The login behind the account that made an access: `login` from the kernel, the others from the environment variables
 * of sudo, doas and pkexec, which anybody can set.
 */
export type Behind = {
  readonly login?: string | undefined;
  readonly sudo?: string | undefined;
  readonly doas?: string | undefined;
  readonly pkexec?: string | undefined;
};

/** A user searched, exported or revealed data, or logged in or out of the console. */
export type Access = {
  readonly kind: "access";
  /** The account that made the access. */
  readonly user: string;
  readonly behind?: Behind | undefined;
  readonly role?: string | undefined;
  readonly operation: string;
  readonly query?: string | undefined;
  readonly purpose?: string | undefined;
  readonly results?: number | undefined;
  readonly tokens?: Tokens | undefined;
  /** The journal adds it to an export: per sequence (`write/dnc-sequence.ts`), the last DoNotCall number before it. */
  readonly dnc?: Readonly<Record<string, number>> | undefined;
  /** Of the end of a verification or a proof of isolation; `results` then counts its entries, or its requests. */
  readonly verdict?: VerifyVerdict | undefined;
  /** The address that a login came from; `*` for several. */
  readonly source?: string | undefined;
  /** Why a login failed. */
  readonly reason?: string | undefined;
  /** The number of failed logins that this entry counts; 1 if missing. */
  readonly count?: number | undefined;
  /** SHA-256 of the report of a proof of isolation, in hexadecimal. */
  readonly digest?: string | undefined;
  /** The node that asked for the user, if that is another one. */
  readonly node?: string | undefined;
};

/** `cancelled`, `failed`: it did not read everything. */
export type VerifyVerdict = "ok" | "broken" | "cannot-tell" | "cancelled" | "failed";

export type Alarm = {
  readonly kind: "alarm";
  readonly reason: string;
  readonly tenant?: Tenant | undefined;
  readonly upstream?: string | undefined;
  readonly resource?: string | undefined;
  readonly identifier?: string | null | undefined;
  readonly detail?: string | undefined;
  /** The user who accepted what the alarm reports, and the reason. */
  readonly user?: string | undefined;
  readonly purpose?: string | undefined;
  /** The last signed size and root before the journal was restored or moved; the root in base64, as in a checkpoint. */
  readonly anchor?: { readonly size: number; readonly root: string } | undefined;
};

export type Entry =
  | Intent
  | Outcome
  | Refusal
  | Replay
  | InDoubt
  | Flood
  | Abandoned
  | Config
  | Start
  | Stop
  | Gap
  | Clock
  | Deleted
  | SetAside
  | OpenDnc
  | Switchover
  | Access
  | Alarm;
export type Kind = Entry["kind"];
/** An entry as read back from a line. */
export type Recorded = Entry & { readonly index: number; readonly time: string; readonly crc?: number };
