/** How long a question may take. Whoever works on one asks now and then whether the time is over. */

/** The answer was not found in time: there may be one. */
export class TookTooLong extends Error {
  override readonly name = "TookTooLong";
}

export class TimeLimit {
  readonly ms: number;
  readonly #end: number;

  constructor(ms: number) {
    this.ms = ms;
    this.#end = performance.now() + ms;
  }

  /** Milliseconds, 0 when it is over. */
  get left(): number {
    return Math.max(0, this.#end - performance.now());
  }

  /** `found`: how many requests so far. Throws TookTooLong. */
  check(found: number): void {
    if (this.left > 0) return;
    const limit = this.ms >= 1000 ? `${this.ms / 1000} s` : `${this.ms} ms`;
    throw new TookTooLong(
      `the search was stopped after ${limit}, with ${found} found so far; there may be more: search a shorter time (since:, until:), or for an exact name`,
    );
  }
}
