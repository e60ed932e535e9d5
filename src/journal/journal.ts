/** The contract of an open journal. `write/open-journal.ts` opens it, `write/writer.ts` writes. */
import type { SetAsideRange } from "./segments/set-aside-ranges.ts";
import type { Believed } from "./write/clock/believed-time.ts";
import type { Clocks } from "./write/clock/entry-clock.ts";
import type { Disk } from "./disk.ts";
import type { Entry, Deleted } from "./entry.ts";
import type { KeyRegister } from "./integrity/key-checks.ts";
import type { Lock } from "./lock/lock.ts";
import type { OnFailure, RefusalReply } from "./write/outage-buffer.ts";
import type { OpenedFrom } from "./write/recovery/recover.ts";
import type { TornTail } from "./write/recovery/recover-segments.ts";
import type { PublishedCheckpoint } from "./write/recovery/signed-roots.ts";
import type { RevokedSet } from "./revocations/revoked-set.ts";
import type { StateSigner } from "./write/start-state.ts";
import type { Digest } from "./integrity/merkle-tree.ts";

export { JournalUnavailable } from "./errors.ts";

export type Durability = "flush" | "os";

export type JournalNews =
  | { readonly kind: "broken"; readonly reason: string }
  /** The journal can be written again. A `gap` states the `lost` entries; the `buffered` ones were written late. */
  | { readonly kind: "recovered"; readonly afterMs: number; readonly lost: number; readonly buffered: number }
  | { readonly kind: "clock"; readonly stepMs: number }
  /** The lock is lost for good: another process may write from now on, and this one never again. Reported once. */
  | { readonly kind: "unlocked"; readonly reason: string };

export type JournalOptions = {
  readonly dir: string;
  /** flush: on the disk before `append` resolves; os: handed to the operating system. */
  readonly durability: Durability;
  /**
   * While nothing can be written, `append` rejects (the default), or resolves and the journal counts the lost entry.
   */
  readonly onFailure?: OnFailure | undefined;
  /**
   * The reply to a request whose `append` rejects. If its intent reaches the disk after all, an outcome states this
   * reply. Default: 503 without a code.
   */
  readonly refusal?: RefusalReply | undefined;
  /** The journal begins a new segment when the last one has at least this many bytes, and with each UTC day. */
  readonly segmentBytes?: number;
  /** A disk call that takes longer counts as failed, in milliseconds. */
  readonly stuckMs?: number;
  readonly disk?: Disk;
  readonly clocks?: Clocks;
  /**
   * A lock already taken; released when the journal is closed or cannot be opened. If missing, the journal takes it.
   */
  readonly lock?: Lock | undefined;
  /**
   * Checkpoints stored elsewhere: a journal that contradicts one, or ends before one, is not opened. A function is
   * called once the directory is locked.
   */
  readonly published?: readonly PublishedCheckpoint[] | (() => Promise<readonly PublishedCheckpoint[]>) | undefined;
  /** The signer of start states; with it, the journal does not reread the entries that the newest state covers. */
  readonly states?: StateSigner | undefined;
  /**
   * The first indexes of damaged segments that are about to be set aside: recovery uses their leaf hashes, and only
   * those lines that match one.
   */
  readonly damaged?: readonly number[] | undefined;
  /**
   * JSON values of the entries `written` so far, by name, saved with each start state. The next start finds them in
   * `openedFrom`.
   */
  readonly beside?: Readonly<Record<string, () => unknown>> | undefined;
  readonly onNews?: ((news: JournalNews) => void) | undefined;
  /**
   * Called with every entry once it is on disk, in order, with its index and its time (microseconds since 1970). Must
   * not throw.
   */
  readonly written?: ((entry: Entry, index: number, micros: number) => void) | undefined;
};

/** Size and root of the tree over all entries on disk. */
export type Head = {
  readonly size: number;
  readonly root: Digest;
  /** The start state at this size, as text to sign; undefined when not requested, and before the first entry. */
  readonly state: string | undefined;
};

export type JournalStatus = {
  /** Entries on disk. */
  readonly size: number;
  readonly segment: string | undefined;
  /** Bytes of the last segment. */
  readonly bytes: number;
  /** Why nothing can be appended; undefined while the journal works. */
  readonly failed: string | undefined;
  /** How often appending has failed. */
  readonly failures: number;
  /** Entries that wait for the disk. */
  readonly waiting: number;
  /** Milliseconds since the oldest of them arrived. */
  readonly lag: number;
  /** Entries that are not on disk and not yet stated in a `gap`. */
  readonly lost: number;
  /** Those of them that begin or end a request. */
  readonly lost_requests: number;
  /** Outcomes that will be written first when the journal can be written again. */
  readonly buffered: number;
  readonly torn: TornTail | undefined;
};

/** `by`: the entry's index; undefined when an older gateway wrote both the entry and the start state. */
export type LastDeleted = { readonly entry: Deleted; readonly by: number | undefined };

export type Journal = {
  readonly dir: string;
  readonly disk: Disk;
  /** Intents of earlier runs without an outcome: their index by request id. */
  readonly unsettled: ReadonlyMap<string, number>;
  /** The last entry on disk that states deletions. */
  readonly lastDeleted: () => LastDeleted | undefined;
  /** The segments that entries on disk state as set aside, ascending. */
  readonly setAsideRanges: () => readonly SetAsideRange[];
  /** Check values of index keys: call `use` before the first token is made. */
  readonly keys: KeyRegister;
  /** The revocations that the entries state. */
  readonly revoked: RevokedSet;
  /**
   * Resolves when the entry is on disk. Rejects with JournalBroken when it cannot be written, and so do all later
   * entries until the disk works again. The journal keeps the end of a request in flight and writes it first then.
   */
  readonly append: (entry: Entry) => Promise<void>;
  /**
   * Shares the next flush, at the latest after 100 ms. Never waits: beyond 4 MiB of waiting entries, further ones are
   * counted and stated in a `gap`.
   */
  readonly note: (entry: Entry) => void;
  readonly status: () => JournalStatus;
  readonly believed: () => Believed;
  /** The entry from which the journal was read when it was opened, and why not from a later one. */
  readonly openedFrom: OpenedFrom;
  /**
   * Writes all waiting entries to disk, with their leaf hashes. `stateFor`: the origin for a start state, if one is
   * wanted. Rejects with JournalBroken.
   */
  readonly head: (stateFor?: string) => Promise<Head>;
  /** Writes everything to disk and releases the directory. */
  readonly close: () => Promise<void>;
};
