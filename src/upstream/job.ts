/** A request on its way through a switchboard: in the queue, on a lane, or over. */
import { NoAnswer, type Answer, type Request } from "./exchange.ts";

export type Job = {
  readonly request: Request;
  readonly tenant: string;
  readonly urgent: boolean;
  readonly bytes: number;
  readonly queuedAt: number;
  readonly resolve: (answer: Answer) => void;
  readonly reject: (reason: NoAnswer) => void;
  readonly gone: (() => AbortSignal) | undefined;
  tries: number;
  timer?: NodeJS.Timeout;
  hangUp?: () => void;
  signal?: AbortSignal | undefined;
};

/** It no longer waits: neither time nor the client takes it out. */
export const unwatch = (job: Job): void => {
  clearTimeout(job.timer);
  if (job.hangUp) job.signal?.removeEventListener("abort", job.hangUp);
};

/** It is over without an answer. */
export const refuse = (job: Job, reason: NoAnswer, waits = { queue: performance.now() - job.queuedAt, ocs: 0 }): void => {
  unwatch(job);
  reason.waits = waits;
  job.reject(reason);
};

/** What it is about has ended while it waited: then it is refused here. */
export const isVoid = (job: Job): boolean => {
  if (job.request.hold?.stands() !== false) return false;
  refuse(job, new NoAnswer("void", false, "no such record for this tenant"));
  return true;
};
