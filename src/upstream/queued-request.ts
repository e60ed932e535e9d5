/** A request in the switchboard: parked, queued or on a lane, until it is resolved or rejected. */
import type { RawAnswer } from "./lanes/in-flight.ts";
import type { UpstreamStatus } from "./switchboard-types.ts";
import type { Answer, Request, UpstreamError, Waits } from "./types.ts";
import { hungUp, withdrawn } from "./upstream-errors.ts";

export type QueuedRequest = {
  readonly request: Request;
  readonly tenant: string;
  readonly urgent: boolean;
  readonly bytes: number;
  /** Milliseconds on the monotonic clock. */
  readonly queuedAt: number;
  readonly resolve: (answer: Answer) => void;
  readonly reject: (error: Error) => void;
  /** Returns a signal that aborts when the client disconnects. */
  readonly hangUpSignal: (() => AbortSignal) | undefined;
  timer?: NodeJS.Timeout;
  onHangUp?: () => void;
  signal?: AbortSignal | undefined;
};

/**
 * Until `stopWaiting`: calls `leave` when the client disconnects, and `onTimeout` when the request has waited for
 * `maxWait` milliseconds since it was queued.
 */
export const startWaiting = (
  queued: QueuedRequest,
  maxWait: number,
  { onTimeout, leave }: { readonly onTimeout: () => void; readonly leave: (error: UpstreamError) => void },
): void => {
  queued.timer = setTimeout(onTimeout, Math.max(0, queued.queuedAt + maxWait - performance.now()));
  queued.onHangUp = () => leave(hungUp());
  queued.signal = queued.hangUpSignal?.();
  if (queued.signal?.aborted) queued.onHangUp();
  else queued.signal?.addEventListener("abort", queued.onHangUp, { once: true });
};

export const stopWaiting = (queued: QueuedRequest): void => {
  clearTimeout(queued.timer);
  if (queued.onHangUp) queued.signal?.removeEventListener("abort", queued.onHangUp);
};

/** `queue`: milliseconds that the request waited for its lane. */
export const resolveRequest = (
  queued: QueuedRequest,
  { status, headers, body, ms, suspected }: RawAnswer,
  lane: { readonly name: string; readonly endpoint: string },
  queue: number,
): void =>
  queued.resolve({
    status,
    headers,
    body,
    lane: lane.name,
    endpoint: lane.endpoint,
    waits: { queue, ocs: ms },
    ...(suspected && { suspected: true }),
  });

export const rejectRequest = (
  queued: QueuedRequest,
  error: UpstreamError,
  waits: Waits = { queue: performance.now() - queued.queuedAt, ocs: 0 },
): void => {
  stopWaiting(queued);
  error.waits = waits;
  queued.reject(error);
};

/** An internal error says nothing about OCS. What the lane would do next is unknown, so it is closed. */
export const rejectInternal = (queued: QueuedRequest, lane: { readonly close: () => void }, error: unknown): void => {
  lane.close();
  stopWaiting(queued);
  queued.reject(error as Error);
};

/** Rejects a request that must not be sent any more, and returns true. */
export const rejectIfWithdrawn = (queued: QueuedRequest): boolean => {
  const why = queued.request.withdrawn?.();
  if (why === undefined) return false;
  rejectRequest(queued, withdrawn(why));
  return true;
};

/** What a tenant's queue holds, for the status of its upstream. */
export const queueStatus = (
  {
    tenant,
    items,
    bytes,
  }: { readonly tenant: string; readonly items: readonly QueuedRequest[]; readonly bytes: number },
  now: number,
): UpstreamStatus["queue"][number] => ({
  tenant,
  waiting: items.length,
  bytes,
  oldest: now - Math.min(...items.map(({ queuedAt }) => queuedAt)),
});
