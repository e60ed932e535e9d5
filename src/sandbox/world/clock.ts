/** The sandbox's clock: the machine's time plus an offset that users can set. */
export type Clock = {
  /** Milliseconds since 1970. */
  readonly now: () => number;
  /** Milliseconds by which it is ahead of the machine's time. */
  readonly ahead: () => number;
  readonly advance: (milliseconds: number) => void;
  readonly set: (instant: number) => void;
  readonly reset: () => void;
};

export const createClock = (source: () => number = Date.now): Clock => {
  let ahead = 0;
  return {
    now: () => source() + ahead,
    ahead: () => ahead,
    advance: (milliseconds) => {
      ahead += milliseconds;
    },
    set: (instant) => {
      ahead = instant - source();
    },
    reset: () => {
      ahead = 0;
    },
  };
};

export const secondsOf = (clock: Clock): number => Math.floor(clock.now() / 1000);
