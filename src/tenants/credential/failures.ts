/**
 * How often an address may show credentials that do not hold. An address that has used up its allowance is answered before anything is
 * verified, until it has some again; what is known to hold passes all the same, so that a proxy's one bad client locks nobody out.
 */
import { networkOf } from "../../network.ts";
import { Bucket } from "./bucket.ts";
import type { Limit } from "../register.ts";

export type Failures = {
  readonly count: (source: string) => void;
  /** Whole seconds until the address may fail again; 0 when it may now. */
  readonly wait: (source: string) => number;
};

type Options = { /** Milliseconds on a clock that is never set. */ readonly now?: () => number; readonly capacity?: number };

/** Of more addresses than this, those that have not failed for the longest time are forgotten. */
const CAPACITY = 50_000;

export const createFailures = (allowance: Limit, { now = () => performance.now(), capacity = CAPACITY }: Options = {}): Failures => {
  const bySource = new Map<string, Bucket>();
  return {
    count: (source) => {
      const network = networkOf(source);
      const bucket = bySource.get(network) ?? new Bucket(allowance);
      bySource.delete(network);
      if (bySource.size >= capacity) bySource.delete(bySource.keys().next().value!);
      bySource.set(network, bucket);
      bucket.take(now());
    },
    wait: (source) => (bySource.size === 0 ? 0 : Math.ceil((bySource.get(networkOf(source))?.wait(now()) ?? 0) / 1000)),
  };
};
