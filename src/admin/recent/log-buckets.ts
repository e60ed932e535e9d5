/** Buckets of durations, wide as a factor of √2, so that a quantile read from them is at most a fifth off. */

export const BUCKETS = 32;
/** Milliseconds. Shorter times are in bucket 0; the last bucket has all from 16 s on. */
const FIRST_BOUND = 0.5;

export const bucketOf = (ms: number): number =>
  ms < FIRST_BOUND ? 0 : Math.min(BUCKETS - 1, 1 + Math.floor(2 * Math.log2(ms / FIRST_BOUND)));

const lowerBound = (bucket: number): number => (bucket === 0 ? 0 : FIRST_BOUND * 2 ** ((bucket - 1) / 2));

/** The duration in milliseconds that this part of all (0 to 1) does not exceed; undefined without any. */
export const quantile = (buckets: ArrayLike<number>, part: number): number | undefined => {
  let all = 0;
  for (let at = 0; at < BUCKETS; at++) all += buckets[at]!;
  if (all === 0) return undefined;
  const wanted = part * all;
  let below = 0;
  for (let at = 0; at < BUCKETS; at++) {
    const count = buckets[at]!;
    if (count > 0 && below + count >= wanted) {
      const [from, to] = [lowerBound(at), lowerBound(at + 1)];
      const within = (wanted - below) / count;
      return at === 0 ? to * within : from * (to / from) ** within;
    }
    below += count;
  }
  return lowerBound(BUCKETS);
};
