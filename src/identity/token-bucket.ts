/** A token bucket (its tokens are called points) that fills evenly. It stores only the time when it will be full. */
import type { Limit } from "../tenancy/registry.ts";

export class TokenBucket {
  readonly points: number;
  /** Seconds in which an empty bucket fills. */
  readonly seconds: number;
  /** Milliseconds after which one point is added. */
  readonly #msPerPoint: number;
  #fullAt = -Infinity;

  constructor({ points, seconds }: Limit) {
    this.points = points;
    this.seconds = seconds;
    this.#msPerPoint = (seconds * 1000) / points;
  }

  /** Whole points in the bucket. `now`, here and below: milliseconds of a monotonic clock. */
  available(now: number): number {
    return Math.max(0, Math.floor(this.points - Math.max(0, this.#fullAt - now) / this.#msPerPoint + ROUNDING));
  }

  /** Takes one point, if there is one. */
  take(now: number): void {
    this.#fullAt = Math.min(Math.max(this.#fullAt, now) + this.#msPerPoint, now + this.#msPerPoint * this.points);
  }

  /** Puts back a point that was taken. */
  putBack(): void {
    this.#fullAt -= this.#msPerPoint;
  }

  /** Milliseconds until a point can be taken; 0 if it can be taken now. */
  msUntilAvailable(now: number): number {
    return this.available(now) >= 1 ? 0 : this.#fullAt - now - this.#msPerPoint * (this.points - 1);
  }

  msUntilFull(now: number): number {
    return Math.max(0, this.#fullAt - now);
  }
}

/** The fraction of a point that rounding may lose. */
const ROUNDING = 1e-6;

/** Token buckets by key. When there are `capacity` of them, the least recently touched one is dropped. */
export class Buckets {
  readonly #allowance: Limit;
  readonly #capacity: number;
  readonly #all = new Map<string, TokenBucket>();

  constructor(allowance: Limit, capacity: number) {
    this.#allowance = allowance;
    this.#capacity = capacity;
  }

  get size(): number {
    return this.#all.size;
  }

  get(key: string): TokenBucket | undefined {
    return this.#all.get(key);
  }

  /** Makes it the last to be dropped. */
  touch(key: string): TokenBucket {
    const bucket = this.#all.get(key) ?? new TokenBucket(this.#allowance);
    this.#all.delete(key);
    if (this.#all.size >= this.#capacity) this.#all.delete(this.#all.keys().next().value!);
    this.#all.set(key, bucket);
    return bucket;
  }
}
