/** What the journal says when its disk does not do what it must. */

export { reason as reasonOf } from "../system-error.ts";

export class JournalBroken extends Error {
  override readonly name = "JournalBroken";
  /** In few words and without a path: what the disk said. */
  readonly reason: string;

  constructor(dir: string, reason: string, cause?: unknown) {
    super(`the journal in ${dir} cannot be written: ${reason}`, { cause });
    this.reason = reason;
  }
}

/** It did not come in time, and may still come. */
class TooLate extends Error {
  override readonly name = "TooLate";
}

export const isTooLate = (error: unknown): boolean => error instanceof TooLate;

/** Rejects when the work takes longer. It goes on all the same: what was asked of a disk or another machine cannot be taken back. */
export const within = async <Value>(ms: number, work: Promise<Value>, whose = "the disk"): Promise<Value> => {
  const { promise, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(() => reject(new TooLate(`no answer from ${whose} for ${ms} ms`)), ms);
  try {
    return await Promise.race([work, promise]);
  } finally {
    clearTimeout(timer);
  }
};
