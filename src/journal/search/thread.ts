/** One thread that searches, as the desk sees it: it always answers, if need be that it ended. */
import { Worker } from "node:worker_threads";
import type { Ended, Posed, Question, ThreadData, Told } from "./questions.ts";

const MOST_HEAP_MIB = 512;
/** On a busy machine a thread takes its time to start. */
const START_MS = 30_000;
type Options = {
  /** Without a question for so long it ends. Undefined: never. */
  readonly idleMs: number | undefined;
  /** Milliseconds after a question's time. */
  readonly graceMs: number;
  readonly ended: () => void;
};

export class SearchThread {
  readonly #worker: Worker;
  readonly #options: Options;
  #settle: ((told: Ended) => void) | undefined;
  #timer: NodeJS.Timeout | undefined;
  /** What the question may take. */
  #ms = 0;

  constructor(data: ThreadData, options: Options) {
    this.#options = options;
    this.#worker = new Worker(new URL("./worker.ts", import.meta.url), {
      workerData: data,
      resourceLimits: { maxOldGenerationSizeMb: MOST_HEAP_MIB },
    });
    this.#worker.unref();
    this.#worker.on("message", (told: Told) => this.#take(told));
    this.#worker.on("error", () => undefined);
    this.#worker.on("exit", () => {
      // It may have ended while it brought the index up to date, and others wait for that.
      Atomics.compareExchange(new Int32Array(data.turn), 0, data.number, 0);
      this.#gone({ failed: "the search ended before it was done" });
    });
  }

  get isBusy(): boolean {
    return this.#settle !== undefined;
  }

  /** One at a time. */
  ask(question: Question, ms: number): Promise<Ended> {
    return new Promise((resolve) => {
      this.#settle = resolve;
      this.#ms = ms;
      this.#wind(START_MS, () => void this.#kill({ failed: "the thread that searches did not start" }));
      this.#worker.postMessage({ question, ms } satisfies Posed);
    });
  }

  end(why: string): Promise<void> {
    return this.#kill({ failed: why });
  }

  #take(told: Told): void {
    if ("begun" in told) {
      const late = `the search was stopped after ${this.#ms / 1000} s: ask for an exact name, or search a shorter time (since:, until:)`;
      return this.#wind(this.#ms + this.#options.graceMs, () => void this.#kill({ late }));
    }
    const settle = this.#settle;
    this.#settle = undefined;
    clearTimeout(this.#timer);
    if (this.#options.idleMs !== undefined) this.#wind(this.#options.idleMs, () => void this.#kill({ failed: "idle" }));
    settle?.(told);
  }

  async #kill(told: Ended): Promise<void> {
    this.#gone(told);
    await this.#worker.terminate();
  }

  #gone(told: Ended): void {
    clearTimeout(this.#timer);
    this.#options.ended();
    const settle = this.#settle;
    this.#settle = undefined;
    settle?.(told);
  }

  #wind(ms: number, over: () => void): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(over, ms).unref();
  }
}
