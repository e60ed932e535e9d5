/** What time it is for what cannot be undone: the clock's, unless it is not believed, and then the last one that was, gone on. */
import type { Clocks } from "./clock.ts";
import type { ClockTrust, Doubt } from "./clock-trust.ts";
import type { Clock } from "./entry.ts";

/** What is known of the time when something is to be done that cannot be undone. */
export type Believed = {
  /** Why the clock is not believed: it went from here to there between two entries, and nobody has confirmed it. Microseconds since 1970. */
  readonly doubt: Doubt | undefined;
  /**
   * The time at least, in microseconds since 1970: as the clock shows it where it is believed and the journal has been open for an hour, else from
   * the last entry that is believed on, by the monotonic clock.
   */
  readonly now: number;
  /** Milliseconds since the journal was opened, by the monotonic clock. */
  readonly ran: number;
};

const HOUR_MICROS = 3_600_000_000;

type Parts = {
  readonly clocks: Clocks;
  readonly trust: ClockTrust;
  /** The time of the last entry that was there, in microseconds since 1970; undefined when there was none. */
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

  /** A step is believed or not from the moment at which it is seen, whatever becomes of its entry. */
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
    // A clock that was right a while ago may be wrong since the start, by less than a day: of that the entries of an hour are the proof.
    return {
      doubt,
      now: ran < HOUR_MICROS && newest !== undefined ? Math.min(wall, newest + ran) : wall,
      ran: ran / 1000,
    };
  }
}
