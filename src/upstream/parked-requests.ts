/** Requests that wait for the end of an earlier request for the same record, before they are queued. */
import { rejectIfWithdrawn, rejectRequest, startWaiting, stopWaiting, type QueuedRequest } from "./queued-request.ts";
import type { UpstreamError } from "./types.ts";
import { earlierInFlight, queueFull } from "./upstream-errors.ts";

export class ParkedRequests {
  readonly #parked = new Set<QueuedRequest>();

  /**
   * Calls `resume` when `earlier` resolves; until then the request takes no turn. Rejects it after `maxWait`
   * milliseconds, or if `max` requests of its tenant are parked already.
   */
  park(
    queued: QueuedRequest,
    earlier: Promise<void>,
    { max, maxWait }: { readonly max: number; readonly maxWait: number },
    resume: (queued: QueuedRequest) => void,
  ): void {
    const ofTenant = [...this.#parked].filter(({ tenant }) => tenant === queued.tenant);
    if (ofTenant.length >= max) return rejectRequest(queued, queueFull(1));
    this.#parked.add(queued);
    const leave = (error: UpstreamError): void => {
      if (this.#parked.delete(queued)) rejectRequest(queued, error);
    };
    startWaiting(queued, maxWait, { onTimeout: () => leave(earlierInFlight()), leave });
    void earlier.then(() => {
      if (!this.#parked.delete(queued)) return;
      stopWaiting(queued);
      if (!rejectIfWithdrawn(queued)) resume(queued);
    });
  }
}
