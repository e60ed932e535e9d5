/**
 * The times of entries. They follow the wall clock and never go back, but when it is set by a second or more: that is a step, which is told, and
 * from then on the times are the new ones. So it is when the first entry of a run is earlier than the last one of the run before, or a day and
 * more later. The order of entries is that of their indexes.
 */
import { isDoubtful } from "./clock-trust.ts";
import { wallMicros } from "./time.ts";

/** Both in microseconds: since 1970, and since any moment on a clock that nobody sets. */
export type Clocks = { readonly wall: () => number; readonly steady: () => number };

/** What the clock would have shown, and what it showed. */
export type Step = { readonly from: number; readonly to: number };

export const systemClocks: Clocks = { wall: wallMicros, steady: () => performance.now() * 1000 };

/** Less than that is drift, or a clock that is put right in small steps. */
const STEP_MICROS = 1_000_000;

export class EntryClock {
  readonly #clocks: Clocks;
  #wall: number;
  #steady: number;
  /** The time of the last entry. */
  #last = 0;
  /** That of the run before, until the first one of this run. */
  #before: number | undefined;

  /** `before`: the time of the last entry of the run before. */
  constructor(clocks: Clocks, before?: number) {
    this.#before = before;
    this.#clocks = clocks;
    this.#wall = clocks.wall();
    this.#steady = clocks.steady();
  }

  /** The time for the next entry. `onStep` is called before it is given, when the clock was set since the last call. */
  next(onStep: (step: Step) => void): number {
    const now = this.#look();
    const step = this.#sinceBefore() ?? now;
    if (step) {
      this.#last = this.#wall;
      onStep(step);
    }
    // A clock that is put right in small steps back makes times stand still.
    return (this.#last = Math.max(this.#last, this.#wall));
  }

  /** What the clock shows, not for an entry. */
  show(): number {
    return this.#clocks.wall();
  }

  #sinceBefore(): Step | undefined {
    if (this.#before === undefined) return undefined;
    const step = { from: this.#before, to: this.#wall };
    this.#before = undefined;
    return step.from - step.to >= STEP_MICROS || isDoubtful(step) ? step : undefined;
  }

  #look(): Step | undefined {
    const [wall, steady] = [this.#clocks.wall(), this.#clocks.steady()];
    const expected = Math.round(this.#wall + steady - this.#steady);
    this.#wall = wall;
    this.#steady = steady;
    return Math.abs(wall - expected) >= STEP_MICROS ? { from: expected, to: wall } : undefined;
  }
}
