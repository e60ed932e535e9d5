/**
 * One limit: a number of points in a window that begins with its first request. rate-limiter-flexible counts the
 * points; this class ends the window by the monotonic clock. The library uses the wall clock, but setting that clock
 * must not change a limit.
 */
import { RateLimiterMemory, RateLimiterRes } from "rate-limiter-flexible";
import type { Limit } from "./registry.ts";

/** `left`: the remaining points, below 0 when there was none. `ms`: until the window ends. */
export type TakeResult = { readonly left: number; readonly ms: number };

/** Counts a limit: at this gateway alone (`RateWindow`), or at several. */
export type Window = {
  /** The used fraction of its points, from 0 to 1. */
  readonly used: number;
  /** Announces a `take`, where that needs time. */
  readonly prepare?: () => void;
  /** Takes a point if one is left. */
  readonly take: () => Promise<TakeResult>;
  /** Returns the point of a request that another limit refused. */
  readonly giveBack: () => Promise<void>;
};

/** Each limiter has one counter. */
const KEY = "t";
const NEVER = 0;

export class RateWindow implements Window {
  readonly #ms: number;
  readonly #limiter: RateLimiterMemory;
  #ends = Number.NEGATIVE_INFINITY;
  #taken = 0;

  constructor({ points, seconds }: Limit) {
    this.#ms = seconds * 1000;
    this.#limiter = new RateLimiterMemory({ points, duration: NEVER, keyPrefix: "" });
  }

  /** The used fraction of its points, from 0 to 1. */
  get used(): number {
    return performance.now() >= this.#ends ? 0 : Math.min(1, this.#taken / this.#limiter.points);
  }

  /** Takes a point if one is left. */
  async take(): Promise<TakeResult> {
    const now = performance.now();
    if (now >= this.#ends) {
      this.#ends = now + this.#ms;
      await this.#limiter.delete(KEY);
    }
    const { consumedPoints } = await this.#limiter.consume(KEY, 1).catch(stateOf);
    this.#taken = consumedPoints;
    return { left: this.#limiter.points - consumedPoints, ms: this.#ends - now };
  }

  /** Returns the point of a request that another limit refused. */
  async giveBack(): Promise<void> {
    const { consumedPoints } = await this.#limiter.reward(KEY, 1);
    this.#taken = consumedPoints;
  }
}

/** The state with which a limiter rejects to refuse; throws any other error. */
const stateOf = (refusal: unknown): RateLimiterRes => {
  if (refusal instanceof RateLimiterRes) return refusal;
  throw refusal;
};
