/** The last 60 minutes as columns for charts: one number for each step of time. */
import type { Series } from "../api/now-schema.ts";
import { BUCKETS, quantile } from "./log-buckets.ts";
import type { Activity } from "./recent-activity.ts";
import { CELL, CELLS, CODED, KEPT_SECONDS, type Coded, type Slot } from "./slot-ring.ts";

/** Times in seconds on the monotonic clock. */
export type Window = {
  readonly now: number;
  /** When counting began. */
  readonly since: number;
  /** The shortest step. */
  readonly step: number;
};

/**
 * The activities are added up. `all`: of the whole gateway, which says when the open Do-Not-Calls were known. `wall`:
 * milliseconds since 1970 at `now`.
 */
export const seriesOf = (activities: readonly Activity[], all: Activity, window: Window, wall: number): Series => {
  const steps = stepsOf(activities, window);
  const sums = steps.starts.map(() => new Float64Array(CELLS));
  for (const { slots } of activities)
    for (const slot of slots.slots()) {
      const sum = sums[steps.indexOf(slot.from)];
      if (sum) addSlot(sum, slots.cells, slot);
    }
  const of = (cell: number): number[] => sums.map((sum) => sum[cell]!);
  const at = (first: number, part: number): (number | null)[] =>
    sums.map((sum) => rounded(quantile(sum.subarray(first, first + BUCKETS), part)));
  return {
    step_s: steps.step,
    times: steps.starts.map((start) => Math.round(wall / 1000 - (window.now - start))),
    seconds: steps.seconds,
    ok: of(CELL.ok),
    ocs_no: of(CELL.ocsNo),
    refused: of(CELL.refused),
    no_answer: of(CELL.noAnswer),
    queue_p50_ms: at(CELL.queue, 0.5),
    queue_p95_ms: at(CELL.queue, 0.95),
    queue_p99_ms: at(CELL.queue, 0.99),
    ocs_p50_ms: at(CELL.ocs, 0.5),
    ocs_p95_ms: at(CELL.ocs, 0.95),
    lanes_used: of(CELL.ocsTenths).map((tenths, index) => rounded(tenths / 10_000 / steps.seconds[index]!)!),
    dnc_asked: of(CELL.dncAsked),
    dnc_confirmed: of(CELL.dncConfirmed),
    dnc_open: openDoNotCallsOf(activities, all, steps),
    gone: of(CELL.gone),
    would_refuse: of(CELL.wouldRefuse),
    codes: codesOf(activities, steps),
  };
};

type Steps = {
  readonly step: number;
  readonly starts: readonly number[];
  readonly seconds: number[];
  /** The step of a slot; -1 outside. */
  readonly indexOf: (from: number) => number;
};

const LEAST_SECONDS = 0.001;

/** Whole steps within the last 60 minutes and since counting began, and the current one. No slot is in two of them. */
const stepsOf = (activities: readonly Activity[], { now, since, step: least }: Window): Steps => {
  let step = least;
  for (const { slots } of activities) {
    slots.expire(now);
    for (const { from, to } of slots.slots()) while (step < to - from) step = WIDER.get(step) ?? to - from;
  }
  const first = Math.max(Math.ceil((now - KEPT_SECONDS) / step), Math.floor(since / step));
  const count = Math.floor(now / step) - first + 1;
  const starts = Array.from({ length: count }, (_, index) => (first + index) * step);
  const seconds = starts.map((start) =>
    rounded(Math.max(LEAST_SECONDS, Math.min(now, start + step) - Math.max(since, start)))!,
  );
  return { step, starts, seconds, indexOf: (from) => Math.floor(from / step) - first };
};

const WIDER: ReadonlyMap<number, number> = new Map([
  [10, 60],
  [60, 300],
  [300, 600],
]);

const addSlot = (sum: Float64Array, cells: Uint32Array, { at }: Slot): void => {
  for (let cell = 0; cell < CELLS; cell++) sum[cell]! += cells[at + cell]!;
};

const openDoNotCallsOf = (activities: readonly Activity[], all: Activity, steps: Steps): (number | null)[] => {
  const known = highestOpen(all, steps);
  const each = activities.map((activity) => highestOpen(activity, steps));
  return known.map((noted, index) => (noted === undefined ? null : sumOf(each.map((highest) => highest[index] ?? 0))));
};

/** By step; undefined where none was noted. */
const highestOpen = ({ slots }: Activity, steps: Steps): (number | undefined)[] => {
  const highest: (number | undefined)[] = steps.starts.map(() => undefined);
  for (const { from, at } of slots.slots()) {
    const [index, cell] = [steps.indexOf(from), slots.cells[at + CELL.dncOpen]!];
    if (cell > 0 && index >= 0 && index < highest.length) highest[index] = Math.max(highest[index] ?? 0, cell - 1);
  }
  return highest;
};

const MOST_CODES = 5;

const codesOf = (activities: readonly Activity[], steps: Steps): Series["codes"] => {
  const counts = new Map<Coded, Map<string, number[]>>(CODED.map((as) => [as, new Map()]));
  for (const { slots } of activities)
    for (const slot of slots.slots()) {
      const index = steps.indexOf(slot.from);
      if (index < 0 || index >= steps.starts.length) continue;
      for (const { as, code, count } of slot.codes) {
        const of = counts.get(as)!;
        let column = of.get(code);
        if (!column) of.set(code, (column = steps.starts.map(() => 0)));
        column[index]! += count;
      }
    }
  const listed = (as: Coded): Series["codes"][Coded] => {
    const all = [...counts.get(as)!]
      .map(([code, column]) => ({ code, total: sumOf(column), counts: column }))
      .toSorted((one, other) => other.total - one.total);
    const rest = all.slice(MOST_CODES);
    if (rest.length === 0) return all;
    const others = steps.starts.map((_, index) => sumOf(rest.map(({ counts: column }) => column[index]!)));
    return [...all.slice(0, MOST_CODES), { code: null, total: sumOf(others), counts: others }];
  };
  return { refused: listed("refused"), no_answer: listed("no_answer"), would_refuse: listed("would_refuse") };
};

const sumOf = (numbers: readonly number[]): number => numbers.reduce((sum, each) => sum + each, 0);

function rounded(value: number): number;
function rounded(value: number | undefined): number | null;
function rounded(value: number | undefined): number | null {
  return value === undefined ? null : Math.round(value * 1000) / 1000;
}
