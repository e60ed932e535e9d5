/**
 * The ownership store in memory, held to the contract of the real one by test/tenants/ownership/store-contract.ts. Its file outlives the process
 * that writes it. A commit can be refused (locked), fail (full), or take longer than anybody waits and succeed all the same (slow).
 */
import { StoreFailed, type Change, type OwnershipStore, type Restored, type Row } from "../../src/tenants/ownership/store.ts";
import type { Random } from "./random.ts";
import type { Owner, Scheduler } from "./scheduler.ts";

export type StoreFault = "locked" | "full" | "slow";

type Epoch = { readonly number: number; readonly endpoint: string };

const PATIENCE_MS = 2000;
const SLOW_MS = { least: 500, most: 6000 };

type Batch = { readonly changes: Change[]; readonly waiting: PromiseWithResolvers<void>[]; timer: NodeJS.Timeout | undefined };

/** What is on disk. */
export class StoreFile {
  fault: StoreFault | undefined;
  readonly rows = new Map<string, Row>();
  readonly epochs = new Map<string, Epoch>();

  restored(): Map<string, Restored> {
    return new Map([...this.epochs].map(([upstream, { endpoint }]) => [upstream, {
      upstream, endpoint,
      owned: [...this.rows.values()].filter((row) => row.upstream === upstream).toSorted((one, other) => one.since - other.since).map(({ handle, tenant, since }) => [handle, tenant, since] as const),
    }]));
  }

  apply(change: Change): void {
    if (change.do === "put") this.rows.set(keyOf(change.row.upstream, change.row.handle), change.row);
    else if (change.do === "forget") this.rows.delete(keyOf(change.upstream, change.handle));
    else {
      for (const [key, { upstream }] of this.rows) if (upstream === change.upstream) this.rows.delete(key);
      this.epochs.set(change.upstream, { number: (this.epochs.get(change.upstream)?.number ?? 0) + 1, endpoint: change.endpoint });
    }
  }
}

const keyOf = (upstream: string, handle: number): string => `${upstream}/${handle}`;

export class SimStore implements OwnershipStore {
  readonly restored: ReadonlyMap<string, Restored>;
  readonly putAside = undefined;
  readonly #file: StoreFile;
  readonly #parts: { readonly scheduler: Scheduler; readonly random: Random; readonly owner: Owner };
  #filling: Batch = emptyBatch();
  #isCommitting = false;
  #isClosed = false;

  constructor(file: StoreFile, parts: { readonly scheduler: Scheduler; readonly random: Random; readonly owner: Owner }) {
    [this.#file, this.#parts] = [file, parts];
    this.restored = file.restored();
  }

  readonly put = (row: Row): Promise<void> => this.#change({ do: "put", row });

  readonly forget = (upstream: string, handle: number): void => {
    this.#change({ do: "forget", upstream, handle }).catch(() => undefined);
  };

  readonly beginEpoch = (upstream: string, endpoint: string): Promise<void> => this.#change({ do: "epoch", upstream, endpoint });

  readonly byAttempt = (upstream: string, attempt: string): Promise<number | undefined> => new Promise((resolve) => {
    this.#outside(() => resolve([...this.#file.rows.values()].find((row) => row.upstream === upstream && row.attempt === attempt)?.handle));
  });

  readonly close = async (): Promise<void> => {
    this.#isClosed = true;
    while (this.#isCommitting || this.#filling.changes.length > 0) await new Promise((resolve) => setTimeout(resolve, 5));
  };

  #change(change: Change): Promise<void> {
    if (this.#isClosed) return Promise.reject(new StoreFailed("the store is closed"));
    const waits = Promise.withResolvers<void>();
    const batch = this.#filling;
    batch.changes.push(change);
    batch.waiting.push(waits);
    batch.timer ??= setTimeout(() => fail(batch, `the disk did not answer within ${PATIENCE_MS} ms`), PATIENCE_MS);
    if (batch.changes.length === 1 && !this.#isCommitting) setImmediate(() => this.#commit());
    return waits.promise;
  }

  #commit(): void {
    if (this.#isCommitting || this.#filling.changes.length === 0) return;
    const batch = this.#filling;
    this.#filling = emptyBatch();
    this.#isCommitting = true;
    const { fault } = this.#file;
    const { random } = this.#parts;
    const takes = fault === "slow" ? random.between(SLOW_MS.least, SLOW_MS.most) : fault === "locked" ? random.between(900, 1100) : random.latency(0.4, 8);
    this.#outside(() => this.#end(batch), takes);
  }

  #end(batch: Batch): void {
    this.#isCommitting = false;
    const { fault } = this.#file;
    clearTimeout(batch.timer);
    if (fault === "locked" || fault === "full") fail(batch, fault === "locked" ? "database is locked" : "database or disk is full");
    else {
      for (const change of batch.changes) this.#file.apply(change);
      this.#outside(() => batch.waiting.forEach(({ resolve }) => resolve()), this.#parts.random.between(0, 0.5));
    }
    this.#commit();
  }

  #outside(run: () => void, delay = this.#parts.random.latency(0.2, 3)): void {
    this.#parts.scheduler.outside(delay, run, this.#parts.owner);
  }
}

const emptyBatch = (): Batch => ({ changes: [], waiting: [], timer: undefined });

const fail = (batch: Batch, reason: string): void => {
  clearTimeout(batch.timer);
  for (const { reject } of batch.waiting) reject(new StoreFailed(reason));
};
