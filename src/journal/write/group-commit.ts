/**
 * How long a batch is filled before it is written (group commit). A flush costs as much as several requests, whatever
 * its size. So while the journal is busy, a batch waits as long as every turn of the event loop adds lines, and no
 * longer: where lines come singly, none waits.
 */

const LONGEST_MICROS = 5000;

export class GroupCommit {
  /** Microseconds on a monotonic clock. */
  readonly #steady: () => number;
  /** The previous batch held several lines. */
  #busy = false;
  /** The number of lines at the last call; 0 before the first call for this batch. */
  #lines = 0;
  #since = 0;

  constructor(steady: () => number) {
    this.#steady = steady;
  }

  /** Whether a batch with this many lines should wait for another turn of the event loop. Called once per turn. */
  shouldWait(lines: number): boolean {
    if (!this.#busy || lines === this.#lines) return false;
    if (this.#lines === 0) this.#since = this.#steady();
    this.#lines = lines;
    return this.#steady() - this.#since < LONGEST_MICROS;
  }

  /** A batch of this many lines is being written, and the next one begins. */
  onBatchStart(lines: number): void {
    this.#busy = lines > 1;
    this.#lines = 0;
  }
}
