/**
 * The time that irreversible actions rely on: the clock's time or, while the clock is not trusted, the last trusted
 * time plus what has passed since.
 */
import type { Clocks } from "./entry-clock.ts";
import type { ClockTrust, Doubt } from "./clock-trust.ts";
import type { Clock } from "../../entry.ts";

/** What is known of the time before an irreversible action. */
export type Believed = {
  /**
   * Why the clock is not trusted: it jumped between two entries, and nobody has confirmed it. Microseconds since 1970.
   */
  readonly doubt: Doubt | undefined;
  /**
   * A lower bound of the time, in microseconds since 1970: the clock's time if it is trusted and the journal has been
   * open for an hour, otherwise the last trusted entry's time plus the monotonic time since.
   */
  readonly now: number;
  /** Milliseconds since the journal was opened, by the monotonic clock. */
  readonly ran: number;
};

const HOUR_MICROS = 3_600_000_000;

type Parts = {
  readonly clocks: Clocks;
  readonly trust: ClockTrust;
  /** The time of the last existing entry, in microseconds since 1970; undefined when there was none. */
  readonly newest: number | undefined;
};

export class BelievedTime {
  readonly #parts: Parts;
  readonly #began: number;
  #doubtedAt: number | undefined;

  constructor(parts: Parts) {
    this.#parts = parts;
    this.#began = parts.clocks.steady();
  }

  /** A step counts from the moment at which it is detected, even if its entry is lost. */
  note(entry: Clock): void {
    const { trust, clocks } = this.#parts;
    const before = trust.doubt;
    trust.take(entry);
    if (trust.doubt !== before) this.#doubtedAt = trust.doubt && clocks.steady();
  }

  get believed(): Believed {
    const {
      trust: { doubt },
      newest,
      clocks,
    } = this.#parts;
    const steady = clocks.steady();
    const ran = steady - this.#began;
    if (doubt) return { doubt, now: doubt.from + (steady - (this.#doubtedAt ?? this.#began)), ran: ran / 1000 };
    const wall = clocks.wall();
    // A clock that was right in the previous run may have been off by less than a day since the start: only an hour of
    // entries shows that it is not.
    return {
      doubt,
      now: ran < HOUR_MICROS && newest !== undefined ? Math.min(wall, newest + ran) : wall,
      ran: ran / 1000,
    };
  }
}
