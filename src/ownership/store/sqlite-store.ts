/**
 * The queue of the store's thread. Changes that arrive during a commit share the next one. A removal, epoch or doubt
 * that could not be committed is retried until it is on disk.
 */
import { Batch } from "./batch.ts";
import type { StoreChange, ThreadReply, ThreadRequest } from "./messages.ts";
import {
  StoreFailed,
  type OwnershipRow,
  type OwnershipStore,
  type RestoredUpstream,
  type StoreOptions,
  type StoreThread,
} from "./types.ts";

/** Maximum rows queued while the disk hangs. */
const MAX_ROWS = 50_000;
/** Maximum unanswered queries. */
const MAX_QUESTIONS = 10_000;
const CLOSE_MS = 5000;
const RETRY_MS = 500;

/**
 * `scheduled`: the queued changes are committed after this turn of the event loop. `committing`: the thread has the
 * batch. `retrying`: the last commit failed, and the queued changes are committed when the timer fires. `ended`: every
 * change is rejected with the reason.
 *
 * idle → scheduled → committing → idle, scheduled by the next change; committing → committing while changes are queued;
 * committing → retrying → committing after a failure; any → ended.
 */
type State =
  | { readonly name: "idle" | "scheduled" }
  | { readonly name: "committing"; readonly batch: Batch }
  | { readonly name: "retrying"; readonly timer: NodeJS.Timeout }
  | { readonly name: "ended"; readonly reason: StoreFailed };

const IDLE: State = { name: "idle" };
const SCHEDULED: State = { name: "scheduled" };

export class SqliteStore implements OwnershipStore {
  readonly restored: ReadonlyMap<string, RestoredUpstream>;
  readonly movedAside: string | undefined;
  readonly downtime: number | undefined;
  readonly mark: number;
  readonly #thread: StoreThread;
  readonly #markNow: () => number;
  readonly #questions = new Map<number, (handle: number | undefined) => void>();
  readonly #threadClosed = Promise.withResolvers<void>();
  #state: State = IDLE;
  #queued = new Batch();
  /** True while changes of a failed commit are not written yet. */
  #isBehind = false;
  #lastQuestion = 0;

  constructor(
    thread: StoreThread,
    { restored, movedAside, downtime, mark }: Extract<ThreadReply, { kind: "opened" }>,
    options: StoreOptions,
  ) {
    this.restored = new Map(restored.map((each) => [each.upstream, each]));
    [this.movedAside, this.downtime, this.mark] = [movedAside, downtime, mark];
    this.#thread = thread;
    this.#markNow = options.mark ?? (() => mark);
    thread.on("message", (reply: ThreadReply) => this.#onReply(reply));
    thread.on("error", (error) => this.#end(error.message)).on("exit", () => this.#end("the thread has ended"));
  }

  readonly put = (row: OwnershipRow): Promise<void> =>
    this.#queued.rows.length >= MAX_ROWS
      ? Promise.reject(new StoreFailed("too many changes are queued for the disk"))
      : this.#change({ do: "put", row });

  readonly remove = (upstream: string, handle: number, generation: number): Promise<void> =>
    this.#change({ do: "remove", upstream, handle, generation });

  readonly beginEpoch = (upstream: string, epoch: number, endpoint: string, keepFrom?: number): Promise<void> =>
    this.#change({ do: "epoch", upstream, epoch, endpoint, keepFrom });

  readonly doubt = (upstream: string, generation: number): Promise<void> =>
    this.#change({ do: "doubt", upstream, generation });

  readonly announced = (upstream: string, epoch: number, handle: number, generation: number): void => {
    if (this.#state.name === "ended") return;
    this.#queued.addRetried({ do: "announced", upstream, epoch, handle, generation });
    this.#schedule();
  };

  readonly byAttempt = (upstream: string, attempt: string): Promise<number | undefined> => {
    if (this.#state.name === "ended" || this.#questions.size >= MAX_QUESTIONS) return Promise.resolve(undefined);
    const id = ++this.#lastQuestion;
    this.#send({ kind: "attempt", id, upstream, attempt });
    return new Promise((resolve) => this.#questions.set(id, resolve));
  };

  readonly pending = (): number => {
    const committing = this.#state.name === "committing" ? this.#state.batch : undefined;
    return this.#isBehind || this.#queued.isLate || committing?.isLate === true
      ? this.#queued.retried.size + (committing?.retried.size ?? 0)
      : 0;
  };

  readonly touch = (): void => {
    if (this.#state.name === "idle") this.#commit();
  };

  readonly close = async (): Promise<void> => {
    if (this.#state.name !== "committing") this.#commit();
    const giveUp = (): void => this.#end("the disk did not answer while the store was closed");
    // The commit may hang even if no caller waits for one of its changes.
    const timer = setTimeout(giveUp, CLOSE_MS);
    while (this.#state.name === "committing") await this.#state.batch.done.catch(giveUp);
    if (this.#state.name !== "ended") {
      this.#send({ kind: "close" });
      await this.#threadClosed.promise;
    }
    clearTimeout(timer);
    this.#end("the store is closed");
    await this.#thread.terminate();
  };

  #change(change: StoreChange): Promise<void> {
    if (this.#state.name === "ended") return Promise.reject(this.#state.reason);
    const { done } = this.#queued;
    this.#queued.add(change);
    this.#schedule();
    return done;
  }

  /** Commits after this iteration of the event loop, so that all its changes share a commit. */
  #schedule(): void {
    if (this.#state.name !== "idle" && this.#state.name !== "retrying") return;
    this.#enter(SCHEDULED);
    setImmediate(() => this.#state.name === "scheduled" && this.#commit());
  }

  #commit(): void {
    if (this.#state.name === "ended") return;
    const batch = this.#queued;
    this.#queued = new Batch();
    this.#enter({ name: "committing", batch });
    this.#send({ kind: "commit", changes: batch.changes, mark: this.#markNow() });
  }

  #onReply(reply: ThreadReply): void {
    if (reply.kind === "closed") this.#threadClosed.resolve();
    if (reply.kind === "attempt") {
      this.#questions.get(reply.id)?.(reply.handle);
      this.#questions.delete(reply.id);
    }
    if (reply.kind === "committed" && this.#state.name === "committing")
      this.#onCommitted(this.#state.batch, reply.failed);
  }

  #onCommitted(batch: Batch, failed: string | undefined): void {
    const isUrgent = failed === undefined ? !this.#queued.isEmpty : this.#queued.rows.length > 0;
    if (failed === undefined) {
      this.#isBehind = false;
      batch.succeed();
    } else {
      for (const change of batch.retried.values()) this.#queued.addRetried(change);
      this.#isBehind = this.#queued.retried.size > 0;
      batch.fail(new StoreFailed(failed));
    }
    if (isUrgent) return this.#commit();
    if (this.#queued.isEmpty) return this.#enter(IDLE);
    this.#enter({ name: "retrying", timer: setTimeout(() => this.#commit(), RETRY_MS).unref() });
  }

  /** The only place that changes `#state`. */
  #enter(next: State): void {
    if (this.#state.name === "retrying") clearTimeout(this.#state.timer);
    this.#state = next;
  }

  #send(request: ThreadRequest): void {
    this.#thread.postMessage(request);
  }

  #end(why: string): void {
    if (this.#state.name === "ended") return;
    const reason = new StoreFailed(why);
    if (this.#state.name === "committing") {
      const { batch } = this.#state;
      for (const change of batch.retried.values()) this.#queued.addRetried(change);
      this.#isBehind ||= batch.isLate;
      batch.fail(reason);
    }
    this.#enter({ name: "ended", reason });
    this.#threadClosed.resolve();
    this.#queued.fail(reason);
    for (const answer of this.#questions.values()) answer(undefined);
    this.#questions.clear();
  }
}
