/**
 * How long a group is filled before it goes to the disk. A flush costs as much as several requests, whatever it carries. So while the journal is
 * busy a group waits as long as every turn of the event loop brings more lines, and not a moment longer: where they come singly, none waits.
 */

const LONGEST_MICROS = 5000;

export class Gathering {
  /** Microseconds on a clock that nobody sets. */
  readonly #steady: () => number;
  /** The group before this one held several lines. */
  #busy = false;
  /** As they were when last asked; 0 when not asked yet about this group. */
  #lines = 0;
  #since = 0;

  constructor(steady: () => number) {
    this.#steady = steady;
  }

  /** Asked in turn after turn of the event loop: whether a group of so many lines is to wait for another turn. */
  waits(lines: number): boolean {
    if (!this.#busy || lines === this.#lines) return false;
    if (this.#lines === 0) this.#since = this.#steady();
    this.#lines = lines;
    return this.#steady() - this.#since < LONGEST_MICROS;
  }

  /** A group of so many lines goes to the disk, and the next one is begun. */
  went(lines: number): void {
    this.#busy = lines > 1;
    this.#lines = 0;
  }
}
