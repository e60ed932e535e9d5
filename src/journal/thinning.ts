/**
 * Checkpoints that are no longer needed one by one: each covers all that those before it cover. Of the last two days all are kept, of the last ninety
 * the last of each hour, and of the time before the last of each day. So a year at one a minute is some five thousand files, and a change is still
 * told to the day.
 */
import type { Journal } from "./append.ts";
import { numbersIn, places } from "./places.ts";

const HOUR = 3_600_000;
const DAY = 24 * HOUR;

/** `at`: milliseconds since 1970. */
export type Dated = { readonly size: number; readonly at: number };

/** Those that may go; never the newest. */
export const superfluous = (checkpoints: readonly Dated[], now: number): number[] => {
  const span = (at: number): number => (now - at < 2 * DAY ? 0 : now - at < 90 * DAY ? HOUR : DAY);
  return checkpoints.flatMap(({ size, at }, place) => {
    const next = checkpoints[place + 1];
    const own = span(at);
    return next && own > 0 && Math.floor(at / own) === Math.floor(next.at / own) ? [size] : [];
  });
};

/** Resolves with how many were deleted: at most `most`, the oldest first. `now`: milliseconds since 1970. */
export const thinCheckpoints = async ({ disk, dir }: Pick<Journal, "disk" | "dir">, now = Date.now(), most = Number.POSITIVE_INFINITY): Promise<number> => {
  const at = places(dir);
  const dated: Dated[] = [];
  for (const size of numbersIn(await disk.list(at.checkpoints), "")) dated.push({ size, at: await disk.modified(at.checkpoint(size)) });
  const gone = superfluous(dated, now).slice(0, most);
  for (const size of gone) await disk.remove(at.checkpoint(size));
  if (gone.length > 0) await disk.syncDirectory(at.checkpoints);
  return gone.length;
};
