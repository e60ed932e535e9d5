/**
 * Ownership on disk, so that it outlives the process: SQLite in a thread of its own, because a disk that hangs must stop only those who wait for it.
 * All changes that came while one commit was under way share the next. What takes an owner away is as durable as what gives one: a removal that
 * could not be committed is tried again until it is. Every row carries its generation and its epoch, so the order of changes does not matter.
 * Handles are facts of OCS, tenants are DBIDs, a phone is only ever its token.
 */
import { Worker } from "node:worker_threads";
import type { Page } from "./announced.ts";

export type Row = {
  readonly upstream: string;
  readonly epoch: number;
  /** The OCS of that epoch. */
  readonly endpoint: string;
  /** Rows of earlier epochs from this generation on are of this one. */
  readonly keepFrom?: number | undefined;
  readonly handle: number;
  /** DBID. */
  readonly tenant: number;
  /** Of this announcement or registration; only increases within an upstream. */
  readonly generation: number;
  /** The highest handle announced in the epoch. */
  readonly highest: number;
  /** The generation that had been reached when that one was announced last. */
  readonly highestAt: number;
  /** Seconds since 1970. */
  readonly since: number;
  readonly campaign: string | null;
  /** A campaign group's DBID or name, as it was said. */
  readonly group: string | null;
  readonly list: string | null;
  /** A token (`t1:…`), never a number. */
  readonly phone: string | null;
  /** A token likewise; of the customer id. */
  readonly customer?: string | null;
  /** GSW_CALL_ATTEMPT_GUID, by which a call report may name the record. */
  readonly attempt: string | null;
  /** Set where OCS contradicts itself, so that the handle has no owner: DBIDs that it could mean. */
  readonly among?: readonly number[] | undefined;
};

export type Owned = {
  readonly handle: number;
  readonly tenant: number;
  readonly since: number;
  readonly generation: number;
  readonly attempt: string | null;
  /** Tokens of the phone and the customer id that OCS announced it with. */
  readonly phone?: string;
  readonly customer?: string;
  readonly among?: readonly number[] | undefined;
};

/** An epoch that was under way, with what was owned in it, from the one heard of the longest ago to the last. */
export type Restored = {
  readonly upstream: string;
  readonly endpoint: string;
  readonly epoch: number;
  readonly highest: number;
  readonly highestAt: number;
  readonly generation: number;
  /** Rows up to this generation may be of a life before, although no other was proven; -1 for none. */
  readonly doubtUpTo: number;
  /** Every handle that was announced in the epoch. */
  readonly announced: readonly Page[];
  readonly owned: readonly Owned[];
};

export type OwnershipStore = {
  /** What an earlier run left behind, by upstream. */
  readonly restored: ReadonlyMap<string, Restored>;
  /** Set when what was there could not be read and was moved aside: its new path. */
  readonly movedAside: string | undefined;
  /** Milliseconds since the store was last written, when that was in the same boot of this machine; else undefined. */
  readonly downtime: number | undefined;
  /** The journal's index up to which every finished handle has been removed here. */
  readonly mark: number;
  /** Resolves when the row is on disk. Rejects with StoreFailed; then it may still reach the disk later. */
  readonly put: (row: Row) => Promise<void>;
  /** Resolves when no row of the handle up to this generation is on disk. Rejects with StoreFailed, and is tried again all the same. */
  readonly remove: (upstream: string, handle: number, generation: number) => Promise<void>;
  /**
   * Resolves when the epoch has begun on disk and everything of earlier ones is gone, but for rows from the generation `keepFrom` on, which go over to it.
   * Rejects likewise, and is tried again all the same.
   */
  readonly beginEpoch: (upstream: string, epoch: number, endpoint: string, keepFrom?: number) => Promise<void>;
  /**
   * The handle was announced in this epoch, when this generation had been reached: written with the next commit, and
   * tried again until it is.
   */
  readonly announced: (upstream: string, epoch: number, handle: number, generation: number) => void;
  /**
   * Resolves when it is on disk that rows up to this generation may be of a life before. Rejects with StoreFailed, and is
   * tried again all the same.
   */
  readonly doubt: (upstream: string, generation: number) => Promise<void>;
  readonly byAttempt: (upstream: string, attempt: string) => Promise<number | undefined>;
  /** Removals and epochs that have failed and are still to be written. */
  readonly pending: () => number;
  /** Writes that the gateway is alive, for `downtime`. */
  readonly touch: () => void;
  /** Commits what waits. */
  readonly close: () => Promise<void>;
};

export type StoreOptions = {
  /** The journal's index below which every outcome has been applied here, asked as a commit is put together. */
  readonly mark?: (() => number) | undefined;
  /** What does the writing; a thread with SQLite when left out. */
  readonly thread?: StoreThread | undefined;
};

/** As much of a worker as is used. It takes orders and sends news; the first of them is `opened`. */
export type StoreThread = Pick<Worker, "postMessage" | "terminate" | "on" | "once" | "off">;

export class StoreFailed extends Error {
  override readonly name = "StoreFailed";
}

export type Change =
  | { readonly do: "put"; readonly row: Row }
  | { readonly do: "remove"; readonly upstream: string; readonly handle: number; readonly generation: number }
  | {
      readonly do: "epoch";
      readonly upstream: string;
      readonly epoch: number;
      readonly endpoint: string;
      readonly keepFrom: number | undefined;
    }
  | { readonly do: "doubt"; readonly upstream: string; readonly generation: number }
  | {
      readonly do: "announced";
      readonly upstream: string;
      readonly epoch: number;
      readonly handle: number;
      readonly generation: number;
    };

export type Lasting = Exclude<Change, { do: "put" }>;

export type Order =
  | { readonly kind: "commit"; readonly changes: readonly Change[]; readonly mark: number }
  | { readonly kind: "attempt"; readonly id: number; readonly upstream: string; readonly attempt: string }
  | { readonly kind: "close" };

export type News =
  | {
      readonly kind: "opened";
      readonly restored: readonly Restored[];
      readonly movedAside: string | undefined;
      readonly downtime: number | undefined;
      readonly mark: number;
    }
  | { readonly kind: "committed"; readonly failed: string | undefined }
  | { readonly kind: "attempt"; readonly id: number; readonly handle: number | undefined }
  | { readonly kind: "closed" };

/** A write that waits longer has failed for whoever waits: OCS does not wait for ever either. */
const PATIENCE_MS = 2000;
/** Rows that may wait for a disk that hangs. */
const MAX_WAITING = 50_000;
const CLOSE_MS = 5000;
/** So long after a failure what must be written is tried again. */
const AGAIN_MS = 500;
/** Questions that may wait likewise. */
const MAX_ASKED = 10_000;

/** Changes that share one commit, and one promise. */
class Batch {
  readonly rows: Change[] = [];
  /** By what they are about: a later one stands for an earlier one. */
  readonly lasting = new Map<string, Lasting>();
  readonly #settled = Promise.withResolvers<void>();
  #timer: NodeJS.Timeout | undefined;
  /** Whoever waited for it was told that it failed; it may still be written. */
  isLate = false;

  constructor() {
    this.#settled.promise.catch(() => undefined);
  }

  get done(): Promise<void> {
    return this.#settled.promise;
  }

  get isEmpty(): boolean {
    return this.rows.length === 0 && this.lasting.size === 0;
  }

  get changes(): Change[] {
    const lasting = [...this.lasting.values()];
    // A removal is of the rows in front of it too: its generation says of which. What was announced in an epoch comes
    // after the epoch, also where that has failed once and was added to what came since.
    return [...this.rows, ...lasting.filter(isEpoch), ...lasting.filter((change) => !isEpoch(change))];
  }

  add(change: Change): void {
    if (change.do === "put") this.rows.push(change);
    else this.keep(change);
    this.#timer ??= setTimeout(() => this.#giveUp(), PATIENCE_MS);
  }

  /** What has to be written whoever waits for it. */
  keep(change: Lasting): void {
    const key =
      "handle" in change ? `${change.do} ${change.handle} ${change.upstream}` : `${change.do} ${change.upstream}`;
    const known = this.lasting.get(key);
    if (known === undefined || !isLater(known, change)) this.lasting.set(key, change);
  }

  #giveUp(): void {
    this.isLate = true;
    this.fail(new StoreFailed(`the disk did not answer within ${PATIENCE_MS} ms`));
  }

  succeed(): void {
    clearTimeout(this.#timer);
    this.#settled.resolve();
  }

  fail(reason: StoreFailed): void {
    clearTimeout(this.#timer);
    this.#settled.reject(reason);
  }
}

const isEpoch = (change: Lasting): boolean => change.do === "epoch";

/** Of two changes about the same thing. One that failed is added again to what came since, and must not undo it. */
const isLater = (one: Lasting, other: Lasting): boolean => {
  const [epoch, generation] = orderOf(one);
  const [otherEpoch, otherGeneration] = orderOf(other);
  return epoch === otherEpoch ? generation > otherGeneration : epoch > otherEpoch;
};

const orderOf = (change: Lasting): readonly [epoch: number, generation: number] => [
  "epoch" in change ? change.epoch : 0,
  "generation" in change ? change.generation : 0,
];

/** Rejects when the file cannot be had: what is damaged is moved aside, what is locked or has no room is not. */
export const openOwnershipStore = (file: string, options: StoreOptions = {}): Promise<OwnershipStore> =>
  new Promise((resolve, reject) => {
    const worker: StoreThread =
      options.thread ??
      new Worker(new URL("./store-worker.ts", import.meta.url), { workerData: file, name: "ownership", execArgv: [] });
    worker.once("error", reject).once("message", (news: News) => {
      worker.off("error", reject);
      if (news.kind === "opened") resolve(new SqliteStore(worker, news, options));
    });
  });

class SqliteStore implements OwnershipStore {
  readonly restored: ReadonlyMap<string, Restored>;
  readonly movedAside: string | undefined;
  readonly downtime: number | undefined;
  readonly mark: number;
  readonly #worker: StoreThread;
  readonly #markNow: () => number;
  readonly #questions = new Map<number, (handle: number | undefined) => void>();
  #filling = new Batch();
  #committing: Batch | undefined;
  #again: NodeJS.Timeout | undefined;
  #hasFailed = false;
  #isDue = false;
  #asked = 0;
  #closed = Promise.withResolvers<void>();
  #failed: StoreFailed | undefined;

  constructor(
    worker: StoreThread,
    { restored, movedAside, downtime, mark }: Extract<News, { kind: "opened" }>,
    options: StoreOptions,
  ) {
    this.restored = new Map(restored.map((each) => [each.upstream, each]));
    [this.movedAside, this.downtime, this.mark] = [movedAside, downtime, mark];
    this.#worker = worker;
    this.#markNow = options.mark ?? (() => mark);
    worker.on("message", (news: News) => this.#hear(news));
    worker.on("error", (error) => this.#end(error.message)).on("exit", () => this.#end("the thread has ended"));
  }

  readonly put = (row: Row): Promise<void> => {
    if (this.#filling.rows.length >= MAX_WAITING)
      return Promise.reject(new StoreFailed("more waits for the disk than it can take"));
    return this.#change({ do: "put", row });
  };

  readonly remove = (upstream: string, handle: number, generation: number): Promise<void> =>
    this.#change({ do: "remove", upstream, handle, generation });

  readonly beginEpoch = (upstream: string, epoch: number, endpoint: string, keepFrom?: number): Promise<void> =>
    this.#change({ do: "epoch", upstream, epoch, endpoint, keepFrom });

  readonly doubt = (upstream: string, generation: number): Promise<void> =>
    this.#change({ do: "doubt", upstream, generation });

  readonly announced = (upstream: string, epoch: number, handle: number, generation: number): void => {
    if (this.#failed) return;
    this.#filling.keep({ do: "announced", upstream, epoch, handle, generation });
    this.#commitSoon();
  };

  readonly byAttempt = (upstream: string, attempt: string): Promise<number | undefined> => {
    if (this.#failed || this.#questions.size >= MAX_ASKED) return Promise.resolve(undefined);
    const id = ++this.#asked;
    this.#tell({ kind: "attempt", id, upstream, attempt });
    return new Promise((resolve) => this.#questions.set(id, resolve));
  };

  readonly pending = (): number =>
    this.#hasFailed || this.#filling.isLate || this.#committing?.isLate === true
      ? this.#filling.lasting.size + (this.#committing?.lasting.size ?? 0)
      : 0;

  readonly touch = (): void => {
    if (!this.#committing && this.#filling.isEmpty && !this.#failed) this.#commit(true);
  };

  readonly close = async (): Promise<void> => {
    clearTimeout(this.#again);
    this.#commit(true);
    const giveUp = (): void => this.#end("the disk did not answer while the store was closed");
    // Also for a change that no caller waits for: the commit itself may hang.
    const timer = setTimeout(giveUp, CLOSE_MS);
    while (this.#committing && !this.#failed) await this.#committing.done.catch(giveUp);
    if (!this.#failed) {
      this.#tell({ kind: "close" });
      await this.#closed.promise;
    }
    clearTimeout(timer);
    this.#end("the store is closed");
    await this.#worker.terminate();
  };

  #change(change: Change): Promise<void> {
    if (this.#failed) return Promise.reject(this.#failed);
    const { done } = this.#filling;
    this.#filling.add(change);
    this.#commitSoon();
    return done;
  }

  /** After the turn, so that all that came in one turn of the event loop go together. */
  #commitSoon(): void {
    if (this.#committing || this.#isDue) return;
    this.#isDue = true;
    setImmediate(() => {
      this.#isDue = false;
      this.#commit();
    });
  }

  #commit(evenEmpty = false): void {
    if (this.#committing || this.#failed || (this.#filling.isEmpty && !evenEmpty)) return;
    this.#committing = this.#filling;
    this.#filling = new Batch();
    this.#tell({ kind: "commit", changes: this.#committing.changes, mark: this.#markNow() });
  }

  #tell(order: Order): void {
    this.#worker.postMessage(order);
  }

  #hear(news: News): void {
    if (news.kind === "closed") this.#closed.resolve();
    if (news.kind === "attempt") {
      this.#questions.get(news.id)?.(news.handle);
      this.#questions.delete(news.id);
    }
    if (news.kind === "committed") this.#committed(news.failed);
  }

  #committed(failed: string | undefined): void {
    const batch = this.#committing!;
    this.#committing = undefined;
    if (failed === undefined) {
      this.#hasFailed = false;
      batch.succeed();
      return this.#commit();
    }
    const isOver = this.#filling.rows.length === 0;
    for (const change of batch.lasting.values()) this.#filling.keep(change);
    this.#hasFailed = this.#filling.lasting.size > 0;
    batch.fail(new StoreFailed(failed));
    if (!isOver) return this.#commit();
    clearTimeout(this.#again);
    this.#again = setTimeout(() => this.#commit(), AGAIN_MS).unref();
  }

  #end(reason: string): void {
    this.#failed ??= new StoreFailed(reason);
    this.#closed.resolve();
    clearTimeout(this.#again);
    this.#committing?.fail(this.#failed);
    this.#filling.fail(this.#failed);
    for (const answer of this.#questions.values()) answer(undefined);
    this.#questions.clear();
  }
}
