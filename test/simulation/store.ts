/**
 * The thread that writes ownership, simulated: the same orders and news as src/ownership/store-worker.ts,
 * whose SQLite is held to the same contract by test/ownership/store-contract.ts. Its file outlives the
 * process. A commit is whole or not there at all; the news of it may come too late.
 */
import { EventEmitter } from "node:events";
import { HandlePages } from "../../src/ownership/handles/announced-handles.ts";
import type {
  StoreChange,
  ThreadReply,
  ThreadRequest,
  RestoredUpstream,
  OwnershipRow,
  StoreThread,
} from "../../src/ownership/store/store.ts";
import type { Random } from "./random.ts";
import type { Owner, Scheduler } from "./scheduler.ts";

/**
 * `locked`: fails after SQLite's own patience. `full`: fails at once. `slow`: succeeds, often later than anybody
 * waits.
 */
export type StoreFault = "locked" | "full" | "slow";

type Epoch = {
  readonly number: number;
  readonly endpoint: string;
  readonly highest: number;
  readonly highestAt: number;
  readonly generation: number;
  readonly doubtUpTo: number;
};

/** Of an epoch that begins. */
const NOTHING = { highest: 0, highestAt: 0, generation: 0, doubtUpTo: -1 } as const;

const LOCKED_MS = 2000;
const SLOW_MS = { least: 500, most: 6000 };

/** What is on disk. */
export class StoreFile {
  fault: StoreFault | undefined;
  /** Of the machine. Another one after a power cut. */
  boot = 1;
  readonly #rows = new Map<string, OwnershipRow>();
  readonly #epochs = new Map<string, Epoch>();
  readonly #announced = new Map<string, HandlePages>();
  #alive = { boot: 0, uptime: 0, mark: 0 };

  epochOf(upstream: string): number {
    return this.#epochs.get(upstream)?.number ?? 0;
  }

  /** Rows up to this generation are in doubt; -1 for none. */
  doubtOf(upstream: string): number {
    return this.#epochs.get(upstream)?.doubtUpTo ?? -1;
  }

  restored(): RestoredUpstream[] {
    return [...this.#epochs].map(([upstream, { number, ...epoch }]) => ({
      ...epoch,
      upstream,
      epoch: number,
      announced: this.#pagesOf(upstream).pages,
      owned: [...this.#rows.values()]
        .filter((row) => row.upstream === upstream && row.epoch === number)
        .toSorted((one, other) => one.since - other.since || one.generation - other.generation)
        .map((row) => ({
          handle: row.handle,
          tenant: row.tenant,
          since: row.since,
          generation: row.generation,
          attempt: row.attempt,
          ...(row.among && { among: row.among }),
        })),
    }));
  }

  opened(uptime: number): Extract<ThreadReply, { kind: "opened" }> {
    const { boot, mark } = this.#alive;
    return {
      kind: "opened",
      restored: this.restored(),
      movedAside: undefined,
      downtime: boot === this.boot ? Math.max(0, uptime - this.#alive.uptime) : undefined,
      mark,
    };
  }

  commit({ changes, mark }: Extract<ThreadRequest, { kind: "commit" }>, uptime: number): void {
    for (const change of changes) this.#apply(change);
    this.#alive = { boot: this.boot, uptime, mark };
  }

  handleOf(upstream: string, attempt: string): number | undefined {
    for (const row of this.#rows.values()) if (row.upstream === upstream && row.attempt === attempt) return row.handle;
    return undefined;
  }

  #apply(change: StoreChange): void {
    if (change.do === "epoch") {
      const { upstream, epoch: number, endpoint, keepFrom } = change;
      return this.#begin(upstream, { ...NOTHING, number, endpoint }, keepFrom);
    }
    if (change.do === "doubt") {
      const { upstream, generation } = change;
      const epoch = this.#epochs.get(upstream);
      if (!epoch) return;
      const doubtUpTo = Math.max(epoch.doubtUpTo, generation);
      this.#epochs.set(upstream, { ...epoch, doubtUpTo });
      return;
    }
    if (change.do === "announced") {
      if (change.epoch !== this.epochOf(change.upstream)) return;
      this.#pagesOf(change.upstream).add(change.handle);
      const reached = { ...NOTHING, highest: change.handle, highestAt: change.generation };
      return this.#begin(change.upstream, { number: change.epoch, endpoint: "", ...reached });
    }
    if (change.do === "remove") {
      const row = this.#rows.get(keyOf(change));
      if (row && row.generation <= change.generation) this.#rows.delete(keyOf(change));
      return;
    }
    const { row } = change;
    this.#begin(
      row.upstream,
      {
        ...NOTHING,
        number: row.epoch,
        endpoint: row.endpoint,
        highest: row.highest,
        highestAt: row.highestAt,
        generation: row.generation,
      },
      row.keepFrom,
    );
    const known = this.#rows.get(keyOf(row));
    if (!known || row.generation >= known.generation) this.#rows.set(keyOf(row), row);
  }

  #pagesOf(upstream: string): HandlePages {
    let pages = this.#announced.get(upstream);
    if (!pages) this.#announced.set(upstream, (pages = new HandlePages()));
    return pages;
  }

  #begin(upstream: string, next: Epoch, keepFrom = Infinity): void {
    const known = this.#epochs.get(upstream);
    const generation = Math.max(known?.generation ?? 0, next.generation);
    if (!known || known.number < next.number) {
      this.#epochs.set(upstream, { ...next, generation, doubtUpTo: known?.doubtUpTo ?? -1 });
      for (const [key, row] of this.#rows) {
        if (row.upstream !== upstream || row.epoch >= next.number) continue;
        if (row.generation >= keepFrom) this.#rows.set(key, { ...row, epoch: next.number });
        else this.#rows.delete(key);
      }
      const pages = new HandlePages();
      for (const row of this.#rows.values()) if (row.upstream === upstream) pages.add(row.handle);
      this.#announced.set(upstream, pages);
      return;
    }
    const isHigher =
      known.number === next.number &&
      (next.highest > known.highest || (next.highest === known.highest && next.highestAt > known.highestAt));
    const { highest, highestAt } = isHigher ? next : known;
    this.#epochs.set(upstream, { ...known, generation, highest, highestAt });
  }
}

const keyOf = ({ upstream, handle }: { readonly upstream: string; readonly handle: number }): string =>
  `${upstream}/${handle}`;

type Parts = {
  readonly file: StoreFile;
  readonly scheduler: Pick<Scheduler, "now" | "outside">;
  readonly random: Random;
  readonly owner: Owner;
};

class SimThread extends EventEmitter {
  readonly #parts: Parts;
  readonly #orders: ThreadRequest[] = [];
  #isBusy = false;

  constructor(parts: Parts) {
    super();
    this.#parts = parts;
    const { file, scheduler, random } = parts;
    // A file that is locked cannot be opened either.
    const isLocked = file.fault === "locked";
    this.#later(isLocked ? LOCKED_MS : random.latency(2, 30), () => {
      if (isLocked && file.fault === "locked") this.emit("error", new Error("database is locked"));
      else this.emit("message", file.opened(scheduler.now) satisfies ThreadReply);
    });
  }

  postMessage(order: ThreadRequest): void {
    this.#orders.push(order);
    this.#next();
  }

  terminate(): Promise<number> {
    return Promise.resolve(0);
  }

  /** One order at a time: SQLite blocks the thread. */
  #next(): void {
    const order = this.#isBusy ? undefined : this.#orders.shift();
    if (!order) return;
    this.#isBusy = true;
    const { file, scheduler, random } = this.#parts;
    const { fault } = file;
    if (order.kind === "attempt")
      return this.#later(random.latency(0.2, 3), () =>
        this.#answer({ kind: "attempt", id: order.id, handle: file.handleOf(order.upstream, order.attempt) }),
      );
    if (order.kind === "close") return this.#later(random.latency(0.3, 3), () => this.#answer({ kind: "closed" }));
    const takes =
      fault === "slow"
        ? random.between(SLOW_MS.least, SLOW_MS.most)
        : fault === "locked"
          ? LOCKED_MS
          : random.latency(0.4, 8);
    this.#later(takes, () => {
      const failed =
        fault === "full"
          ? "database or disk is full"
          : fault === "locked" && file.fault === "locked"
            ? "database is locked"
            : undefined;
      if (failed === undefined) file.commit(order, scheduler.now);
      this.#later(random.between(0, 0.6), () => this.#answer({ kind: "committed", failed }));
    });
  }

  #answer(news: ThreadReply): void {
    this.#isBusy = false;
    this.emit("message", news);
    this.#next();
  }

  #later(ms: number, run: () => void): void {
    this.#parts.scheduler.outside(ms, run, this.#parts.owner);
  }
}

export const simStoreThread = (parts: Parts): StoreThread => new SimThread(parts) as unknown as StoreThread;
