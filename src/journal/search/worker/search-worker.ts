/**
 * Searches the journal for a running gateway, on threads that start with the first question and cannot disturb traffic:
 * if a thread fails, only its questions fail. Quick threads answer first; a question that takes longer than a moment is
 * repeated on a slow thread with more time. So a slow question delays others by at most that moment.
 */
import { SearchThread } from "./search-thread.ts";
import type { Answer, SearchResult, Question } from "./messages.ts";
import { SearchTimeout } from "./time-limit.ts";

/** The question is invalid; the message is for the user. */
export class InvalidQuestion extends Error {
  override readonly name = "InvalidQuestion";
}

export class SearchFailed extends Error {
  override readonly name = "SearchFailed";
}

/**
 * `quickMs`, `slowMs`: time limits of a question on a quick and on a slow thread. `threads`: how many of each. A thread
 * that does not stop within `graceMs` after the limit is terminated.
 */
export type SearchLimits = {
  readonly quickMs: number;
  readonly slowMs: number;
  readonly threads: number;
  readonly graceMs: number;
};

const LIMITS: SearchLimits = { quickMs: 1000, slowMs: 10_000, threads: 2, graceMs: 2000 };
const MOST_WAITING = 100;
/** Milliseconds without a question after which a thread ends; the first thread stays. */
const IDLE_MS = 30_000;

type Waiting = {
  readonly question: Question;
  readonly resolve: (answer: Answer) => void;
  readonly reject: (error: Error) => void;
};
type ThreadPool = { readonly ms: number; readonly queue: Waiting[]; readonly threads: Set<SearchThread> };

export class SearchWorker {
  readonly #dir: string;
  readonly #limits: SearchLimits;
  readonly #turn = new SharedArrayBuffer(8);
  readonly #quick: ThreadPool;
  readonly #slow: ThreadPool;
  #asked = 0;
  #number = 0;

  constructor(dir: string, limits: Partial<SearchLimits> = {}) {
    this.#dir = dir;
    this.#limits = { ...LIMITS, ...limits };
    this.#quick = { ms: this.#limits.quickMs, queue: [], threads: new Set() };
    this.#slow = { ms: this.#limits.slowMs, queue: [], threads: new Set() };
  }

  /** Rejects with InvalidQuestion, SearchFailed or SearchTimeout. */
  readonly ask = (question: Question): Promise<Answer> => {
    if (this.#asked >= MOST_WAITING)
      return Promise.reject(new SearchFailed("too many searches are waiting; try again later"));
    this.#asked++;
    return new Promise<Answer>((resolve, reject) => {
      this.#quick.queue.push({ question, resolve, reject });
      this.#next(this.#quick);
    }).finally(() => this.#asked--);
  };

  async close(): Promise<void> {
    const rows = [this.#quick, this.#slow];
    for (const { queue } of rows)
      for (const { reject } of queue.splice(0)) reject(new SearchFailed("the gateway is stopping"));
    await Promise.all(
      rows.flatMap(({ threads }) => [...threads].map((thread) => thread.end("the gateway is stopping"))),
    );
  }

  #next(row: ThreadPool): void {
    if (row.queue.length === 0) return;
    const thread =
      [...row.threads].find((each) => !each.isBusy) ??
      (row.threads.size < this.#limits.threads ? this.#begin(row) : undefined);
    if (!thread) return;
    const waiting = row.queue.shift()!;
    void thread.ask(waiting.question, row.ms).then((result) => {
      this.#take(row, waiting, result);
      this.#next(row);
    });
  }

  #begin(row: ThreadPool): SearchThread {
    const isFirst = row === this.#quick && row.threads.size === 0;
    const thread: SearchThread = new SearchThread(
      { dir: this.#dir, number: ++this.#number, turn: this.#turn },
      {
        idleMs: isFirst ? undefined : IDLE_MS,
        graceMs: this.#limits.graceMs,
        ended: () => row.threads.delete(thread),
      },
    );
    row.threads.add(thread);
    return thread;
  }

  #take(row: ThreadPool, waiting: Waiting, result: SearchResult): void {
    if ("answer" in result) waiting.resolve(result.answer);
    else if ("invalid" in result) waiting.reject(new InvalidQuestion(result.invalid));
    else if ("failed" in result) waiting.reject(new SearchFailed(result.failed));
    else if (row === this.#slow) waiting.reject(new SearchTimeout(result.timedOut));
    else {
      this.#slow.queue.push(waiting);
      this.#next(this.#slow);
    }
  }
}
