/**
 * The times of entries. They follow the wall clock and never go back, except when the clock is set by a second or more:
 * such a step is reported, and later entries have the new time. The first entry of a run also reports a step if it is
 * earlier than the previous run's last entry, or a day or more later. The indexes give the order of entries.
 */
import { isDoubtful } from "./clock-trust.ts";
import { wallMicros } from "../../time.ts";

/** Both in microseconds: since 1970, and on a monotonic clock. */
export type Clocks = { readonly wall: () => number; readonly steady: () => number };

/** The expected time, and the time that the clock showed. */
export type Step = { readonly from: number; readonly to: number };

export const systemClocks: Clocks = { wall: wallMicros, steady: () => performance.now() * 1000 };

/** A smaller difference is drift, or a clock being adjusted in small steps. */
const STEP_MICROS = 1_000_000;

export class EntryClock {
  readonly #clocks: Clocks;
  #wall: number;
  #steady: number;
  /** The time of the last entry. */
  #last = 0;
  /** The time of the previous run's last entry, until this run's first one. */
  #before: number | undefined;

  /** `before`: the time of the previous run's last entry. */
  constructor(clocks: Clocks, before?: number) {
    this.#before = before;
    this.#clocks = clocks;
    this.#wall = clocks.wall();
    this.#steady = clocks.steady();
  }

  /** The time for the next entry. If the clock was set since the last call, `onStep` is called first. */
  next(onStep: (step: Step) => void): number {
    const now = this.#readClocks();
    const step = this.#sinceBefore() ?? now;
    if (step) {
      this.#last = this.#wall;
      onStep(step);
    }
    // While the clock is adjusted back in small steps, times do not advance.
    return (this.#last = Math.max(this.#last, this.#wall));
  }

  /** The clock's time, not for an entry. */
  wallTime(): number {
    return this.#clocks.wall();
  }

  #sinceBefore(): Step | undefined {
    if (this.#before === undefined) return undefined;
    const step = { from: this.#before, to: this.#wall };
    this.#before = undefined;
    return step.from - step.to >= STEP_MICROS || isDoubtful(step) ? step : undefined;
  }

  #readClocks(): Step | undefined {
    const [wall, steady] = [this.#clocks.wall(), this.#clocks.steady()];
    const expected = Math.round(this.#wall + steady - this.#steady);
    this.#wall = wall;
    this.#steady = steady;
    return Math.abs(wall - expected) >= STEP_MICROS ? { from: expected, to: wall } : undefined;
  }
}
