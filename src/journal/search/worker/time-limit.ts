/** The time limit of a question. Long work checks it regularly. */

/** The search ended before it was complete: there may be more results. */
export class SearchTimeout extends Error {
  override readonly name = "SearchTimeout";
}

export class TimeLimit {
  readonly ms: number;
  readonly #end: number;

  constructor(ms: number) {
    this.ms = ms;
    this.#end = performance.now() + ms;
  }

  /** Milliseconds; 0 when the limit is reached. */
  get left(): number {
    return Math.max(0, this.#end - performance.now());
  }

  /** `found`: how many requests so far. Throws SearchTimeout. */
  check(found: number): void {
    if (this.left > 0) return;
    const limit = this.ms >= 1000 ? `${this.ms / 1000} s` : `${this.ms} ms`;
    throw new SearchTimeout(
      `the search was stopped after ${limit}, with ${found} found so far; there may be more: search a shorter ` +
        "time (since:, until:), or for an exact name",
    );
  }
}
