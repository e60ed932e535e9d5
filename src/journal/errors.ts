/** The journal's errors: its disk failed, or its directory is damaged. */
import { LoggableError } from "../common/log/loggable-error.ts";

export { reason as reasonOf } from "../common/system-error.ts";

export class JournalUnavailable extends LoggableError {
  override readonly name = "JournalBroken";
  /** The disk's error in a few words, without a path. */
  readonly reason: string;

  constructor(dir: string, reason: string, cause?: unknown) {
    super(`the journal in ${dir} cannot be written: ${reason}`, { cause });
    this.reason = reason;
  }
}

/** The directory holds lines or files that the journal did not write, or that were changed since. */
export class JournalDamaged extends Error {
  override readonly name = "JournalDamaged";
}
