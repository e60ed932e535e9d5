/**
 * The flow thread as the gateway sees it: started by the first watcher, ended when none is left. Reading, filtering and
 * writing JSON happen there, so that watchers cost the thread that serves requests next to nothing.
 */
import { Worker } from "node:worker_threads";
import { listenInBackground } from "../../../common/threads/background-worker.ts";
import type { Known, Portion, Watching } from "../shared-feed.ts";
import type { FlowAnswer, FlowQuestion, NumberedAnswer, NumberedQuestion, ThreadData } from "./messages.ts";

export class FlowsFailed extends Error {
  override readonly name = "FlowsFailed";
}

/** Small, so that garbage is collected early: a stream runs for hours. */
const HEAP_MIB = { young: 8, old: 256 };
/** A question that takes longer than this, also on a busy machine, will never be answered. */
const ANSWER_MS = 30_000;
const IDLE_MS = 10_000;

type Asked = {
  readonly worker: Worker;
  readonly resolve: (answer: FlowAnswer) => void;
  readonly reject: (error: Error) => void;
};

export class FlowThread {
  readonly #data: ThreadData;
  #worker: Worker | undefined;
  #watchers = 0;
  #number = 0;
  #idle: NodeJS.Timeout | undefined;
  readonly #asked = new Map<number, Asked>();
  /** Questions of this turn of the event loop, which go to the thread together. */
  #batch: { readonly worker: Worker; readonly questions: NumberedQuestion[] } | undefined;

  constructor(data: ThreadData) {
    this.#data = data;
  }

  /** Opens a watcher: resolves to its number and cursor, or to undefined if this journal has another entry there. */
  async open(watching: Watching): Promise<{ readonly watcher: number; readonly cursor: string } | undefined> {
    this.#watchers++;
    clearTimeout(this.#idle);
    const watcher = ++this.#number;
    try {
      const { cursor } = await this.#ask({ ask: "open", watcher, ...watching });
      if (cursor !== undefined) return { watcher, cursor };
    } catch (error) {
      this.#left();
      throw error;
    }
    this.#left();
    return undefined;
  }

  /** Rejects with FlowsFailed. */
  async read(watcher: number, known: Known): Promise<Portion> {
    return (await this.#ask({ ask: "read", watcher, ...known })).portion!;
  }

  close(watcher: number): void {
    // A thread that has ended has forgotten the watcher.
    if (this.#worker) void this.#ask({ ask: "close", watcher }).catch(() => undefined);
    this.#left();
  }

  async end(): Promise<void> {
    clearTimeout(this.#idle);
    const worker = this.#worker;
    // The next question starts another one.
    this.#worker = undefined;
    await worker?.terminate();
  }

  #left(): void {
    if (--this.#watchers === 0) this.#idle = setTimeout(() => void this.end(), IDLE_MS).unref();
  }

  #ask(question: FlowQuestion): Promise<FlowAnswer> {
    const number = ++this.#number;
    const worker = (this.#worker ??= this.#begin());
    return new Promise<FlowAnswer>((resolve, reject) => {
      const timer = setTimeout(() => void this.end(), ANSWER_MS).unref();
      const settle = (): void => {
        clearTimeout(timer);
        this.#asked.delete(number);
      };
      this.#asked.set(number, {
        worker,
        resolve: (answer) => (settle(), resolve(answer)),
        reject: (error) => (settle(), reject(error)),
      });
      this.#send(worker, { number, question });
    });
  }

  #send(worker: Worker, question: NumberedQuestion): void {
    if (this.#batch?.worker === worker) return void this.#batch.questions.push(question);
    const batch = (this.#batch = { worker, questions: [question] });
    setImmediate(() => {
      if (this.#batch === batch) this.#batch = undefined;
      worker.postMessage(batch.questions);
    });
  }

  #begin(): Worker {
    const worker = new Worker(new URL("./worker.ts", import.meta.url), {
      workerData: this.#data,
      resourceLimits: { maxOldGenerationSizeMb: HEAP_MIB.old, maxYoungGenerationSizeMb: HEAP_MIB.young },
    });
    listenInBackground(worker, (answers: readonly NumberedAnswer[]) => {
      for (const answer of answers) {
        const asked = this.#asked.get(answer.number);
        if ("failed" in answer) asked?.reject(new FlowsFailed(answer.failed));
        else asked?.resolve(answer);
      }
    });
    worker.on("error", () => undefined);
    worker.on("exit", () => {
      if (this.#worker === worker) this.#worker = undefined;
      for (const asked of this.#asked.values())
        if (asked.worker === worker) asked.reject(new FlowsFailed("the thread that reads flows ended"));
    });
    return worker;
  }
}
