/** What the journal says: the kinds of entries and their members. `entry-line.ts` writes and reads them as lines. */
import type { KeyChecks } from "./key-checks.ts";

export type Tenant = { readonly dbid: number; readonly name: string };
export type Credential = { readonly kind: string; readonly id: string };
/** `t1:` and 64 hex digits each: an equal value has an equal token, whatever `redact` shows of it. */
export type Tokens = { readonly phone?: string; readonly customer_id?: string };
export type Waits = { readonly queue_ms: number; readonly ocs_ms: number; readonly total_ms: number };
export type Delivery = "not-sent" | "answered" | "sent-no-answer";
export type Origin = "ocs" | "gateway";

/** Written and flushed before the first byte goes to OCS. */
export type Intent = {
  readonly kind: "intent";
  readonly id: string;
  readonly tenant: Tenant;
  readonly client: string;
  readonly credential: Credential;
  readonly source: string;
  readonly listener: string;
  readonly resource: string;
  readonly identifier: string | null;
  readonly action: string;
  readonly body: Readonly<Record<string, unknown>>;
  readonly tokens?: Tokens | undefined;
  readonly config_hash: string;
  /** Of a Do-Not-Call and of an owned record handle: the OCS. */
  readonly upstream?: string | undefined;
  /** Of a record handle: the epoch of that OCS. */
  readonly epoch?: number | undefined;
  /** Of an owned record handle: which announcement or registration of it is meant. */
  readonly generation?: number | undefined;
  /** Tokens of the person with whom OCS announced the record, where the request itself names one: they may differ. */
  readonly announced?: Tokens | undefined;
  /** The code under which the tenant's policy would have refused it, had the tenant not been observed only. */
  readonly would_refuse?: string | undefined;
  /** Given by the journal: see `numbers.ts`. A number without a sequence is one of its DBID's. */
  readonly dnc_sequence?: string | undefined;
  readonly dnc?: number | undefined;
};

/** The stage of the line at which a request was refused: `explain` shows them in this order. */
export type Stage = "message" | "identity" | "operation" | "policy" | "body" | "scope" | "journal" | "queue" | "ocs";

/**
 * What a client claimed that was not let in: numbers in it are masked, and nothing of it is verified. `issuer`: a token's `iss`.
 * `key`: the id of the API key that it sent, which is one of the keys file. `path`: without a query.
 */
export type PresentedBy = {
  readonly client?: string | undefined;
  readonly kid?: string | undefined;
  readonly issuer?: string | undefined;
  readonly key?: string | undefined;
  readonly path?: string | undefined;
};

/** Flushed before the reply. */
export type Outcome = {
  readonly kind: "outcome";
  readonly id: string;
  readonly delivery: Delivery;
  readonly origin: Origin;
  readonly status: number;
  readonly code: string | null;
  readonly warning: string | null;
  readonly waits: Waits;
  readonly lane: string | null;
  readonly endpoint: string | null;
  /** Why a record's request was not sent, as the client was not told. */
  readonly reason?: string | undefined;
  /** Where the gateway refused it, or failed, and the setting that decided, as in `tenants[0].limits.requests`. */
  readonly stage?: Stage | undefined;
  readonly setting?: string | undefined;
  /** OCS's answer may be that to another request: what became of this one at OCS is then not certain. */
  readonly suspected?: true | undefined;
};

/** What was known of a request when it was refused. */
export type Refusal = {
  readonly kind: "refusal";
  readonly id: string;
  readonly tenant?: Tenant | null | undefined;
  readonly client?: string | null | undefined;
  readonly credential?: Credential | null | undefined;
  readonly source?: string | null | undefined;
  readonly listener?: string | null | undefined;
  readonly resource?: string | null | undefined;
  readonly identifier?: string | null | undefined;
  readonly action?: string | null | undefined;
  readonly tokens?: Tokens | undefined;
  /** As in an intent, where the record is, or was, one of the client's tenants'. */
  readonly announced?: Tokens | undefined;
  readonly code: string;
  readonly status: number;
  readonly delivery: Delivery;
  readonly detail?: string | undefined;
  /** As the client was not told. */
  readonly reason?: string | undefined;
  readonly pointer?: string | undefined;
  /** As in an outcome. */
  readonly stage?: Stage | undefined;
  readonly setting?: string | undefined;
  readonly presented?: PresentedBy | undefined;
  readonly waits?: Waits | undefined;
  /** As in an intent: policy would have said no before what did. */
  readonly would_refuse?: string | undefined;
  /** Of a Do-Not-Call, as far as its tenant was known: the OCS, and for a record handle its epoch. */
  readonly upstream?: string | undefined;
  readonly epoch?: number | undefined;
  /** Given by the journal: see `numbers.ts`. */
  readonly dnc_sequence?: string | undefined;
  readonly dnc?: number | undefined;
};

/** Written at a start for an intent of an earlier run that has no outcome: OCS may have carried it out or never have seen it. It closes the intent. */
export type InDoubt = {
  readonly kind: "in-doubt";
  readonly id: string;
  /** The intent's index. */
  readonly intent: number;
  readonly tenant: Tenant;
  readonly client: string;
  readonly resource: string;
  readonly action: string;
  readonly reason: string;
};

/**
 * Refusals that were counted: of nobody in particular, from one source; of one client, beyond its tenant's budget; or the
 * same Do-Not-Call of one client again and again.
 */
export type Flood = {
  readonly kind: "flood";
  /** `*`: of several. */
  readonly source: string;
  readonly listener?: string | undefined;
  readonly tenant?: Tenant | null | undefined;
  /** `*`: of several known clients. */
  readonly client?: string | null | undefined;
  readonly action?: string | undefined;
  readonly resource?: string | undefined;
  readonly identifier?: string | null | undefined;
  readonly tokens?: Tokens | undefined;
  readonly announced?: Tokens | undefined;
  /** RFC 3339, the beginning of the time that was counted. */
  readonly second: string;
  /** How long that time is; 1 where it is not given. */
  readonly seconds?: number | undefined;
  readonly count: number;
  readonly codes?: Readonly<Record<string, number>> | undefined;
  /** The lowest and the highest request id of those that were counted. */
  readonly first_id?: string | undefined;
  readonly last_id?: string | undefined;
};

/** The client hung up while its request waited: taken out of the queue, not sent. */
export type Abandoned = {
  readonly kind: "abandoned";
  readonly id: string;
  readonly delivery: "not-sent";
  readonly waits: Waits;
};

export type Config = {
  readonly kind: "config";
  readonly config_hash: string;
  /** `index-keys`: check values are stated. `revocations`: all that stand are stated, among them those that only the file beside the journal had. */
  readonly change: "loaded" | "reloaded" | "refused" | "revoked" | "lifted" | "index-keys" | "revocations";
  /** What was in force until then, or when refused still is. */
  readonly previous_hash?: string | undefined;
  readonly file?: string | undefined;
  /** Why it was refused; what was revoked, or counts again. */
  readonly detail?: string | undefined;
  /** What it means, a sentence for each change. */
  readonly changes?: readonly string[] | undefined;
  /** What was revoked, or lifted. Format 1 has only `detail`. */
  readonly revocation?: Revoked | undefined;
  /** All that stand. */
  readonly revocations?: readonly Revoked[] | undefined;
  /** Given by the journal: see `key-checks.ts`. */
  readonly index_keys?: KeyChecks | undefined;
};

/** `until`: RFC 3339, null for ever. */
export type Revoked = {
  readonly kind: "token" | "key" | "certificate" | "client";
  readonly id: string;
  readonly until: string | null;
};

export type Start = {
  readonly kind: "start";
  /** Of the entries from this one on; 1 where none is given. */
  readonly format?: number | undefined;
  readonly version: string;
  readonly pid: number;
  readonly config_hash?: string | undefined;
  /** The last line of the run before was torn and cut off: what it was. */
  readonly torn?:
    | { readonly segment: string; readonly line: number; readonly index: number; readonly bytes: number }
    | undefined;
  /** Given by the journal: see `key-checks.ts`. */
  readonly index_keys?: KeyChecks | undefined;
  /** Given by the journal: by DBID, the last DoNotCall number of format 1, which numbered a DBID's in one sequence whatever its OCS. */
  readonly dnc?: Readonly<Record<string, number>> | undefined;
};

export type Stop = { readonly kind: "stop"; readonly reason: string };

/** A time in which something was not recorded. `lost` counts it where it was counted. */
export type Gap = {
  readonly kind: "gap";
  readonly reason: string;
  readonly from: string;
  readonly to: string;
  readonly lost?: number | undefined;
};

/** The clock was set, by a second or more, while the gateway ran or since the last entry of the run before; or somebody confirmed it. This entry and those behind it have the new time, which may be earlier: the order is that of the indexes. */
export type Clock = {
  readonly kind: "clock";
  /** What it would have shown, and what it showed. */
  readonly from: string;
  readonly to: string;
  /** Milliseconds; negative when it was set back. */
  readonly step_ms: number;
  /** Forward by a day or more: until that is confirmed nothing is done that cannot be undone. */
  readonly unconfirmed?: true | undefined;
  /** Who said that the clock is right. */
  readonly confirmed_by?: string | undefined;
};

/**
 * Written before segments are deleted because `audit.retention` says so: always the oldest ones. Their leaf hashes stay, so the tree over all entries can still be built.
 * Every later `deleted` begins where this one ends, so the deleted entries are always those below the last one's `to`.
 */
export type Deleted = {
  readonly kind: "deleted";
  /** The first index deleted, and the first one behind them. */
  readonly from: number;
  readonly to: number;
  readonly segments: readonly string[];
  /** The time of the youngest entry in them. */
  readonly youngest: string;
  /** Of each sequence (`numbers.ts`), the last DoNotCall number below `to`, also when an earlier `deleted` entry tells of it. */
  readonly dnc: Readonly<Record<string, number>>;
  /** All that stand where this entry stands. Given by the journal, as `index_keys`. */
  readonly revocations?: readonly Revoked[] | undefined;
  readonly index_keys?: KeyChecks | undefined;
};

/**
 * Written before the lines of a segment that is damaged are moved to `set-aside`, by somebody who was asked. Its leaf hashes stay, so the tree can
 * still be built; what its lines said is not known any more where they are damaged.
 */
export type SetAside = {
  readonly kind: "set-aside";
  /** The first index in it, and the first one behind it. */
  readonly from: number;
  readonly to: number;
  /** What was moved. None where the lines were gone. `sha256`: in hex. */
  readonly files: readonly { readonly name: string; readonly bytes: number; readonly sha256: string }[];
  /** In words, what is wrong with it. */
  readonly damage: string;
  /** So many of its lines are as they were signed. */
  readonly intact: number;
  /** RFC 3339: no entry in it is older, or younger, by what is left; null where nothing tells. */
  readonly oldest: string | null;
  readonly youngest: string | null;
  /** Open Do-Not-Calls in it that can be told no more; null where it is not known whether there are any. The others follow as `open-dnc`. */
  readonly lost: number | null;
  readonly user: string;
  readonly behind?: Behind | undefined;
  readonly purpose?: string | undefined;
  /** What was set aside before and is not deleted yet. `by`: the index of the entry that says so. */
  readonly before: readonly { readonly from: number; readonly to: number; readonly by: number }[];
  /** Given by the journal, as in `deleted`: of each sequence the last number, and all that stand where this entry stands. */
  readonly dnc?: Readonly<Record<string, number>> | undefined;
  readonly revocations?: readonly Revoked[] | undefined;
  readonly index_keys?: KeyChecks | undefined;
};

/**
 * A Do-Not-Call that was still open when the segments of its tries were about to be deleted: what the journal goes on to say of it. It is written
 * before the `deleted` entry, and again before its own segment is deleted.
 */
export type OpenDnc = {
  readonly kind: "open-dnc";
  /** Of the last try, as all that follows up to `epoch`. */
  readonly id: string;
  readonly tenant?: Tenant | null | undefined;
  readonly client?: string | null | undefined;
  readonly resource?: string | null | undefined;
  readonly identifier?: string | null | undefined;
  readonly action?: string | null | undefined;
  /** What the try was restricted to: campaign, list, chain. */
  readonly body: Readonly<Record<string, unknown>>;
  readonly tokens?: Tokens | undefined;
  readonly upstream?: string | undefined;
  readonly epoch?: number | undefined;
  /** How the last try ended. */
  readonly state: string;
  readonly status?: number | undefined;
  readonly code?: string | undefined;
  /** RFC 3339, when it was asked for first and last. */
  readonly first: string;
  readonly last: string;
  readonly tries: number;
  readonly clients: readonly string[];
};

export type Switchover = {
  readonly kind: "switchover";
  readonly upstream: string;
  readonly from: string | null;
  readonly to: string | null;
  readonly epoch: number;
  readonly reason?: string | undefined;
  /** Where the same OCS has begun another life: what proves that, and what of before is kept. */
  readonly proof?: LifeProof | undefined;
};

/**
 * OCS has announced this handle for the first time, far below the highest one. What was heard of handles up to `up_to`
 * from `generation` on is of the new life.
 */
export type LifeProof = { readonly handle: number; readonly up_to: number; readonly generation: number };

/**
 * Who was logged in, where an access was made under another account: `login` as the kernel knows it, the others as the environment variables of
 * sudo, doas and pkexec say, which anybody can set.
 */
export type Behind = {
  readonly login?: string | undefined;
  readonly sudo?: string | undefined;
  readonly doas?: string | undefined;
  readonly pkexec?: string | undefined;
};

/** Someone looked up, exported or revealed. */
export type Access = {
  readonly kind: "access";
  /** The account under which it was asked. */
  readonly user: string;
  readonly behind?: Behind | undefined;
  readonly role?: string | undefined;
  readonly operation: string;
  readonly query?: string | undefined;
  readonly purpose?: string | undefined;
  readonly results?: number | undefined;
  readonly tokens?: Tokens | undefined;
  /** Given by the journal to an export: of each sequence (`numbers.ts`), the last DoNotCall number before it. */
  readonly dnc?: Readonly<Record<string, number>> | undefined;
};

export type Alarm = {
  readonly kind: "alarm";
  readonly reason: string;
  readonly tenant?: Tenant | undefined;
  readonly upstream?: string | undefined;
  readonly resource?: string | undefined;
  readonly identifier?: string | null | undefined;
  readonly detail?: string | undefined;
  /** Who accepted what the alarm is about, and why. */
  readonly user?: string | undefined;
  readonly purpose?: string | undefined;
  /** What was signed last before the journal was restored or moved; the root in base64, as in a checkpoint. */
  readonly anchor?: { readonly size: number; readonly root: string } | undefined;
};

export type Entry =
  | Intent
  | Outcome
  | Refusal
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
/** A line as it is read back. */
export type Recorded = Entry & { readonly index: number; readonly time: string; readonly crc?: number };
