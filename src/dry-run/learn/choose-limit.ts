/** Chooses the numbers of a limit: the rate that was seen with headroom, and a burst that refuses nothing of it. */
import { WINDOWS, type RateMeter } from "./rate-meter.ts";

/** As the config has it. `seconds`: the length of its window, which is burst/rate. */
export type ChosenLimit = { readonly rate: string; readonly burst: number; readonly seconds: number };

export const HEADROOM = 1.5;
/** From this many requests in a minute, the rate is per second. */
const BUSY = 300;
/** The lowest rate that is proposed, per minute: a limit protects from floods, and must not hinder a person. */
const LOWEST = 10;
/** The schema's maximum. */
const MOST_BURST = 1_000_000;

type Unit = { readonly unit: "s" | "m"; readonly seconds: number };

/** Undefined without requests, and where no numbers of the config would allow what was seen. */
export const chooseLimit = (meter: RateMeter): ChosenLimit | undefined => {
  if (meter.requests === 0) return undefined;
  const isBusy = meter.perMinute >= BUSY;
  const unit: Unit = isBusy ? { unit: "s", seconds: 1 } : { unit: "m", seconds: 60 };
  const seen = isBusy ? meter.perSecond : meter.perMinute;
  const wanted = Math.max(Math.ceil(seen * HEADROOM), isBusy ? 1 : LOWEST);
  return fitting(meter, unit, wanted) ?? sustained(meter, unit);
};

/** The shortest window, from twice the unit on as in the config's default burst, that allows what was seen. */
const fitting = (meter: RateMeter, { unit, seconds }: Unit, count: number): ChosenLimit | undefined => {
  for (const window of WINDOWS) {
    const burst = (count * window) / seconds;
    if (window < 2 * seconds || burst > MOST_BURST) continue;
    if (meter.most(window) <= burst) return { rate: `${count}/${unit}`, burst, seconds: window };
  }
  return undefined;
};

/** A rate that was exceeded for longer than every window: the highest one of the longest window that has a burst. */
const sustained = (meter: RateMeter, unit: Unit): ChosenLimit | undefined => {
  for (const window of WINDOWS.toReversed()) {
    if (window < 2 * unit.seconds) continue;
    const count = Math.ceil((meter.most(window) * unit.seconds * HEADROOM) / window);
    const found = fitting(meter, unit, count);
    if (found) return found;
  }
  return undefined;
};
