/**
 * Ownership on disk, so that it outlives the process: SQLite in a thread of its own, because a disk that hangs must stop nobody but those who
 * wait for it. All writes that came while one commit was under way share the next. Handles are facts of OCS, tenants are DBIDs, a phone is
 * only ever its token.
 */
import { Worker } from "node:worker_threads";

export type Row = {
  readonly upstream: string;
  readonly handle: number;
  /** DBID. */
  readonly tenant: number;
  /** Seconds since 1970. */
  readonly since: number;
  readonly campaign: string | null;
  /** A campaign group's DBID or name, as it was said. */
  readonly group: string | null;
  readonly list: string | null;
  /** A token (`t1:…`), never a number. */
  readonly phone: string | null;
  /** GSW_CALL_ATTEMPT_GUID, by which a call report may name the record. */
  readonly attempt: string | null;
};

/** An epoch that was under way, with what was owned in it, from the oldest to the youngest. */
export type Restored = { readonly upstream: string; readonly endpoint: string; readonly owned: readonly (readonly [handle: number, tenant: number, since: number])[] };

export type OwnershipStore = {
  /** What an earlier run left behind, by upstream. */
  readonly restored: ReadonlyMap<string, Restored>;
  /** Set when what was there could not be read and was put aside: its new path. */
  readonly putAside: string | undefined;
  /** Resolves when the row is on disk. Rejects with StoreFailed. */
  readonly put: (row: Row) => Promise<void>;
  /** With the next commit. */
  readonly forget: (upstream: string, handle: number) => void;
  /** Resolves when everything of the upstream is void and the epoch of this endpoint has begun. */
  readonly beginEpoch: (upstream: string, endpoint: string) => Promise<void>;
  readonly byAttempt: (upstream: string, attempt: string) => Promise<number | undefined>;
  /** Commits what waits. */
  readonly close: () => Promise<void>;
};

export class StoreFailed extends Error {
  override readonly name = "StoreFailed";
}

export type Change =
  | { readonly do: "put"; readonly row: Row }
  | { readonly do: "forget"; readonly upstream: string; readonly handle: number }
  | { readonly do: "epoch"; readonly upstream: string; readonly endpoint: string };

export type Order =
  | { readonly kind: "commit"; readonly changes: readonly Change[] }
  | { readonly kind: "attempt"; readonly id: number; readonly upstream: string; readonly attempt: string }
  | { readonly kind: "close" };

export type News =
  | { readonly kind: "opened"; readonly restored: readonly Restored[]; readonly putAside: string | undefined }
  | { readonly kind: "committed"; readonly failed: string | undefined }
  | { readonly kind: "attempt"; readonly id: number; readonly handle: number | undefined }
  | { readonly kind: "closed" };

/** A write that waits longer has failed for whoever waits: OCS does not wait for ever either. */
const PATIENCE_MS = 2000;
/** Changes that may wait for a disk that hangs. */
const MAX_WAITING = 50_000;
const CLOSE_MS = 5000;

/** Questions that may wait likewise. */
const MAX_ASKED = 10_000;

/** Changes that share one commit, and one promise. */
class Batch {
  readonly changes: Change[] = [];
  readonly #settled = Promise.withResolvers<void>();
  #timer: NodeJS.Timeout | undefined;

  constructor() {
    this.#settled.promise.catch(() => undefined);
  }

  get done(): Promise<void> {
    return this.#settled.promise;
  }

  add(change: Change): void {
    this.changes.push(change);
    this.#timer ??= setTimeout(() => this.fail(new StoreFailed(`the disk did not answer within ${PATIENCE_MS} ms`)), PATIENCE_MS);
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

/** Rejects when the file cannot be had: what is damaged is put aside, what is locked or has no room is not. */
export const openOwnershipStore = (file: string): Promise<OwnershipStore> =>
  new Promise((resolve, reject) => {
    const worker = new Worker(new URL("./store-worker.ts", import.meta.url), { workerData: file, name: "ownership", execArgv: [] });
    worker.once("error", reject).once("message", (news: News) => {
      worker.off("error", reject);
      if (news.kind === "opened") resolve(new SqliteStore(worker, news));
    });
  });

class SqliteStore implements OwnershipStore {
  readonly restored: ReadonlyMap<string, Restored>;
  readonly putAside: string | undefined;
  readonly #worker: Worker;
  readonly #questions = new Map<number, (handle: number | undefined) => void>();
  #filling = new Batch();
  #committing: Batch | undefined;
  #asked = 0;
  #closed = Promise.withResolvers<void>();
  #failed: StoreFailed | undefined;

  constructor(worker: Worker, { restored, putAside }: Extract<News, { kind: "opened" }>) {
    this.restored = new Map(restored.map((each) => [each.upstream, each]));
    this.putAside = putAside;
    this.#worker = worker;
    worker.on("message", (news: News) => this.#hear(news)).on("error", (error) => this.#end(error.message)).on("exit", () => this.#end("the thread has ended"));
  }

  readonly put = (row: Row): Promise<void> => this.#change({ do: "put", row });

  readonly forget = (upstream: string, handle: number): void => {
    this.#change({ do: "forget", upstream, handle }).catch(() => undefined);
  };

  readonly beginEpoch = (upstream: string, endpoint: string): Promise<void> => this.#change({ do: "epoch", upstream, endpoint });

  readonly byAttempt = (upstream: string, attempt: string): Promise<number | undefined> => {
    if (this.#failed || this.#questions.size >= MAX_ASKED) return Promise.resolve(undefined);
    const id = ++this.#asked;
    this.#tell({ kind: "attempt", id, upstream, attempt });
    return new Promise((resolve) => this.#questions.set(id, resolve));
  };

  readonly close = async (): Promise<void> => {
    this.#commit();
    while (this.#committing && !this.#failed) await this.#committing.done.catch(() => this.#end("the disk did not answer while the store was closed"));
    if (!this.#failed) {
      this.#tell({ kind: "close" });
      await Promise.race([this.#closed.promise, new Promise((resolve) => setTimeout(resolve, CLOSE_MS).unref())]);
    }
    this.#end("the store is closed");
    await this.#worker.terminate();
  };

  #change(change: Change): Promise<void> {
    if (this.#failed) return Promise.reject(this.#failed);
    if (this.#filling.changes.length >= MAX_WAITING) return Promise.reject(new StoreFailed("more waits for the disk than it can take"));
    const batch = this.#filling;
    batch.add(change);
    // After the turn, so that all that came in one turn of the event loop go together.
    if (batch.changes.length === 1 && !this.#committing) setImmediate(this.#commit);
    return batch.done;
  }

  readonly #commit = (): void => {
    if (this.#committing || this.#failed || this.#filling.changes.length === 0) return;
    this.#committing = this.#filling;
    this.#filling = new Batch();
    this.#tell({ kind: "commit", changes: this.#committing.changes });
  };

  #tell(order: Order): void {
    this.#worker.postMessage(order);
  }

  #hear(news: News): void {
    if (news.kind === "closed") this.#closed.resolve();
    if (news.kind === "attempt") {
      this.#questions.get(news.id)?.(news.handle);
      this.#questions.delete(news.id);
    }
    if (news.kind === "committed") {
      const batch = this.#committing;
      this.#committing = undefined;
      this.#commit();
      if (news.failed === undefined) batch?.succeed();
      else batch?.fail(new StoreFailed(news.failed));
    }
  }

  #end(reason: string): void {
    this.#failed ??= new StoreFailed(reason);
    this.#committing?.fail(this.#failed);
    this.#filling.fail(this.#failed);
    for (const answer of this.#questions.values()) answer(undefined);
    this.#questions.clear();
  }
}
