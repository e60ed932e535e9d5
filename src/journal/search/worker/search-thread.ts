/** A search thread as the search worker sees it. It always answers; if the thread ends, the answer says so. */
import { Worker } from "node:worker_threads";
import type { SearchResult, TimedQuestion, Question, ThreadData, WorkerMessage } from "./messages.ts";
import { listenInBackground } from "../../../common/threads/background-worker.ts";

const MOST_HEAP_MIB = 512;
/** Generous, because threads start slowly on a busy machine. */
const START_MS = 30_000;
type Options = {
  /** Milliseconds without a question after which the thread ends. Undefined: never. */
  readonly idleMs: number | undefined;
  /** Milliseconds after a question's time limit until the thread is terminated. */
  readonly graceMs: number;
  readonly ended: () => void;
};

export class SearchThread {
  readonly #worker: Worker;
  readonly #options: Options;
  #resolve: ((message: SearchResult) => void) | undefined;
  #timer: NodeJS.Timeout | undefined;
  /** Time limit of the question. */
  #ms = 0;

  constructor(data: ThreadData, options: Options) {
    this.#options = options;
    this.#worker = new Worker(new URL("./worker.ts", import.meta.url), {
      workerData: data,
      resourceLimits: { maxOldGenerationSizeMb: MOST_HEAP_MIB },
    });
    listenInBackground(this.#worker, (message: WorkerMessage) => this.#onMessage(message));
    this.#worker.on("error", () => undefined);
    this.#worker.on("exit", () => {
      // If it ended while it updated the index, other threads wait for it.
      Atomics.compareExchange(new Int32Array(data.turn), 0, data.number, 0);
      this.#finish({ failed: "the search thread ended before the search was complete" });
    });
  }

  get isBusy(): boolean {
    return this.#resolve !== undefined;
  }

  /** One at a time. */
  ask(question: Question, ms: number): Promise<SearchResult> {
    return new Promise((resolve) => {
      this.#resolve = resolve;
      this.#ms = ms;
      this.#setTimer(START_MS, () => void this.#terminate({ failed: "the search thread did not start" }));
      this.#worker.postMessage({ question, ms } satisfies TimedQuestion);
    });
  }

  end(why: string): Promise<void> {
    return this.#terminate({ failed: why });
  }

  #onMessage(message: WorkerMessage): void {
    if ("started" in message) {
      const timedOut =
        `the search was stopped after ${this.#ms / 1000} s; search for an exact name, or a shorter time ` +
        "(since:, until:)";
      return this.#setTimer(this.#ms + this.#options.graceMs, () => void this.#terminate({ timedOut }));
    }
    const resolve = this.#resolve;
    this.#resolve = undefined;
    clearTimeout(this.#timer);
    if (this.#options.idleMs !== undefined)
      this.#setTimer(this.#options.idleMs, () => void this.#terminate({ failed: "idle" }));
    resolve?.(message);
  }

  async #terminate(message: SearchResult): Promise<void> {
    this.#finish(message);
    await this.#worker.terminate();
  }

  #finish(message: SearchResult): void {
    clearTimeout(this.#timer);
    this.#options.ended();
    const resolve = this.#resolve;
    this.#resolve = undefined;
    resolve?.(message);
  }

  #setTimer(ms: number, onTimeout: () => void): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(onTimeout, ms).unref();
  }
}
