/** Limits entries per key (a token bucket each): a burst, and then a rate per second. */

type Options = {
  readonly most: number;
  readonly perSecond: number;
  /** Milliseconds of a monotonic clock. */
  readonly steady: () => number;
};

/** From this number of keys on, those with a full budget are forgotten. */
const MOST_REMEMBERED = 10_000;

export class EntryBudgets {
  readonly #options: Options;
  /** By key, the time at which its budget is full again. */
  readonly #fullAt = new Map<string, number>();

  constructor(options: Options) {
    this.#options = options;
  }

  /** Takes one entry if the budget has one; returns whether it had. */
  take(key: string): boolean {
    const { most, perSecond, steady } = this.#options;
    const fullAt = this.#after(key);
    if (fullAt - steady() > (1000 * most) / perSecond) return false;
    this.#remember(key, fullAt);
    return true;
  }

  /**
   * Takes one entry, on credit if necessary. Returns the milliseconds until it would be covered, at most `longestMs`.
   */
  takeOnCredit(key: string, longestMs: number): number {
    const { most, perSecond, steady } = this.#options;
    const fullAt = Math.min(this.#after(key), steady() + (1000 * most) / perSecond + longestMs);
    this.#remember(key, fullAt);
    return Math.max(0, fullAt - steady() - (1000 * most) / perSecond);
  }

  #after(key: string): number {
    const { perSecond, steady } = this.#options;
    return Math.max(this.#fullAt.get(key) ?? 0, steady()) + 1000 / perSecond;
  }

  #remember(key: string, fullAt: number): void {
    if (this.#fullAt.size >= MOST_REMEMBERED && !this.#fullAt.has(key)) this.#forget(this.#options.steady());
    this.#fullAt.set(key, fullAt);
  }

  #forget(now: number): void {
    for (const [whose, fullAt] of this.#fullAt) if (fullAt <= now) this.#fullAt.delete(whose);
  }
}
