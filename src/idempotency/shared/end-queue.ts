/** Ends of requests on their way to the shared database. While it does not answer they are kept and tried again. */
import type { KeyEnd } from "../types.ts";

/** After this time the reply to a request no longer waits for its end. */
const PATIENCE_MS = 2000;
const RETRY_MS = 500;
const CLOSE_MS = 5000;
const MOST_AT_ONCE = 500;

type Ending = { readonly end: KeyEnd; readonly stored: PromiseWithResolvers<true> };

/** Writes ends; has the same result when it is repeated. */
export type WriteEnds = (ends: readonly (readonly [id: string, end: KeyEnd])[]) => Promise<void>;

export class EndQueue {
  readonly #write: WriteEnds;
  /** By request id; the first end of a request counts. */
  readonly #ends = new Map<string, Ending>();
  #running: Promise<void> | undefined;
  #retry: NodeJS.Timeout | undefined;
  #isClosed = false;

  constructor(write: WriteEnds) {
    this.#write = write;
  }

  get size(): number {
    return this.#ends.size;
  }

  /** Resolves to true when the end is committed, to false when that takes too long. */
  async settle(id: string, end: KeyEnd): Promise<boolean> {
    let ending = this.#ends.get(id);
    if (!ending) this.#ends.set(id, (ending = { end, stored: Promise.withResolvers<true>() }));
    this.#schedule();
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<false>((resolve) => (timer = setTimeout(() => resolve(false), PATIENCE_MS)));
    const isStored = await Promise.race([ending.stored.promise, late]);
    clearTimeout(timer);
    return isStored;
  }

  /** Waits for ends that can be written within 5 s. */
  async close(): Promise<void> {
    const until = performance.now() + CLOSE_MS;
    while (this.#ends.size > 0 && performance.now() < until) {
      this.#schedule();
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    this.#isClosed = true;
    clearTimeout(this.#retry);
    await this.#running;
  }

  /** Writes after this turn of the event loop, unless the last attempt failed a moment ago. */
  #schedule(): void {
    if (this.#running || this.#retry || this.#isClosed) return;
    this.#running = new Promise((resolve) => setImmediate(resolve)).then(() => this.#writeAll());
  }

  async #writeAll(): Promise<void> {
    try {
      while (this.#ends.size > 0) {
        const batch = [...this.#ends].slice(0, MOST_AT_ONCE);
        await this.#write(batch.map(([id, { end }]) => [id, end]));
        for (const [id, { stored }] of batch) {
          this.#ends.delete(id);
          stored.resolve(true);
        }
      }
    } catch {
      this.#retry = setTimeout(() => {
        this.#retry = undefined;
        this.#schedule();
      }, RETRY_MS);
    } finally {
      this.#running = undefined;
    }
  }
}
