/** How many entries each of many may have: so many at once, and so many a second after that. */

type Options = {
  readonly most: number;
  readonly perSecond: number;
  /** Milliseconds of a clock that nobody sets. */
  readonly steady: () => number;
};

/** Whoever has its whole budget again is forgotten as soon as there are so many. */
const MOST_REMEMBERED = 10_000;

export class Budgets {
  readonly #options: Options;
  /** By whose it is, the time at which all of it is there again. */
  readonly #fullAt = new Map<string, number>();

  constructor(options: Options) {
    this.#options = options;
  }

  /** Takes one while there is one. */
  take(whose: string): boolean {
    const { most, perSecond, steady } = this.#options;
    const fullAt = this.#after(whose);
    if (fullAt - steady() > (1000 * most) / perSecond) return false;
    this.#remember(whose, fullAt);
    return true;
  }

  /** Takes one that may be owed. Returns for how many milliseconds it is, `longestMs` at most: beyond that nothing is owed. */
  owe(whose: string, longestMs: number): number {
    const { most, perSecond, steady } = this.#options;
    const fullAt = Math.min(this.#after(whose), steady() + (1000 * most) / perSecond + longestMs);
    this.#remember(whose, fullAt);
    return Math.max(0, fullAt - steady() - (1000 * most) / perSecond);
  }

  #after(whose: string): number {
    const { perSecond, steady } = this.#options;
    return Math.max(this.#fullAt.get(whose) ?? 0, steady()) + 1000 / perSecond;
  }

  #remember(whose: string, fullAt: number): void {
    if (this.#fullAt.size >= MOST_REMEMBERED && !this.#fullAt.has(whose)) this.#forget(this.#options.steady());
    this.#fullAt.set(whose, fullAt);
  }

  #forget(now: number): void {
    for (const [whose, fullAt] of this.#fullAt) if (fullAt <= now) this.#fullAt.delete(whose);
  }
}
