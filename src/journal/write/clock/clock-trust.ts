/**
 * Whether the clock can be believed before something is done that cannot be undone: what is old enough is deleted, and a revocation ends. A clock
 * that went forward by a day or more, while the gateway ran or between two runs, is not believed: an entry of kind `clock` says `unconfirmed`. It is
 * believed again when somebody confirms it (an entry with `confirmed_by`), or when it goes back to where it should be.
 */
import type { Clock } from "./entry.ts";
import { readMicros } from "./time.ts";

/** Microseconds since 1970: the last time that was believed, and what the clock showed next. */
export type Doubt = { readonly from: number; readonly to: number };

const DAY_MICROS = 86_400_000_000;

/** A step that is not believed: forward by a day or more. */
export const isDoubtful = ({ from, to }: Doubt): boolean => to - from >= DAY_MICROS;

export class ClockTrust {
  #doubt: Doubt | undefined;

  /** Undefined while the clock is believed. */
  get doubt(): Doubt | undefined {
    return this.#doubt;
  }

  /** Every entry of kind clock, in the order of the journal. */
  take(entry: Pick<Clock, "from" | "to" | "unconfirmed" | "confirmed_by">): void {
    const [from, to] = [readMicros(entry.from), readMicros(entry.to)];
    // An entry that an outage of the disk kept is written again.
    if (this.#doubt?.from === from && this.#doubt.to === to) return;
    if (entry.confirmed_by !== undefined) this.#doubt = undefined;
    else if (!this.#doubt) this.#doubt = entry.unconfirmed ? { from, to } : undefined;
    else {
      // What passed on the clock that is not believed has passed all the same.
      const expected = this.#doubt.from + (from - this.#doubt.to);
      this.#doubt = Math.abs(to - expected) < DAY_MICROS ? undefined : { from: expected, to };
    }
  }

  /** For the start state, and back from it. */
  save(): Doubt | null {
    return this.#doubt ?? null;
  }

  restore(saved: Doubt | null): void {
    this.#doubt = saved ?? undefined;
  }
}
