/**
 * Keys on this machine's disk: SQLite in its own thread, so that a hanging disk delays only requests with a key. Claims
 * and ends of one turn of the event loop, and those that arrive during a commit, share a commit.
 */
import { Worker } from "node:worker_threads";
import {
  KeysUnavailable,
  type KeyEnd,
  type KeyStore,
  type NewKey,
  type RunningKey,
  type StoreClaim,
} from "../types.ts";
import { MOST_EXPIRED } from "./key-table.ts";
import type { Expiry, ThreadData, ThreadReply, ThreadRequest } from "./messages.ts";

/** After this time a claim fails for its client, and the reply to a request no longer waits for its end. */
const TIMEOUT_MS = 2000;
const RETRY_MS = 500;
const CLOSE_MS = 5000;
/** Claims that wait for the disk. */
const MOST_WAITING = 10_000;

export type KeyThread = Pick<Worker, "postMessage" | "terminate" | "on" | "once" | "off">;

export type SqliteKeysOptions = ThreadData & { readonly thread?: KeyThread | undefined };

type Claiming = {
  readonly key: NewKey;
  readonly resolve: (claim: StoreClaim) => void;
  readonly reject: (error: KeysUnavailable) => void;
  isLate: boolean;
};
type Ending = { readonly end: KeyEnd; readonly stored: PromiseWithResolvers<true> };
type Expiring = { readonly expiry: Expiry; readonly done: PromiseWithResolvers<number> };
type Batch = {
  readonly claims: readonly Claiming[];
  readonly ends: ReadonlyMap<string, Ending>;
  readonly expiring: Expiring | undefined;
};

/** Rejects with the error for a file that cannot be opened. */
export const openSqliteKeys = ({ thread: given, ...workerData }: SqliteKeysOptions): Promise<SqliteKeys> =>
  new Promise((resolve, reject) => {
    const url = new URL("./store-worker.ts", import.meta.url);
    const thread: KeyThread = given ?? new Worker(url, { workerData, name: "idempotency", execArgv: [] });
    thread.once("error", reject).once("message", (reply: ThreadReply) => {
      thread.off("error", reject);
      if (reply.kind === "opened") resolve(new SqliteKeys(thread, reply.running));
    });
  });

export class SqliteKeys implements KeyStore {
  readonly running: readonly RunningKey[];
  readonly #thread: KeyThread;
  readonly #threadClosed = Promise.withResolvers<void>();
  #claims: Claiming[] = [];
  /** By request id; the first end of a request counts. Those of a failed commit are sent again. */
  readonly #ends = new Map<string, Ending>();
  #expiring: Expiring | undefined;
  #batch: Batch | undefined;
  /** Set while a commit is due. */
  #isScheduled = false;
  #retry: NodeJS.Timeout | undefined;
  #ended: string | undefined;

  constructor(thread: KeyThread, running: readonly RunningKey[]) {
    [this.#thread, this.running] = [thread, running];
    thread.on("message", (reply: ThreadReply) => this.#onReply(reply));
    thread.on("error", (error) => this.#end(error.message)).on("exit", () => this.#end("the thread has ended"));
  }

  readonly claim = (key: NewKey): Promise<StoreClaim> => {
    if (this.#ended !== undefined) return Promise.reject(new KeysUnavailable(this.#ended));
    if (this.#claims.length >= MOST_WAITING)
      return Promise.reject(new KeysUnavailable("too many requests with a key wait for the disk"));
    const { promise, resolve, reject } = Promise.withResolvers<StoreClaim>();
    const claiming: Claiming = { key, resolve, reject, isLate: false };
    const timer = setTimeout(() => {
      claiming.isLate = true;
      reject(new KeysUnavailable(`the disk did not answer within ${TIMEOUT_MS} ms`));
    }, TIMEOUT_MS);
    this.#claims.push(claiming);
    this.#schedule();
    return promise.finally(() => clearTimeout(timer));
  };

  readonly settle = async (id: string, end: KeyEnd): Promise<boolean> => {
    let ending = this.#ends.get(id) ?? this.#batch?.ends.get(id);
    if (!ending) {
      this.#ends.set(id, (ending = { end, stored: Promise.withResolvers<true>() }));
      this.#schedule();
    }
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<false>((resolve) => (timer = setTimeout(() => resolve(false), TIMEOUT_MS)));
    const isStored = await Promise.race([ending.stored.promise, late]);
    clearTimeout(timer);
    return isStored;
  };

  readonly expire = async (before: number, latest: number | undefined): Promise<number> => {
    let sum = 0;
    for (let gone = MOST_EXPIRED; gone === MOST_EXPIRED && this.#ended === undefined; sum += gone) {
      this.#expiring = { expiry: { before, latest }, done: Promise.withResolvers<number>() };
      const { done } = this.#expiring;
      this.#schedule();
      gone = await done.promise;
    }
    return sum;
  };

  readonly pending = (): number => this.#ends.size + (this.#batch?.ends.size ?? 0);

  readonly close = async (): Promise<void> => {
    const until = performance.now() + CLOSE_MS;
    while (this.#ended === undefined && performance.now() < until && (this.#batch || this.pending() > 0)) {
      this.#schedule();
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    if (this.#ended === undefined && !this.#batch) {
      this.#send({ kind: "close" });
      await this.#threadClosed.promise;
    }
    this.#end("the store of idempotency keys is closed");
    await this.#thread.terminate();
  };

  /** Commits after this turn of the event loop. */
  #schedule(): void {
    if (this.#isScheduled || this.#batch || this.#ended !== undefined) return;
    this.#isScheduled = true;
    setImmediate(() => {
      this.#isScheduled = false;
      this.#commit();
    });
  }

  #commit(): void {
    if (this.#batch || this.#ended !== undefined) return;
    clearTimeout(this.#retry);
    const claims = this.#claims.splice(0).filter(({ isLate }) => !isLate);
    const ends = new Map(this.#ends);
    this.#ends.clear();
    this.#batch = { claims, ends, expiring: this.#expiring };
    this.#expiring = undefined;
    this.#send({
      kind: "commit",
      ends: [...ends].map(([id, { end }]) => [id, end]),
      claims: claims.map(({ key }) => key),
      expire: this.#batch.expiring?.expiry,
    });
  }

  #onReply(reply: ThreadReply): void {
    if (reply.kind === "closed") this.#threadClosed.resolve();
    if (reply.kind !== "committed" || !this.#batch) return;
    const batch = this.#batch;
    this.#batch = undefined;
    if (reply.failed === undefined) this.#succeed(batch, reply);
    else this.#fail(batch, reply.failed);
    if (this.#claims.length > 0 || this.#expiring) this.#schedule();
    else if (this.#ends.size > 0 && reply.failed === undefined) this.#schedule();
    else if (this.#ends.size > 0) this.#retry = setTimeout(() => this.#schedule(), RETRY_MS).unref();
  }

  #succeed({ claims, ends, expiring }: Batch, reply: Extract<ThreadReply, { kind: "committed" }>): void {
    for (const { stored } of ends.values()) stored.resolve(true);
    expiring?.done.resolve(reply.expired);
    for (const [place, claiming] of claims.entries()) {
      const claim = reply.claims[place]!;
      // Its client was refused meanwhile, so nothing was sent.
      if (claiming.isLate && claim.kind === "claimed") void this.settle(claiming.key.id, { state: "free" });
      else claiming.resolve(claim);
    }
  }

  #fail({ claims, ends, expiring }: Batch, why: string): void {
    for (const [id, ending] of ends) this.#ends.set(id, ending);
    expiring?.done.resolve(0);
    for (const { reject } of claims) reject(new KeysUnavailable(why));
  }

  #send(request: ThreadRequest): void {
    this.#thread.postMessage(request);
  }

  #end(why: string): void {
    if (this.#ended !== undefined) return;
    this.#ended = why;
    clearTimeout(this.#retry);
    this.#threadClosed.resolve();
    const batch = this.#batch;
    this.#batch = undefined;
    if (batch) this.#fail(batch, why);
    for (const { reject } of this.#claims.splice(0)) reject(new KeysUnavailable(why));
    this.#expiring?.done.resolve(0);
  }
}
