/**
 * Runs work at a fixed rate, concurrently when one run takes long. After a delay it catches up on at most one second's
 * worth of runs.
 */

export type Pace = {
  /** Runs per second, may be fractional; 0: off. */
  readonly set: (rate: number) => void;
  readonly stop: () => void;
};

const SHORTEST_MS = 5;
const LONGEST_MS = 500;
/** At a slow rate, the first run comes after this time, so that users see it work. */
const FIRST_MS = 3000;

/** `work` resolves to the milliseconds to pause before the next run; it must not reject. `atOnce`: concurrent runs. */
export const createPace = (work: () => Promise<number>, atOnce: number): Pace => {
  let rate = 0;
  let budget = 0;
  let counted = 0;
  let paused = 0;
  let under = 0;
  let timer: NodeJS.Timeout | undefined;

  const tick = (): void => {
    const now = performance.now();
    budget = Math.min(budget + ((now - counted) / 1000) * rate, Math.max(1, rate));
    counted = now;
    while (budget >= 1 && under < atOnce && now >= paused) {
      budget--;
      under++;
      void work()
        .then(
          (pause) => {
            paused = Math.max(paused, performance.now() + pause);
          },
          () => undefined,
        )
        .finally(() => {
          under--;
        });
    }
  };
  const stop = (): void => {
    clearInterval(timer);
    timer = undefined;
  };
  return {
    set: (wanted) => {
      if (wanted === rate) return;
      stop();
      rate = wanted;
      if (rate === 0) return;
      counted = performance.now();
      budget = Math.max(0, 1 - (rate * FIRST_MS) / 1000);
      timer = setInterval(tick, Math.min(LONGEST_MS, Math.max(SHORTEST_MS, 1000 / rate))).unref();
    },
    stop,
  };
};
