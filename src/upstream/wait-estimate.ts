/**
 * Estimates how long a new request would wait for a lane, from the requests before it in the queue and the measured
 * service time. A request that would wait too long is refused, with the `Retry-After` computed here.
 */
import type { FairQueue, QueueItem } from "./fair-queue.ts";
import type { ServiceTime } from "./service-time.ts";
import type { UpstreamError } from "./types.ts";
import { waitTooLong } from "./upstream-errors.ts";

type Options = { readonly connections: number; readonly queue: { readonly maxWait: number } };

/** Seconds. A longer estimate would be useless, because other tenants may stop sending meanwhile. */
const LONGEST_RETRY_AFTER = 60;

/** What an estimate depends on. */
export type Waiting = Pick<QueueItem, "tenant" | "urgent">;

export class WaitEstimate {
  readonly #queue: FairQueue<QueueItem>;
  readonly #serviceTime: ServiceTime;
  readonly #freeLanes: { readonly size: number };

  constructor(queue: FairQueue<QueueItem>, serviceTime: ServiceTime, freeLanes: { readonly size: number }) {
    [this.#queue, this.#serviceTime, this.#freeLanes] = [queue, serviceTime, freeLanes];
  }

  /**
   * Milliseconds until a new request would get one of `lanes` lanes, with its tenant's share; 0 while unknown. Without
   * a lane, as with one: the gateway may get it from another at any time.
   */
  waitFor({ tenant, urgent }: Waiting, lanes: number): number {
    if (this.#freeLanes.size > 0 && this.#queue.size === 0) return 0;
    const { perRequest } = this.#serviceTime;
    if (perRequest === undefined) return 0;
    return ((this.#queue.countBefore(tenant, urgent) + 1) * perRequest) / Math.max(1, lanes);
  }

  /** The error for a request that would wait longer than `maxWait`. */
  errorIfTooLong(item: Waiting, { connections, queue: { maxWait } }: Options): UpstreamError | undefined {
    const wait = this.waitFor(item, connections);
    return wait <= maxWait ? undefined : waitTooLong(maxWait, retryAfterFor(wait));
  }

  /** The same as `Retry-After`. */
  retryAfter(item: Waiting, lanes: number): number {
    return retryAfterFor(this.waitFor(item, lanes));
  }
}

/** `Retry-After`, in whole seconds, after an estimated wait in milliseconds. */
const retryAfterFor = (wait: number): number => Math.min(LONGEST_RETRY_AFTER, Math.max(1, Math.ceil(wait / 1000)));
