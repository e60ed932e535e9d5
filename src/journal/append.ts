/** The journal that is written: what it promises, and how it is opened. `writer.ts` keeps the promises. */
import type { Aside } from "./asides.ts";
import type { Believed } from "./believed-time.ts";
import { systemClocks, type Clocks } from "./clock.ts";
import { nodeDisk, type Disk } from "./disk.ts";
import type { Entry, Deleted } from "./entry.ts";
import { removeHalfWritten } from "./half-written.ts";
import type { KeyRegister } from "./key-checks.ts";
import { takeLock, type Lock } from "./lock.ts";
import { newestTime } from "./newest.ts";
import type { OnFailure } from "./outage.ts";
import { places } from "./places.ts";
import { recover, type Begun, type Elsewhere, type TornTail } from "./recover.ts";
import type { RevokedSet } from "./revoked.ts";
import { Segments } from "./segments.ts";
import type { StateSigner } from "./start-state.ts";
import type { Digest } from "./tree.ts";
import { FileJournal } from "./writer.ts";

export { JournalBroken } from "./broken.ts";

export type Durability = "flush" | "os";

export type JournalNews =
  | { readonly kind: "broken"; readonly reason: string }
  /** Written again. `lost` entries are told in a `gap`, `owed` ones were written late. */
  | { readonly kind: "mended"; readonly afterMs: number; readonly lost: number; readonly owed: number }
  | { readonly kind: "clock"; readonly stepMs: number }
  /** The lock is gone for good: another process may write from now on, and this one never again. Told once. */
  | { readonly kind: "unlocked"; readonly reason: string };

export type JournalOptions = {
  readonly dir: string;
  /** flush: on the disk before `append` resolves; os: handed to the operating system. */
  readonly durability: Durability;
  /** When nothing can be written: `append` rejects (the default), or resolves all the same, and what is lost is counted. */
  readonly onFailure?: OnFailure | undefined;
  /** A new segment is begun when the last one has at least so many bytes, and with each UTC day. */
  readonly segmentBytes?: number;
  /** A disk that does not answer for so long counts as failed. */
  readonly stuckMs?: number;
  readonly disk?: Disk;
  readonly clocks?: Clocks;
  /** Taken already; it is released when the journal is closed, or cannot be opened. Taken here when left out. */
  readonly lock?: Lock | undefined;
  /** Checkpoints that lie elsewhere: a journal that contradicts one, or ends before one, is not opened. Asked for when the directory is locked. */
  readonly published?: readonly Elsewhere[] | (() => Promise<readonly Elsewhere[]>) | undefined;
  /** Who signs start states: with one, what the newest state covers is not read again. */
  readonly states?: StateSigner | undefined;
  /** The first indexes of segments that are damaged and about to be set aside: their leaf hashes count, and of their lines those that have them. */
  readonly damaged?: readonly number[] | undefined;
  /** Saved with each start state, by name, as JSON values of the entries that were `written` so far. The next start has them in `begun`. */
  readonly beside?: Readonly<Record<string, () => unknown>> | undefined;
  readonly tell?: ((news: JournalNews) => void) | undefined;
  /** Called with every entry once it is on disk, in their order, with its index and its time (microseconds since 1970). Must not throw. */
  readonly written?: ((entry: Entry, index: number, micros: number) => void) | undefined;
};

/** Size and root of the tree over all entries that are on disk. */
export type Head = {
  readonly size: number;
  readonly root: Digest;
  /** The start state at this size, as text to be signed; undefined when it was not asked for, and before the first entry. */
  readonly state: string | undefined;
};

export type JournalStatus = {
  /** Entries on disk. */
  readonly size: number;
  readonly segment: string | undefined;
  /** Bytes of that segment. */
  readonly bytes: number;
  /** Why nothing can be appended; undefined while all is well. */
  readonly failed: string | undefined;
  /** How often that happened. */
  readonly failures: number;
  /** Entries that wait for the disk. */
  readonly waiting: number;
  /** Milliseconds since the oldest of them came. */
  readonly lag: number;
  /** Entries that are not on disk and not yet told in a `gap`. */
  readonly lost: number;
  /** Outcomes that will be written first when the journal can be written again. */
  readonly owed: number;
  readonly torn: TornTail | undefined;
};

export type Journal = {
  readonly dir: string;
  readonly disk: Disk;
  /** Intents of earlier runs that have no outcome: their index by id. */
  readonly unsettled: ReadonlyMap<string, number>;
  /** The last entry that earlier runs wrote about what they deleted. */
  readonly deleted: Deleted | undefined;
  /** Which segments were set aside, as the entries on disk say, ascending. */
  readonly asides: () => readonly Aside[];
  /** Check values of index keys: `use` before the first token is made. */
  readonly keys: KeyRegister;
  /** What the entries revoke. */
  readonly revoked: RevokedSet;
  /**
   * Resolves when the entry is on disk. Rejects with JournalBroken when it cannot be written; then all that follow are rejected until the disk
   * works again. The end of a request that was under way is kept nevertheless, and written first then.
   */
  readonly append: (entry: Entry) => Promise<void>;
  /** Shares the next flush, at the latest after 100 ms. Never waits: beyond 4 MiB in waiting entries are counted and told in a `gap`. */
  readonly note: (entry: Entry) => void;
  readonly status: () => JournalStatus;
  readonly believed: () => Believed;
  /** With which entry the reading of the lines began when the journal was opened, and why not later. */
  readonly begun: Begun;
  /** Puts everything that waits on disk, with its leaf hashes. `stateFor`: the origin of a start state that is wanted too. Rejects with JournalBroken. */
  readonly head: (stateFor?: string) => Promise<Head>;
  /** Puts everything on disk and lets go of the directory. */
  readonly close: () => Promise<void>;
};

const SEGMENT_BYTES = 64 << 20;
const STUCK_MS = 5000;

/** Reads what is there: above the newest start state, or all of it, which takes some seconds for a million entries. Throws JournalDamaged, or JournalHeld, which names the holder of the lock. */
export const openJournal = async (options: JournalOptions): Promise<Journal> => {
  const {
    dir,
    durability,
    onFailure = "refuse",
    segmentBytes = SEGMENT_BYTES,
    stuckMs = STUCK_MS,
    disk = nodeDisk,
    clocks = systemClocks,
    tell = () => undefined,
    written = () => undefined,
    published = [],
    states,
    damaged,
    beside = {},
  } = options;
  const at = places(dir);
  const lock = options.lock ?? (await lockMade(dir, disk));
  try {
    const how = durability === "flush" ? "durable" : "create";
    const recovered = await recover({
      disk,
      dir,
      how,
      published: typeof published === "function" ? await published() : published,
      states,
      damaged,
    });
    await removeHalfWritten(disk, dir);
    const newest = await newestTime(disk, dir);
    const segments = new Segments({ disk, at, leaves: recovered.leaves, how, limit: segmentBytes }, recovered.tail);
    return new FileJournal({
      ...recovered,
      dir,
      disk,
      segments,
      clocks,
      newest,
      onFailure,
      stuckMs,
      tell,
      written,
      beside,
      lock,
    });
  } catch (error) {
    await lock.release();
    throw error;
  }
};

const lockMade = async (dir: string, disk: Disk): Promise<Lock> => {
  await disk.makeDirectory(dir);
  return takeLock(dir, { command: "ocsgw", role: "gateway" });
};
