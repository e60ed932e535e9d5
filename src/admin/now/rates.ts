/** Numbers of the last minute, and the small chart of the last hour. */
import type { Rates } from "../api/now-schema.ts";
import { BUCKETS, quantile } from "../recent/log-buckets.ts";
import type { Activity, RecentActivity } from "../recent/recent-activity.ts";
import { OUTCOMES } from "../recent/second-ring.ts";
import { CELL, KEPT_SECONDS } from "../recent/slot-ring.ts";

type Clock = Pick<RecentActivity, "now" | "since">;

const MINUTE = 59;
/** A slot may begin earlier than a minute ago; a wider one says nothing about the last minute. */
const WAIT_SECONDS = 60;

/** Requests a second over the last minute, or since counting began. */
export const ratesOf = (activities: readonly Activity[], { now, since }: Clock): Rates => {
  const at = now();
  const second = Math.floor(at);
  const counted = Math.max(1, Math.min(MINUTE, second - Math.floor(since)));
  const rates = { ok: 0, ocs_no: 0, refused: 0, no_answer: 0 };
  for (const { seconds } of activities) {
    const sums = seconds.sum(second, MINUTE);
    for (const outcome of OUTCOMES) rates[outcome] += sums[outcome] / counted;
  }
  for (const outcome of OUTCOMES) rates[outcome] = rounded(rates[outcome]);
  return rates;
};

/** The wait for a lane that 95 of 100 requests of the last minute did not exceed, in milliseconds. */
export const queueP95 = (activities: readonly Activity[], { now }: Clock): number | null => {
  const sum = new Float64Array(BUCKETS);
  for (const { slots } of activities)
    for (const { at } of slots.newest(now() - WAIT_SECONDS))
      for (let bucket = 0; bucket < BUCKETS; bucket++) sum[bucket]! += slots.cells[at + CELL.queue + bucket]!;
  const ms = quantile(sum, 0.95);
  return ms === undefined ? null : rounded(ms);
};

/** Lanes in use at a time, on average over the last minute. */
export const lanesUsed = (activity: Activity | undefined, { now, since }: Clock): number => {
  if (!activity) return 0;
  const at = now();
  let [tenths, from] = [0, at - WAIT_SECONDS];
  for (const slot of activity.slots.newest(at - WAIT_SECONDS)) {
    tenths += activity.slots.cells[slot.at + CELL.ocsTenths]!;
    from = Math.min(from, slot.from);
  }
  return rounded(tenths / 10_000 / Math.max(1, at - Math.max(from, since)));
};

const SPARK_SECONDS = 120;
/** A slot that has just begun. */
const LEAST_SECONDS = 0.001;
const SPARK_POINTS = KEPT_SECONDS / SPARK_SECONDS;

/** Requests in each two minutes before now, of the last sixty, the oldest first. */
export const sparkOf = (activity: Activity | undefined, { now }: Clock): number[] => {
  const points = Array.from({ length: SPARK_POINTS }, () => 0);
  const at = now();
  const first = at - KEPT_SECONDS;
  for (const slot of activity?.slots.newest(first) ?? []) {
    const { cells } = activity!.slots;
    const requests = cells[slot.at]! + cells[slot.at + 1]! + cells[slot.at + 2]! + cells[slot.at + 3]!;
    // A slot is spread over the points in which it lies.
    const from = Math.min(Math.max(first, slot.from), at - LEAST_SECONDS);
    const to = Math.min(at, slot.to);
    for (let place = Math.floor((from - first) / SPARK_SECONDS); place < SPARK_POINTS; place++) {
      const begin = first + place * SPARK_SECONDS;
      const part = (Math.min(to, begin + SPARK_SECONDS) - Math.max(from, begin)) / (to - from);
      if (part <= 0) break;
      points[place]! += requests * part;
    }
  }
  return points.map(rounded);
};

const rounded = (value: number): number => Math.round(value * 1000) / 1000;
