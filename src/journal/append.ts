/**
 * The journal that is written: `append` resolves when the line is on disk. All who wait share one write and one flush, and while that is on its
 * way the next group forms. After a disk error nothing is acknowledged any more: what a failed flush left behind is only known by reading again.
 */
import { nodeDisk, type Disk } from "./disk.ts";
import { writeLine, type Entry } from "./entry.ts";
import { Group } from "./group.ts";
import type { Leaves } from "./leaves.ts";
import { takeLock } from "./lock.ts";
import type { Numbers } from "./numbers.ts";
import { places, segmentName } from "./places.ts";
import { recover, type Recovered, type TornTail } from "./recover.ts";
import { Segments } from "./segments.ts";
import { wallMicros, writeMicros } from "./time.ts";
import type { Digest, Tree } from "./tree.ts";

export type Durability = "flush" | "os";

export type JournalOptions = {
  readonly dir: string;
  /** flush: on the disk before `append` resolves; os: handed to the operating system. */
  readonly durability: Durability;
  /** A new segment is begun when the last one has at least so many bytes. */
  readonly segmentBytes?: number;
  readonly disk?: Disk;
  /** Microseconds since 1970. */
  readonly now?: () => number;
};

/** Size and root of the tree over all entries that are on disk. */
export type Head = { readonly size: number; readonly root: Digest };

export type JournalStatus = {
  /** Entries on disk. */
  readonly size: number;
  readonly segment: string | undefined;
  /** Bytes of that segment. */
  readonly bytes: number;
  /** Why nothing can be appended; undefined while all is well. */
  readonly failed: string | undefined;
  /** Entries that wait for the disk. */
  readonly waiting: number;
  /** Milliseconds since the oldest of them came. */
  readonly lag: number;
  /** Noted entries that found no room and are not yet told in a `gap`. */
  readonly lost: number;
  readonly torn: TornTail | undefined;
};

export type Journal = {
  readonly dir: string;
  readonly disk: Disk;
  /** Intents of earlier runs that have no outcome: their index by id. */
  readonly unsettled: ReadonlyMap<string, number>;
  /** Resolves when the entry is on disk. Rejects with JournalBroken, and then with nothing else until the journal is opened anew. */
  readonly append: (entry: Entry) => Promise<void>;
  /** Shares the next flush, at the latest after 100 ms. Never waits: beyond 4 MiB in waiting entries are counted and told in a `gap`. */
  readonly note: (entry: Entry) => void;
  readonly status: () => JournalStatus;
  /** Puts everything that waits on disk, with its leaf hashes. Rejects with JournalBroken. */
  readonly head: () => Promise<Head>;
  /** Puts everything on disk and lets go of the directory. */
  readonly close: () => Promise<void>;
};

export class JournalBroken extends Error {
  override readonly name = "JournalBroken";
}

const SEGMENT_BYTES = 64 << 20;
const NOTE_DELAY_MS = 100;
const NOTED_BYTES = 4 << 20;

/** Reads what is there, which takes some seconds for a million entries. Throws JournalDamaged, or an error that names the lock's holder. */
export const openJournal = async (options: JournalOptions): Promise<Journal> => {
  const disk = options.disk ?? nodeDisk;
  const at = places(options.dir);
  await disk.makeDirectory(options.dir);
  const unlock = await takeLock(at.lock);
  try {
    const how = options.durability === "flush" ? "durable" : "create";
    const recovered = await recover(disk, options.dir, how);
    const segments = new Segments({ disk, at, leaves: recovered.leaves, how, limit: options.segmentBytes ?? SEGMENT_BYTES }, recovered.tail);
    return new FileJournal(options, { ...recovered, segments, disk, unlock });
  } catch (error) {
    await unlock();
    throw error;
  }
};

type Opened = Recovered & { readonly segments: Segments; readonly disk: Disk; readonly unlock: () => Promise<void> };

const NOTHING_LOST = { count: 0, from: "", to: "" };

class FileJournal implements Journal {
  readonly dir: string;
  readonly disk: Disk;
  readonly unsettled: ReadonlyMap<string, number>;
  readonly #now: () => number;
  readonly #tree: Tree;
  readonly #leaves: Leaves;
  readonly #segments: Segments;
  readonly #numbers: Numbers;
  readonly #torn: TornTail | undefined;
  readonly #unlock: () => Promise<void>;
  #filling = new Group();
  /** On its way to the disk while `#flushing`, else empty. */
  #other = new Group();
  #flushing: Promise<void> | undefined;
  #wanted = false;
  #timer: NodeJS.Timeout | undefined;
  #index: number;
  #micros = 0;
  #lost = NOTHING_LOST;
  #failed: JournalBroken | undefined;
  #closed: Promise<void> | undefined;

  constructor({ dir, now }: JournalOptions, { tree, leaves, trail, segments, disk, torn, unlock }: Opened) {
    this.dir = dir;
    this.disk = disk;
    this.#now = now ?? wallMicros;
    this.#tree = tree;
    this.#leaves = leaves;
    this.#segments = segments;
    this.#numbers = trail.numbers;
    this.unsettled = trail.open;
    this.#torn = torn;
    this.#unlock = unlock;
    this.#index = tree.size();
  }

  readonly append = (entry: Entry): Promise<void> => {
    if (this.#failed) return Promise.reject(this.#failed);
    try {
      this.#add(entry);
    } catch (error) {
      return Promise.reject(error as Error);
    }
    this.#want();
    return this.#filling.done;
  };

  readonly note = (entry: Entry): void => {
    if (this.#failed || this.#filling.length >= NOTED_BYTES) return this.#lose();
    this.#add(entry);
    this.#timer ??= setTimeout(() => this.#want(), NOTE_DELAY_MS);
  };

  readonly status = (): JournalStatus => {
    const waiting = this.#index - this.#tree.size();
    const since = this.#flushing ? this.#other.since : this.#filling.since;
    return {
      size: this.#tree.size(),
      segment: this.#segments.first === undefined ? undefined : segmentName(this.#segments.first),
      bytes: this.#segments.bytes,
      failed: this.#failed?.message,
      waiting,
      lag: waiting === 0 ? 0 : Math.max(0, (this.#now() - since) / 1000),
      lost: this.#lost.count,
      torn: this.#torn,
    };
  };

  readonly head = async (): Promise<Head> => {
    if (this.#filling.length > 0) {
      this.#want();
      await this.#filling.done;
    }
    while (this.#flushing) await this.#flushing;
    if (this.#failed) throw this.#failed;
    const head = { size: this.#tree.size(), root: this.#tree.root() };
    try {
      await this.#leaves.flush();
    } catch (error) {
      throw this.#fail(error);
    }
    return head;
  };

  readonly close = (): Promise<void> => (this.#closed ??= this.#close());

  async #close(): Promise<void> {
    try {
      if (!this.#failed) await this.head();
    } finally {
      await this.#flushing;
      clearTimeout(this.#timer);
      this.#failed ??= new JournalBroken("the journal is closed");
      await Promise.allSettled([this.#segments.close(), this.#leaves.close()]);
      await this.#unlock();
    }
  }

  #add(entry: Entry): void {
    if (this.#lost.count > 0) {
      const { count, from, to } = this.#lost;
      this.#lost = NOTHING_LOST;
      this.#put({ kind: "gap", reason: "more refusals came at once than the journal could take", from, to, lost: count });
    }
    this.#put(entry);
  }

  #put(entry: Entry): void {
    // A clock that is set back does not take the journal with it.
    this.#micros = Math.max(this.#micros, this.#now());
    const given = this.#numbers.given(entry);
    this.#filling.add(writeLine(this.#index, writeMicros(this.#micros), given), this.#micros);
    this.#numbers.took(given);
    this.#index++;
  }

  #lose(): void {
    const now = writeMicros(this.#now());
    this.#lost = { count: this.#lost.count + 1, from: this.#lost.from || now, to: now };
  }

  /** After the turn, so that all that came in one turn of the event loop go together. */
  #want(): void {
    if (this.#wanted) return;
    this.#wanted = true;
    if (!this.#flushing) setImmediate(this.#start);
  }

  readonly #start = (): void => {
    if (!this.#failed) this.#flushing = this.#flush();
  };

  async #flush(): Promise<void> {
    const group = this.#filling;
    this.#filling = this.#other;
    this.#other = group;
    this.#wanted = false;
    clearTimeout(this.#timer);
    this.#timer = undefined;
    try {
      await this.#segments.write(group.bytes, this.#tree.size());
      group.resolve();
      // First those who waited, then the tree.
      await group.done;
      this.#grow(group.leaves);
      if (this.#leaves.spills) await this.#leaves.write();
      group.empty();
    } catch (error) {
      this.#fail(error);
    }
    this.#flushing = undefined;
    if (this.#wanted) setImmediate(this.#start);
  }

  #grow(leaves: readonly Digest[]): void {
    for (const leaf of leaves) {
      this.#tree.append(leaf);
      this.#leaves.add(leaf);
    }
  }

  #fail(error: unknown): JournalBroken {
    this.#failed ??= new JournalBroken(`the journal in ${this.dir} cannot be written: ${error instanceof Error ? error.message : String(error)}`, { cause: error });
    this.#other.reject(this.#failed);
    this.#filling.reject(this.#failed);
    return this.#failed;
  }
}
