/**
 * Where a running gateway has its journal searched: on a thread that begins with the first question, so that a gateway that nobody asks pays
 * nothing, and that cannot stop traffic: whatever becomes of it, only the questions fail, and the next one begins it anew.
 */
import { Worker } from "node:worker_threads";
import type { Answer, Question, Told } from "./questions.ts";

/** What was asked cannot be answered so: in words for who asked. */
export class WrongQuestion extends Error {
  override readonly name = "WrongQuestion";
}

export class SearchFailed extends Error {
  override readonly name = "SearchFailed";
}

const MOST_HEAP_MIB = 512;
const MOST_WAITING = 100;

type Waiting = { readonly resolve: (answer: Answer) => void; readonly reject: (error: Error) => void };

export class SearchDesk {
  readonly #dir: string;
  readonly #waiting = new Map<number, Waiting>();
  #worker: Worker | undefined;
  #number = 0;

  constructor(dir: string) {
    this.#dir = dir;
  }

  /** Rejects with WrongQuestion or SearchFailed. */
  readonly ask = (question: Question): Promise<Answer> => {
    if (this.#waiting.size >= MOST_WAITING) return Promise.reject(new SearchFailed("too many searches wait already"));
    const number = ++this.#number;
    return new Promise((resolve, reject) => {
      this.#waiting.set(number, { resolve, reject });
      this.#begin().postMessage({ number, question });
    });
  };

  async close(): Promise<void> {
    this.#fail("the gateway stops");
    await this.#worker?.terminate();
  }

  #begin(): Worker {
    if (this.#worker) return this.#worker;
    const worker = new Worker(new URL("./worker.ts", import.meta.url), { workerData: { dir: this.#dir }, resourceLimits: { maxOldGenerationSizeMb: MOST_HEAP_MIB } });
    worker.unref();
    worker.on("message", this.#take);
    worker.on("error", () => undefined);
    worker.on("exit", () => {
      if (this.#worker === worker) this.#worker = undefined;
      this.#fail("the search ended before it was done");
    });
    return (this.#worker = worker);
  }

  readonly #take = ({ number, answer, wrong, failed }: Told): void => {
    const waiting = this.#waiting.get(number);
    this.#waiting.delete(number);
    if (answer) waiting?.resolve(answer);
    else waiting?.reject(wrong === undefined ? new SearchFailed(failed) : new WrongQuestion(wrong));
  };

  #fail(why: string): void {
    for (const { reject } of this.#waiting.values()) reject(new SearchFailed(why));
    this.#waiting.clear();
  }
}
