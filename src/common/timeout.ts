/** Time limits for work that cannot be cancelled, such as disk access. */
import { LoggableError } from "./log/loggable-error.ts";

/** The work took too long; it goes on and may still end. */
export class TimeoutError extends LoggableError {
  override readonly name = "TimeoutError";
}

export const isTimeout = (error: unknown): boolean => error instanceof TimeoutError;

/** Settles like the work, but rejects with the error from `late` after `ms`. The work goes on. */
export const withDeadline = async <Value>(ms: number, work: Promise<Value>, late: () => Error): Promise<Value> => {
  const { promise, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(() => reject(late()), ms);
  try {
    return await Promise.race([work, promise]);
  } finally {
    clearTimeout(timer);
  }
};

/** withDeadline with a TimeoutError that names `subject`, the part that did not answer. */
export const withTimeout = <Value>(ms: number, work: Promise<Value>, subject = "the disk"): Promise<Value> =>
  withDeadline(ms, work, () => new TimeoutError(`no answer from ${subject} for ${ms} ms`));
