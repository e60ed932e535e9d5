/** Checks that the segment's file is still in its place and that the lock is still held. */
import type { JournalNews } from "../journal.ts";
import { withTimeout } from "../../common/timeout.ts";
import type { Lock } from "../lock/lock.ts";
import type { Segments } from "../segments/segment-writer.ts";

const POLL_MS = 500;

export type PlaceWatchOptions = {
  readonly segments: Pick<Segments, "isInPlace">;
  readonly lock: Lock;
  readonly stuckMs: number;
  readonly onNews: (news: JournalNews) => void;
  /** Nothing is checked while the writer takes no entries. */
  readonly isTaking: () => boolean;
  readonly fail: (error: unknown) => void;
};

export class PlaceWatch {
  readonly #options: PlaceWatchOptions;
  readonly #timer = setInterval(() => void this.#check(), POLL_MS).unref();
  #checking: Promise<boolean> | undefined;
  #isUnlocked = false;

  constructor(options: PlaceWatchOptions) {
    this.#options = options;
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  /**
   * Without the lock another process may be writing: the writer must neither write nor read entries back as its own.
   */
  async requireLock(): Promise<void> {
    const { lock, stuckMs, onNews } = this.#options;
    const fault = await withTimeout(stuckMs, lock.fault());
    if (fault === undefined) return;
    if (!this.#isUnlocked) onNews({ kind: "unlocked", reason: fault });
    this.#isUnlocked = true;
    throw new Error(fault);
  }

  /**
   * A file that was moved or removed still accepts lines, and nobody would find them. One check at a time: each
   * occupies a thread that others need.
   */
  async #check(): Promise<void> {
    const { segments, stuckMs, isTaking, fail } = this.#options;
    if (!isTaking() || this.#checking) return;
    this.#checking = segments.isInPlace();
    try {
      const isInPlace = await withTimeout(stuckMs, this.#checking);
      if (!isInPlace) fail(new Error("the segment's file is no longer in its place"));
      await this.requireLock();
    } catch (error) {
      fail(error);
      await this.#checking;
    }
    this.#checking = undefined;
  }
}
