/**
 * Work that runs once at a time and is repeated after a failure: first after `firstTry`, then after twice as long each
 * time, up to `longestTry`.
 */
import { withTimeout } from "../../../common/timeout.ts";

/** Milliseconds. `timeout`: for one request. `stop`: how long `settled` waits. */
export type Timing = {
  readonly timeout: number;
  readonly firstTry: number;
  readonly longestTry: number;
  readonly stop: number;
};

export class Retry {
  readonly #timing: Timing;
  readonly #work: () => Promise<void>;
  readonly #closing = new AbortController();
  #running: Promise<void> | undefined;
  #timer: NodeJS.Timeout | undefined;
  #delay: number;

  constructor(timing: Timing, work: () => Promise<void>) {
    this.#timing = timing;
    this.#work = work;
    this.#delay = timing.firstTry;
  }

  /** Aborted by `close`. */
  get signal(): AbortSignal {
    return this.#closing.signal;
  }

  get isClosed(): boolean {
    return this.#closing.signal.aborted;
  }

  /** Starts the work now, unless it is running. */
  start(): void {
    clearTimeout(this.#timer);
    if (this.isClosed) return;
    this.#running ??= this.#work().finally(() => (this.#running = undefined));
  }

  succeeded(): void {
    this.#delay = this.#timing.firstTry;
  }

  failed(): void {
    this.#timer = setTimeout(() => this.start(), this.#delay).unref();
    this.#delay = Math.min(2 * this.#delay, this.#timing.longestTry);
  }

  /** Resolves when the running work has ended, at the latest after `timing.stop`. */
  async settled(): Promise<void> {
    await withTimeout(this.#timing.stop, this.#running ?? Promise.resolve()).catch(() => undefined);
  }

  /** Aborts the running work; nothing more is started. */
  close(): void {
    this.#closing.abort();
    clearTimeout(this.#timer);
  }
}
