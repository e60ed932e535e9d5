/**
 * How many requests came within a time, for windows of several lengths, in constant memory. The limiter's window begins
 * with its first request, and where it began depends on all requests before; so the meter looks for the most requests
 * in any window of that length, wherever it begins. A limit that allows these refused none of them.
 */
import type { Limit } from "../../tenancy/registry.ts";

/** Seconds. Minutes and hours are multiples of what is before them, so that `burst` is a multiple of the rate. */
export const WINDOWS = [1, 2, 5, 10, 30, 60, 120, 300, 600, 1800, 3600] as const;

/** Parts of a window: a sum of whole parts counts up to one part too much, 5 % of the window. */
const PARTS = 20;

class Window {
  readonly #part: number;
  readonly #counts = new Uint32Array(PARTS + 1);
  #newest = Number.NaN;
  #sum = 0;
  /** The most requests in any window of this length, or a few more. */
  most = 0;

  constructor(seconds: number) {
    this.#part = (seconds * 1000) / PARTS;
  }

  /** Milliseconds since 1970. Returns the requests in the window that ends there. */
  add(at: number): number {
    const part = Math.floor(at / this.#part);
    if (Number.isNaN(this.#newest)) this.#newest = part;
    if (part > this.#newest) this.#moveTo(part);
    // Entries are not exactly in the order of arrival; an older one counts at the oldest part that is left.
    const place = Math.max(part, this.#newest - PARTS);
    this.#counts[place % this.#counts.length]!++;
    this.#sum++;
    this.most = Math.max(this.most, this.#sum);
    return this.#sum;
  }

  #moveTo(part: number): void {
    if (part - this.#newest > PARTS) {
      this.#counts.fill(0);
      this.#sum = 0;
    } else {
      for (let next = this.#newest + 1; next <= part; next++) {
        const place = next % this.#counts.length;
        this.#sum -= this.#counts[place]!;
        this.#counts[place] = 0;
      }
    }
    this.#newest = part;
  }
}

/** Counts exactly up to 1,024, and in steps of 1 % beyond. */
class Histogram {
  readonly #counts: number[] = [];
  #total = 0;

  add(value: number): void {
    const place = value <= EXACT ? value : EXACT + Math.ceil(Math.log(value / EXACT) / Math.log(STEP));
    this.#counts[place] = (this.#counts[place] ?? 0) + 1;
    this.#total++;
  }

  /** The value that this share of all values does not exceed; 0 without values. */
  quantile(share: number): number {
    let left = Math.ceil(this.#total * share);
    for (const [place, count = 0] of this.#counts.entries()) {
      left -= count;
      if (left <= 0) return place <= EXACT ? place : Math.ceil(EXACT * STEP ** (place - EXACT));
    }
    return 0;
  }
}

const EXACT = 1024;
const STEP = 1.01;
const QUANTILE = 0.999;

export class RateMeter {
  readonly #windows: ReadonlyMap<number, Window>;
  readonly #second = new Histogram();
  readonly #minute = new Histogram();
  #requests = 0;

  /** `more`: lengths of further windows, in seconds. */
  constructor(more: readonly number[] = []) {
    this.#windows = new Map([...WINDOWS, ...more].map((seconds) => [seconds, new Window(seconds)]));
  }

  /** `at`: when the request came, milliseconds since 1970. */
  add(at: number): void {
    this.#requests++;
    for (const [seconds, window] of this.#windows) {
      const inside = window.add(at);
      if (seconds === 1) this.#second.add(inside);
      if (seconds === 60) this.#minute.add(inside);
    }
  }

  get requests(): number {
    return this.#requests;
  }

  /** The most requests in any window of this length, which is one of `WINDOWS` or one of `more`. */
  most(seconds: number): number {
    const window = this.#windows.get(seconds);
    if (!window) throw new RangeError(`no window of ${seconds} s is measured`);
    return window.most;
  }

  /** 99.9 % of all requests came at no higher rate. */
  get perSecond(): number {
    return this.#second.quantile(QUANTILE);
  }

  get perMinute(): number {
    return this.#minute.quantile(QUANTILE);
  }
}

/** Replays one limit as the gateway counts it: `points` in a window that begins with its first request. */
export class LimitReplay {
  readonly #ms: number;
  readonly #points: number;
  #ends = Number.NEGATIVE_INFINITY;
  #taken = 0;
  /** Requests that it would have refused. */
  refused = 0;

  constructor({ points, seconds }: Limit) {
    [this.#ms, this.#points] = [seconds * 1000, points];
  }

  add(at: number): void {
    if (at >= this.#ends) [this.#ends, this.#taken] = [at + this.#ms, 0];
    this.#taken++;
    if (this.#taken > this.#points) this.refused++;
  }
}
