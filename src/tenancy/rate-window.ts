/**
 * One limit: so many points in a window that begins with its first request. rate-limiter-flexible counts the points. When
 * the window ends is decided here, by the monotonic clock: the library goes by the wall clock, and one that is set must
 * neither lift a limit nor make anybody wait for longer.
 */
import { RateLimiterMemory, RateLimiterRes } from "rate-limiter-flexible";
import type { Limit } from "./register.ts";

/** `left`: points that are left; below 0 when there was none. `ms`: until the window ends. */
export type Taken = { readonly left: number; readonly ms: number };

/** Each limiter counts for one. */
const KEY = "t";
const NEVER = 0;

export class Window {
  readonly #ms: number;
  readonly #limiter: RateLimiterMemory;
  #ends = Number.NEGATIVE_INFINITY;
  #taken = 0;

  constructor({ points, seconds }: Limit) {
    this.#ms = seconds * 1000;
    this.#limiter = new RateLimiterMemory({ points, duration: NEVER, keyPrefix: "" });
  }

  /** The part of its points that is used up now, from 0 to 1. */
  get used(): number {
    return performance.now() >= this.#ends ? 0 : Math.min(1, this.#taken / this.#limiter.points);
  }

  /** Takes a point, where there is one. */
  async take(): Promise<Taken> {
    const now = performance.now();
    if (now >= this.#ends) {
      this.#ends = now + this.#ms;
      await this.#limiter.delete(KEY);
    }
    const { consumedPoints } = await this.#limiter.consume(KEY, 1).catch(stateOf);
    this.#taken = consumedPoints;
    return { left: this.#limiter.points - consumedPoints, ms: this.#ends - now };
  }

  /** What was taken for a request that another limit refused. */
  async giveBack(): Promise<void> {
    const { consumedPoints } = await this.#limiter.reward(KEY, 1);
    this.#taken = consumedPoints;
  }
}

/** A limiter that refuses rejects with its state; whatever else it rejects with is a defect. */
const stateOf = (refusal: unknown): RateLimiterRes => {
  if (refusal instanceof RateLimiterRes) return refusal;
  throw refusal;
};
