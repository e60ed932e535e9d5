/** How long statements of the shared database took, waiting for a connection included: for /metrics. */

/** Upper bounds of the histogram, in milliseconds. */
export const STATEMENT_BOUNDS_MS = [1, 2, 5, 10, 25, 50, 100, 250, 500, 1000, 2500] as const;

export class StatementTimes {
  readonly #counts = STATEMENT_BOUNDS_MS.map(() => 0);
  #sum = 0;
  #count = 0;
  #failed = 0;

  add(ms: number): void {
    const at = STATEMENT_BOUNDS_MS.findIndex((bound) => ms <= bound);
    if (at >= 0) this.#counts[at]!++;
    this.#sum += ms;
    this.#count++;
  }

  /** A statement that the database did not answer. */
  fail(): void {
    this.#failed++;
  }

  /** `buckets`: for each bound, the number of statements up to it. `sum`: milliseconds. */
  get totals(): {
    readonly buckets: readonly number[];
    readonly sum: number;
    readonly count: number;
    readonly failed: number;
  } {
    let below = 0;
    return {
      buckets: this.#counts.map((each) => (below += each)),
      sum: this.#sum,
      count: this.#count,
      failed: this.#failed,
    };
  }
}
