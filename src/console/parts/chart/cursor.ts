/** One cursor for all charts of a page: the time under the pointer, or the one that arrow keys have chosen. */
import { signal } from "@preact/signals";

/** Seconds since 1970; undefined: the newest values are shown. */
export const cursor = signal<number | undefined>(undefined);

/** The place of the cursor in these times, or the last place. */
export const placeOf = (times: readonly number[], at: number | undefined): number => {
  if (at === undefined || times.length === 0) return times.length - 1;
  let nearest = 0;
  for (let place = 1; place < times.length; place++)
    if (Math.abs(times[place]! - at) < Math.abs(times[nearest]! - at)) nearest = place;
  return nearest;
};

/** Moves by this many places; beyond the end it lets the newest values be shown again. */
export const moveCursor = (times: readonly number[], by: number): void => {
  const to = placeOf(times, cursor.peek()) + by;
  cursor.value = to >= times.length ? undefined : times[Math.max(0, to)];
};
