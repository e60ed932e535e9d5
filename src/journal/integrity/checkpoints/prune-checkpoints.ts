/**
 * Checkpoints that are no longer needed one by one: each covers all that those before it cover. Of the last two days all are kept, of the last ninety
 * the last of each hour, and of the time before the last of each day. So a year at one a minute is some five thousand files, and a change is still
 * told to the day.
 */
import type { Journal } from "./append.ts";
import { COSIGNED, numbersIn, places, TIMESTAMP } from "./places.ts";

const HOUR = 3_600_000;
const DAY = 24 * HOUR;

/** `at`: milliseconds since 1970. Beside it may lie the cosignatures of witnesses and a timestamp. */
export type Dated = {
  readonly size: number;
  readonly at: number;
  readonly isCosigned?: boolean;
  readonly isStamped?: boolean;
};

/** Those that may go; never the newest, and of each span the last one that somebody outside vouched for stays too. */
export const superfluous = (checkpoints: readonly Dated[], now: number): number[] => {
  const span = (at: number): number => (now - at < 2 * DAY ? 0 : now - at < 90 * DAY ? HOUR : DAY);
  // Hours and days in which a later one was seen: of any kind, cosigned, with a timestamp.
  const [any, cosigned, stamped] = [new Set<string>(), new Set<string>(), new Set<string>()];
  const gone: number[] = [];
  for (const { size, at, isCosigned, isStamped } of checkpoints.toReversed()) {
    const own = spanName(at, span(at));
    const isNeeded = (isCosigned && !cosigned.has(own)) || (isStamped && !stamped.has(own));
    if (span(at) > 0 && any.has(own) && !isNeeded) gone.push(size);
    for (const name of [spanName(at, HOUR), spanName(at, DAY)]) {
      any.add(name);
      if (isCosigned) cosigned.add(name);
      if (isStamped) stamped.add(name);
    }
  }
  return gone.toReversed();
};

const spanName = (at: number, length: number): string => `${length} ${Math.floor(at / length)}`;

/** Resolves with how many were deleted: at most `most`, the oldest first. `now`: milliseconds since 1970. */
export const thinCheckpoints = async (
  { disk, dir }: Pick<Journal, "disk" | "dir">,
  now = Date.now(),
  most = Number.POSITIVE_INFINITY,
): Promise<number> => {
  const at = places(dir);
  const names = await disk.list(at.checkpoints);
  const [cosigned, stamped] = [new Set(numbersIn(names, COSIGNED)), new Set(numbersIn(names, TIMESTAMP))];
  const dated: Dated[] = [];
  for (const size of numbersIn(names, "")) {
    const modified = await disk.modified(at.checkpoint(size));
    dated.push({ size, at: modified, isCosigned: cosigned.has(size), isStamped: stamped.has(size) });
  }
  const gone = superfluous(dated, now).slice(0, most);
  for (const size of gone) {
    // What vouches for it first: alone it would be of nothing.
    if (cosigned.has(size)) await disk.remove(at.cosigned(size));
    if (stamped.has(size)) await disk.remove(at.timestamp(size));
    await disk.remove(at.checkpoint(size));
  }
  if (gone.length > 0) await disk.syncDirectory(at.checkpoints);
  return gone.length;
};
