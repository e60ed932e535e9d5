/** A request on its way through a switchboard: in the queue, on a lane, or over. */
import { NoAnswer, type Answer, type Request, type Withdrawal } from "./exchange.ts";

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
export const refuse = (
  job: Job,
  reason: NoAnswer,
  waits = { queue: performance.now() - job.queuedAt, ocs: 0 },
): void => {
  unwatch(job);
  reason.waits = waits;
  job.reject(reason);
};

const WITHDRAWN: Readonly<Record<Withdrawal, string>> = {
  void: "no such record for this tenant",
  unclear: "whose record it is cannot be told just now",
  revoked:
    "while the request waited its credential was revoked or expired, or its client or tenant was taken out of the config",
};

export const withdrawal = (why: Withdrawal): NoAnswer =>
  new NoAnswer(why, false, WITHDRAWN[why], why === "unclear" ? 1 : undefined);

/** True when it may not be sent any more: then it is refused here. */
export const isWithdrawn = (job: Job): boolean => {
  const why = job.request.withdrawn?.();
  if (why === undefined) return false;
  refuse(job, withdrawal(why));
  return true;
};
