/**
 * Whether the clock can be trusted before an irreversible action: deleting by age, or expiring a revocation. A clock
 * that jumped forward by a day or more, while the gateway ran or between two runs, is not trusted: an entry of kind
 * `clock` says `unconfirmed`. It is trusted again when somebody confirms it (an entry with `confirmed_by`), or when it
 * goes back to the expected time.
 */
import type { Clock } from "../../entry.ts";
import { readMicros } from "../../time.ts";

/** Microseconds since 1970: the last trusted time, and what the clock showed next. */
export type Doubt = { readonly from: number; readonly to: number };

const DAY_MICROS = 86_400_000_000;

/** An untrusted step: forward by a day or more. */
export const isDoubtful = ({ from, to }: Doubt): boolean => to - from >= DAY_MICROS;

export class ClockTrust {
  #doubt: Doubt | undefined;

  /** Undefined while the clock is trusted. */
  get doubt(): Doubt | undefined {
    return this.#doubt;
  }

  /** Takes every entry of kind clock, in the order of the journal. */
  take(entry: Pick<Clock, "from" | "to" | "unconfirmed" | "confirmed_by">): void {
    const [from, to] = [readMicros(entry.from), readMicros(entry.to)];
    // The entry was written again after an outage of the disk.
    if (this.#doubt?.from === from && this.#doubt.to === to) return;
    if (entry.confirmed_by !== undefined) this.#doubt = undefined;
    else if (!this.#doubt) this.#doubt = entry.unconfirmed ? { from, to } : undefined;
    else {
      // The time that passed on the untrusted clock is real time.
      const expected = this.#doubt.from + (from - this.#doubt.to);
      this.#doubt = Math.abs(to - expected) < DAY_MICROS ? undefined : { from: expected, to };
    }
  }

  /** The value for the start state, and the way to restore it. */
  save(): Doubt | null {
    return this.#doubt ?? null;
  }

  restore(saved: Doubt | null): void {
    this.#doubt = saved ?? undefined;
  }
}
