/**
 * How often credentials may fail, by address and by credential. An address pays for each credential that fails, once,
 * however often it comes again; the credential itself pays each time. So a client behind a proxy that repeats one bad
 * credential slows itself, and an address that tries many is slowed as a whole. What is known to be valid passes all the
 * same, and of what may well be, a few are verified each second.
 */
import { networkOf } from "../../network.ts";
import { Bucket } from "./bucket.ts";
import type { Limit } from "../register.ts";

export type Failures = {
  /** Digests of what failed; none where nothing could be read. Whole seconds until one of them may fail again; 0 when it may now. */
  readonly count: (source: string, credentials: readonly string[]) => number;
  /** Whole seconds until the address may fail again; 0 when it may now. */
  readonly wait: (source: string) => number;
  /** Leave to verify one credential of an address that has to wait. */
  readonly mayTry: (source: string) => boolean;
};

type Options = {
  /** Milliseconds on a clock that is never set. */ readonly now?: () => number;
  readonly capacity?: number;
};

/** Of more addresses, or credentials, than this, those that have not failed for the longest time are forgotten. */
const CAPACITY = 50_000;
/** Some 4 ms of a processor each second: a signature takes up to 0.15 ms. */
const TRIES: Limit = { points: 25, seconds: 1 };

export const createFailures = (
  allowance: Limit,
  { now = () => performance.now(), capacity = CAPACITY }: Options = {},
): Failures => {
  const bySource = new Buckets(allowance, capacity);
  const byCredential = new Buckets(allowance, capacity);
  const tries = new Buckets(TRIES, capacity);
  return {
    count: (source, credentials) => {
      const at = now();
      // What cannot be read costs as little as no credential at all.
      if (!credentials.every((each) => byCredential.get(each))) bySource.renew(networkOf(source)).take(at);
      return Math.max(
        0,
        ...credentials.map((each) => {
          const bucket = byCredential.renew(each);
          const wait = bucket.wait(at);
          bucket.take(at);
          return seconds(wait);
        }),
      );
    },
    wait: (source) => (bySource.size === 0 ? 0 : seconds(bySource.get(networkOf(source))?.wait(now()))),
    mayTry: (source) => {
      const bucket = tries.renew(networkOf(source));
      if (bucket.left(now()) < 1) return false;
      bucket.take(now());
      return true;
    },
  };
};

const seconds = (ms = 0): number => Math.ceil(ms / 1000);

class Buckets {
  readonly #allowance: Limit;
  readonly #capacity: number;
  readonly #all = new Map<string, Bucket>();

  constructor(allowance: Limit, capacity: number) {
    this.#allowance = allowance;
    this.#capacity = capacity;
  }

  get size(): number {
    return this.#all.size;
  }

  get(key: string): Bucket | undefined {
    return this.#all.get(key);
  }

  /** It is the last to be forgotten. */
  renew(key: string): Bucket {
    const bucket = this.#all.get(key) ?? new Bucket(this.#allowance);
    this.#all.delete(key);
    if (this.#all.size >= this.#capacity) this.#all.delete(this.#all.keys().next().value!);
    this.#all.set(key, bucket);
    return bucket;
  }
}
