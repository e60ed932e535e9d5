/**
 * One limit: so many points in a window that begins with its first request. Time is the monotonic clock's, so a wall clock that is set neither lifts
 * the limit nor makes anybody wait for longer.
 */
import type { Limit } from "./register.ts";

/** `left`: points that are left; below 0 when there was none. `ms`: until the window ends. */
export type Taken = { readonly left: number; readonly ms: number };

export class Window {
  readonly #limit: Limit;
  #used = 0;
  #ends = Number.NEGATIVE_INFINITY;

  constructor(limit: Limit) {
    this.#limit = limit;
  }

  /** Takes a point, where there is one. `now`: milliseconds on the monotonic clock. */
  take(now: number = performance.now()): Taken {
    if (now >= this.#ends) [this.#used, this.#ends] = [0, now + this.#limit.seconds * 1000];
    const left = this.#limit.points - this.#used - 1;
    if (left >= 0) this.#used++;
    return { left, ms: this.#ends - now };
  }

  /** What was taken for a request that another limit refused. */
  giveBack(): void {
    this.#used = Math.max(0, this.#used - 1);
  }
}
