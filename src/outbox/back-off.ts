/** How long to wait before the next attempt, in milliseconds: doubled by each failure, with jitter. */

const SHORTEST_MS = 1000;
const LONGEST_MS = 300_000;
/** Within `give_up` there are at least about this many attempts. */
const LEAST_ATTEMPTS = 8;

/** `failures`: from 1, in a row. `random`: from 0 to 1. */
export const backOff = (failures: number, giveUpMs: number, random: number): number => {
  const longest = Math.min(LONGEST_MS, Math.max(SHORTEST_MS, giveUpMs / LEAST_ATTEMPTS));
  return Math.min(longest, SHORTEST_MS * 2 ** Math.min(failures - 1, 20)) * (0.5 + random);
};
