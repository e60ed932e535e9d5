/** A bucket of points that fills up evenly. All that is remembered is when it will be full again. */
import type { Limit } from "../register.ts";

export class Bucket {
  readonly points: number;
  /** In which it fills from nothing. */
  readonly seconds: number;
  /** Milliseconds in which one point comes back. */
  readonly #each: number;
  #fullAt = -Infinity;

  constructor({ points, seconds }: Limit) {
    this.points = points;
    this.seconds = seconds;
    this.#each = (seconds * 1000) / points;
  }

  /** Whole points that are there. `now`: milliseconds on a clock that is never set. */
  left(now: number): number {
    return Math.max(0, Math.floor(this.points - Math.max(0, this.#fullAt - now) / this.#each + ROUNDING));
  }

  /** Takes one, and no more than there are. */
  take(now: number): void {
    this.#fullAt = Math.min(Math.max(this.#fullAt, now) + this.#each, now + this.#each * this.points);
  }

  /** Milliseconds until one can be taken; 0 when that is now. */
  wait(now: number): number {
    return this.left(now) >= 1 ? 0 : this.#fullAt - now - this.#each * (this.points - 1);
  }

  /** Milliseconds until it is full. */
  untilFull(now: number): number {
    return Math.max(0, this.#fullAt - now);
  }
}

/** Of a point: what adding up fractions may lose. */
const ROUNDING = 1e-6;
