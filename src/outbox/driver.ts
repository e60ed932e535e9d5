/**
 * Sends the items of the outbox, one of each tenant at a time, so that they take turns with the tenant's other requests
 * and do not fill its queue. While OCS cannot be reached, a tenant's items share one back-off: an outage costs a few
 * attempts for each tenant, however many items wait.
 */
import type { AttemptResult } from "./attempt.ts";
import { backOff } from "./back-off.ts";
import type { OutboxItem } from "./item.ts";
import { ulid } from "../common/ulid.ts";

/** While the gateway may be taken for dead by others, it looks again after this time. */
const RETRY_MS = 250;

/** Sends the item as a request with this id. Never rejects. */
export type Attempt = (item: OutboxItem, attemptId: string) => Promise<AttemptResult>;

export type DriverOptions = {
  readonly attempt: Attempt;
  readonly giveUp: () => number;
  readonly random: () => number;
  /** The item as it is now. */
  readonly itemOf: (id: string) => OutboxItem | undefined;
  /** Whether this gateway sends it. */
  readonly drives: (id: string) => "yes" | "not-now" | "no";
  readonly isOverdue: (item: OutboxItem) => boolean;
  readonly onResult: (item: OutboxItem, attemptId: string, result: AttemptResult) => void;
  readonly onOverdue: (item: OutboxItem) => void;
};

export class OutboxDriver {
  readonly #options: DriverOptions;
  /** By tenant. */
  readonly #lines = new Map<string, TenantLine>();
  #isStopped = false;

  constructor(options: DriverOptions) {
    this.#options = options;
  }

  add({ id, upstream, tenant }: OutboxItem): void {
    if (this.#isStopped) return;
    const name = `${upstream}/${tenant}`;
    let line = this.#lines.get(name);
    if (!line) this.#lines.set(name, (line = new TenantLine(this.#options)));
    line.add(id);
  }

  /** Resolves when no attempt is under way. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    await Promise.all([...this.#lines.values()].map((line) => line.stop()));
  }
}

/** The items of one tenant. */
class TenantLine {
  readonly #options: DriverOptions;
  /** Not tried yet, or held up by others only; oldest first. */
  readonly #ready = new Set<string>();
  /** Failed by themselves: when each may be tried again (monotonic milliseconds), and its failures in a row. */
  readonly #failed = new Map<string, { readonly due: number; readonly failures: number }>();
  /** Failures of the tenant in a row, and the end of its back-off. */
  #failures = 0;
  #due = 0;
  #timer: NodeJS.Timeout | undefined;
  #running: Promise<void> | undefined;
  #isStopped = false;

  constructor(options: DriverOptions) {
    this.#options = options;
  }

  add(id: string): void {
    if (this.#failed.has(id)) return;
    this.#ready.add(id);
    this.#wake();
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    clearTimeout(this.#timer);
    await this.#running;
  }

  #wake(): void {
    if (this.#running || this.#isStopped) return;
    clearTimeout(this.#timer);
    const due = this.#nextDue();
    if (due === undefined) return;
    const wait = due - performance.now();
    if (wait > 0) this.#timer = setTimeout(() => this.#wake(), Math.ceil(wait)).unref();
    else
      this.#running = this.#run().finally(() => {
        this.#running = undefined;
        this.#wake();
      });
  }

  /** When the next attempt may be made; undefined without an item. */
  #nextDue(): number | undefined {
    if (this.#ready.size > 0) return this.#due;
    if (this.#failed.size === 0) return undefined;
    return Math.max(
      this.#due,
      [...this.#failed.values()].reduce((least, { due }) => Math.min(least, due), Infinity),
    );
  }

  async #run(): Promise<void> {
    for (let id = this.#next(); id !== undefined && !this.#isStopped; id = this.#next()) await this.#try(id);
  }

  /**
   * The item to try now. One that failed by itself goes first when it is due; but after a failure another one, in case
   * OCS fails on this one alone.
   */
  #next(): string | undefined {
    const now = performance.now();
    if (now < this.#due) return undefined;
    const ready = this.#ready.values().next().value;
    if (ready !== undefined && this.#failures > 0) return ready;
    for (const [id, { due }] of this.#failed) if (due <= now) return id;
    return ready;
  }

  async #try(id: string): Promise<void> {
    const item = this.#options.itemOf(id);
    const drives = this.#options.drives(id);
    if (item?.state !== "pending" || drives === "no") return this.#forget(id);
    if (drives === "not-now") return void (this.#due = performance.now() + RETRY_MS);
    const attemptId = ulid();
    const result = await this.#options.attempt(item, attemptId);
    this.#options.onResult(item, attemptId, result);
    if (result.end !== "later") {
      this.#failures = this.#due = 0;
      return this.#forget(id);
    }
    if (result.blame !== "tenant") this.#holdBack(id);
    if (result.blame !== "item") this.#due = performance.now() + this.#wait(++this.#failures);
    this.#giveUp();
  }

  #holdBack(id: string): void {
    const failures = (this.#failed.get(id)?.failures ?? 0) + 1;
    this.#forget(id);
    this.#failed.set(id, { due: performance.now() + this.#wait(failures), failures });
  }

  /** Only after an attempt has failed: a clock that is wrong does not end what could still be sent. */
  #giveUp(): void {
    for (const id of [...this.#ready, ...this.#failed.keys()]) {
      const item = this.#options.itemOf(id);
      if (item?.state === "pending" && !this.#options.isOverdue(item)) continue;
      this.#forget(id);
      if (item?.state === "pending") this.#options.onOverdue(item);
    }
  }

  #forget(id: string): void {
    this.#ready.delete(id);
    this.#failed.delete(id);
  }

  #wait(failures: number): number {
    return backOff(failures, this.#options.giveUp(), this.#options.random());
  }
}
