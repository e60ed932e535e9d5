/**
 * Where a running gateway has its journal searched: on threads that begin with a question, so that a gateway that
 * nobody asks pays nothing, and that cannot stop traffic: whatever becomes of them, only questions fail. Every
 * question is first asked of a quick thread; what is not answered within a moment is asked again of a slow one, with
 * more time. So a slow question holds up the others for no more than that moment.
 */
import { SearchThread } from "./thread.ts";
import type { Answer, Ended, Question } from "./questions.ts";
import { TookTooLong } from "./time-limit.ts";

/** What was asked cannot be answered so: in words for who asked. */
export class WrongQuestion extends Error {
  override readonly name = "WrongQuestion";
}

export class SearchFailed extends Error {
  override readonly name = "SearchFailed";
}

/**
 * Milliseconds that a question may take on a quick thread and on a slow one, and how many threads of each there may
 * be. A thread that has not even given a question up after `graceMs` more is stuck, and ended.
 */
export type DeskLimits = {
  readonly quickMs: number;
  readonly slowMs: number;
  readonly threads: number;
  readonly graceMs: number;
};

const LIMITS: DeskLimits = { quickMs: 1000, slowMs: 10_000, threads: 2, graceMs: 2000 };
const MOST_WAITING = 100;
/** All but the first thread end after so long without a question. */
const IDLE_MS = 30_000;

type Waiting = {
  readonly question: Question;
  readonly resolve: (answer: Answer) => void;
  readonly reject: (error: Error) => void;
};
type Row = { readonly ms: number; readonly queue: Waiting[]; readonly threads: Set<SearchThread> };

export class SearchDesk {
  readonly #dir: string;
  readonly #limits: DeskLimits;
  readonly #turn = new SharedArrayBuffer(8);
  readonly #quick: Row;
  readonly #slow: Row;
  #asked = 0;
  #number = 0;

  constructor(dir: string, limits: Partial<DeskLimits> = {}) {
    this.#dir = dir;
    this.#limits = { ...LIMITS, ...limits };
    this.#quick = { ms: this.#limits.quickMs, queue: [], threads: new Set() };
    this.#slow = { ms: this.#limits.slowMs, queue: [], threads: new Set() };
  }

  /** Rejects with WrongQuestion, SearchFailed, or TookTooLong. */
  readonly ask = (question: Question): Promise<Answer> => {
    if (this.#asked >= MOST_WAITING) return Promise.reject(new SearchFailed("too many searches are waiting already"));
    this.#asked++;
    return new Promise<Answer>((resolve, reject) => {
      this.#quick.queue.push({ question, resolve, reject });
      this.#next(this.#quick);
    }).finally(() => this.#asked--);
  };

  async close(): Promise<void> {
    const rows = [this.#quick, this.#slow];
    for (const { queue } of rows)
      for (const { reject } of queue.splice(0)) reject(new SearchFailed("the gateway stops"));
    await Promise.all(rows.flatMap(({ threads }) => [...threads].map((thread) => thread.end("the gateway stops"))));
  }

  #next(row: Row): void {
    if (row.queue.length === 0) return;
    const thread =
      [...row.threads].find((each) => !each.isBusy) ??
      (row.threads.size < this.#limits.threads ? this.#begin(row) : undefined);
    if (!thread) return;
    const waiting = row.queue.shift()!;
    void thread.ask(waiting.question, row.ms).then((told) => {
      this.#take(row, waiting, told);
      this.#next(row);
    });
  }

  #begin(row: Row): SearchThread {
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

  #take(row: Row, waiting: Waiting, told: Ended): void {
    if ("answer" in told) waiting.resolve(told.answer);
    else if ("wrong" in told) waiting.reject(new WrongQuestion(told.wrong));
    else if ("failed" in told) waiting.reject(new SearchFailed(told.failed));
    else if (row === this.#slow) waiting.reject(new TookTooLong(told.late));
    else {
      this.#slow.queue.push(waiting);
      this.#next(this.#slow);
    }
  }
}
