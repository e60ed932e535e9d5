/**
 * Limits how often credentials may fail, by address and by credential. A failing credential counts once for its address
 * and each time for itself. So a client behind a proxy that repeats one invalid credential throttles only itself, while
 * an address that tries many is throttled as a whole. Credentials that were valid before are still accepted, and a few
 * plausible ones are verified each second.
 */
import { networkOf } from "../common/net-address.ts";
import { Buckets } from "./token-bucket.ts";
import type { Limit } from "../tenancy/registry.ts";

export type AuthThrottle = {
  /**
   * Counts a failure. `credentials`: digests of the failed credentials; empty if they are malformed. Returns the whole
   * seconds until one of them may fail again; 0 if it may now.
   */
  readonly recordFailure: (source: string, credentials: readonly string[]) => number;
  /** Whole seconds until the address may fail again; 0 if it may now. */
  readonly secondsToWait: (source: string) => number;
  /** True when one credential of a throttled address may be verified. */
  readonly mayVerify: (source: string) => boolean;
};

type Options = {
  /** Milliseconds of a monotonic clock. */
  readonly now?: () => number;
  readonly capacity?: number;
};

/** Maximum addresses and maximum credentials remembered; the least recently failed one is dropped first. */
const CAPACITY = 50_000;
/** About 4 ms of CPU time each second: one signature takes up to 0.15 ms. */
const VERIFICATIONS: Limit = { points: 25, seconds: 1 };

export const createAuthThrottle = (
  allowance: Limit,
  { now = () => performance.now(), capacity = CAPACITY }: Options = {},
): AuthThrottle => {
  const bySource = new Buckets(allowance, capacity);
  const byCredential = new Buckets(allowance, capacity);
  const verifications = new Buckets(VERIFICATIONS, capacity);
  return {
    recordFailure: (source, credentials) => {
      const at = now();
      // Malformed credentials count as one failure of the address.
      if (!credentials.every((each) => byCredential.get(each))) bySource.touch(networkOf(source)).take(at);
      return Math.max(
        0,
        ...credentials.map((each) => {
          const bucket = byCredential.touch(each);
          const wait = bucket.msUntilAvailable(at);
          bucket.take(at);
          return seconds(wait);
        }),
      );
    },
    secondsToWait: (source) =>
      bySource.size === 0 ? 0 : seconds(bySource.get(networkOf(source))?.msUntilAvailable(now())),
    mayVerify: (source) => {
      const bucket = verifications.touch(networkOf(source));
      if (bucket.available(now()) < 1) return false;
      bucket.take(now());
      return true;
    },
  };
};

const seconds = (ms = 0): number => Math.ceil(ms / 1000);
