/**
 * The queue of the outbox's thread. Changes of one turn of the event loop, and those that arrive during a commit, share
 * a commit. A new item that could not be committed fails for its client; every other change is retried.
 */
import type { Worker } from "node:worker_threads";
import type { OutboxItem } from "../item.ts";
import type { Change, ThreadReply, ThreadRequest } from "./messages.ts";
import { StoreFailed, type OutboxStore } from "./types.ts";

/** The part of Worker that is used. The thread gets requests and sends replies; the first reply is `opened`. */
export type StoreThread = Pick<Worker, "postMessage" | "terminate" | "on">;

/** After this time a new item fails for its client. */
const TIMEOUT_MS = 2000;
const RETRY_MS = 500;
const CLOSE_MS = 5000;
/** Maximum new items that wait for the disk. */
const MOST_WAITING = 10_000;

type Waiting = {
  readonly resolve: () => void;
  readonly reject: (error: Error) => void;
  readonly timer: NodeJS.Timeout;
};

export class SqliteStore implements OutboxStore {
  readonly restored: readonly OutboxItem[];
  readonly movedAside: string | undefined;
  readonly #thread: StoreThread;
  /** By id: the last change, which replaces earlier ones. */
  #queued = new Map<string, string | null>();
  #committing: ReadonlyMap<string, string | null> | undefined;
  /** New items whose clients wait, by id. */
  readonly #waiting = new Map<string, Waiting>();
  #isScheduled = false;
  #retry: NodeJS.Timeout | undefined;
  #failed: string | undefined;
  #ended: StoreFailed | undefined;
  #onIdle: (() => void) | undefined;

  constructor(thread: StoreThread, { items, movedAside }: Extract<ThreadReply, { kind: "opened" }>) {
    this.restored = items.map((text) => JSON.parse(text) as OutboxItem);
    this.movedAside = movedAside;
    this.#thread = thread;
    thread.on("message", (reply: ThreadReply) => this.#onReply(reply));
    thread
      .on("error", (error) => this.#end((error as Error).message))
      .on("exit", () => this.#end("the thread has ended"));
  }

  readonly put = (item: OutboxItem): Promise<void> =>
    new Promise((resolve, reject) => {
      if (this.#ended) return reject(this.#ended);
      if (this.#waiting.size >= MOST_WAITING) return reject(new StoreFailed("too many changes wait for the disk"));
      const timer = setTimeout(
        () => this.#fail(item.id, `the disk did not answer within ${TIMEOUT_MS} ms`),
        TIMEOUT_MS,
      );
      this.#waiting.set(item.id, { resolve, reject, timer });
      this.#change(item.id, JSON.stringify(item));
    });

  readonly save = (item: OutboxItem): void => this.#change(item.id, JSON.stringify(item));

  readonly remove = (id: string): void => this.#change(id, null);

  readonly trouble = (): string | undefined => this.#ended?.message ?? this.#failed;

  readonly close = async (): Promise<void> => {
    if (!this.#ended) {
      await this.#idle();
      this.#thread.postMessage({ kind: "close" } satisfies ThreadRequest);
    }
    this.#end("the outbox is closed");
    await this.#thread.terminate();
  };

  /** Resolves when nothing waits for the disk, or when the disk does not answer. */
  #idle(): Promise<void> {
    return new Promise((resolve) => {
      const done = (): void => {
        clearTimeout(timer);
        resolve();
      };
      const timer = setTimeout(done, CLOSE_MS);
      this.#onIdle = done;
      clearTimeout(this.#retry);
      this.#retry = undefined;
      this.#commit();
    });
  }

  #change(id: string, item: string | null): void {
    if (this.#ended) return;
    this.#queued.set(id, item);
    if (this.#isScheduled || this.#committing || (this.#retry && this.#waiting.size === 0)) return;
    this.#isScheduled = true;
    setImmediate(() => {
      this.#isScheduled = false;
      this.#commit();
    });
  }

  #commit(): void {
    if (this.#ended || this.#committing) return;
    if (this.#queued.size === 0) return this.#onIdle?.();
    clearTimeout(this.#retry);
    this.#retry = undefined;
    this.#committing = this.#queued;
    this.#queued = new Map();
    const changes: Change[] = [...this.#committing].map(([id, item]) => ({ id, item }));
    this.#thread.postMessage({ kind: "commit", changes } satisfies ThreadRequest);
  }

  #onReply(reply: ThreadReply): void {
    if (reply.kind !== "committed" || !this.#committing) return;
    const batch = this.#committing;
    this.#committing = undefined;
    this.#failed = reply.failed;
    if (reply.failed === undefined) for (const id of batch.keys()) this.#succeed(id);
    else this.#putBack(batch, reply.failed);
    if (reply.failed === undefined || this.#waiting.size > 0) return this.#commit();
    if (this.#onIdle) return this.#onIdle();
    this.#retry = setTimeout(() => this.#commit(), RETRY_MS).unref();
  }

  #putBack(batch: ReadonlyMap<string, string | null>, why: string): void {
    for (const [id, item] of batch) {
      if (this.#waiting.has(id)) this.#fail(id, why);
      else if (!this.#queued.has(id)) this.#queued.set(id, item);
    }
  }

  #succeed(id: string): void {
    const waiting = this.#waiting.get(id);
    // A new item that was committed after its timeout has none, and is deleted next.
    if (!waiting) return;
    clearTimeout(waiting.timer);
    this.#waiting.delete(id);
    waiting.resolve();
  }

  /** The client hears that the item was not accepted, so it must not be on disk, even if a late commit wrote it. */
  #fail(id: string, why: string): void {
    const waiting = this.#waiting.get(id);
    if (!waiting) return;
    clearTimeout(waiting.timer);
    this.#waiting.delete(id);
    this.#queued.set(id, null);
    waiting.reject(new StoreFailed(why));
  }

  #end(why: string): void {
    if (this.#ended) return;
    this.#ended = new StoreFailed(why);
    clearTimeout(this.#retry);
    for (const id of this.#waiting.keys()) this.#fail(id, why);
    this.#onIdle?.();
  }
}
