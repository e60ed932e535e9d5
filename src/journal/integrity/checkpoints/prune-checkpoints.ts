/**
 * Deletes checkpoints that are no longer needed: each covers everything that earlier ones cover. All of the last two
 * days are kept, of the last ninety days the last of each hour, and before that the last of each day. A year at one per
 * minute leaves about 5,000 files, and a change can still be dated to the day.
 */
import type { Journal } from "../../journal.ts";
import { COSIGNED, numbersIn, paths, TIMESTAMP } from "../../paths.ts";

const HOUR = 3_600_000;
const DAY = 24 * HOUR;

/** `at`: milliseconds since 1970. There may be cosignatures and a timestamp beside it. */
export type Dated = {
  readonly size: number;
  readonly at: number;
  readonly isCosigned?: boolean;
  readonly isStamped?: boolean;
};

/** Sizes that can be deleted; never the newest, and never the last cosigned or timestamped one of a span. */
export const superfluous = (checkpoints: readonly Dated[], now: number): number[] => {
  const span = (at: number): number => (now - at < 2 * DAY ? 0 : now - at < 90 * DAY ? HOUR : DAY);
  // Hours and days with a later checkpoint: any, cosigned, with a timestamp.
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

/** Resolves to the number of deleted checkpoints: at most `most`, oldest first. `now`: milliseconds since 1970. */
export const pruneCheckpoints = async (
  { disk, dir }: Pick<Journal, "disk" | "dir">,
  now = Date.now(),
  most = Number.POSITIVE_INFINITY,
): Promise<number> => {
  const at = paths(dir);
  const names = await disk.list(at.checkpoints);
  const [cosigned, stamped] = [new Set(numbersIn(names, COSIGNED)), new Set(numbersIn(names, TIMESTAMP))];
  const dated: Dated[] = [];
  for (const size of numbersIn(names, "")) {
    const modified = await disk.modified(at.checkpoint(size));
    dated.push({ size, at: modified, isCosigned: cosigned.has(size), isStamped: stamped.has(size) });
  }
  const gone = superfluous(dated, now).slice(0, most);
  for (const size of gone) {
    // Cosignatures and timestamp first: without their checkpoint they are useless.
    if (cosigned.has(size)) await disk.remove(at.cosigned(size));
    if (stamped.has(size)) await disk.remove(at.timestamp(size));
    await disk.remove(at.checkpoint(size));
  }
  if (gone.length > 0) await disk.syncDirectory(at.checkpoints);
  return gone.length;
};
