/** The rows of the flows table: newest first, each flow once, and those that wait while the list must not move. */
import type { TransactionJson } from "../../../journal/search/to-json.ts";

export type FlowRow = TransactionJson;

/** What makes a row the same flow: a request that was under way is replaced by its end. */
export const keyOf = (row: FlowRow): string =>
  row.id ?? `#${row.at ?? `${row.time} ${row.client} ${row.tenant?.dbid}`}`;

/** More rows than this are not kept: the oldest go. */
export const MOST_ROWS = 20_000;

/** Newest first: by the time of arrival, and within it by the place in the journal, where that is known. */
const isBefore = (one: FlowRow, other: FlowRow): boolean =>
  one.time === other.time ? (one.at ?? 0) > (other.at ?? 0) : one.time > other.time;

export class FlowList {
  #rows: FlowRow[] = [];
  #places = new Set<string>();
  #waiting = new Map<string, FlowRow>();
  /** Oldest rows were dropped, because there were too many. */
  isCut = false;

  get rows(): readonly FlowRow[] {
    return this.#rows;
  }

  /** How many rows wait to be shown. */
  get waiting(): number {
    return this.#waiting.size;
  }

  /** New rows wait, but a row that is shown already changes at once. Returns whether rows changed. */
  hold(rows: readonly FlowRow[]): boolean {
    const known = rows.filter((row) => this.#places.has(keyOf(row)));
    for (const row of rows) if (!this.#places.has(keyOf(row))) this.#waiting.set(keyOf(row), row);
    return this.add(known);
  }

  /** Adds rows in their order. A row that is there is replaced. Returns whether rows changed. */
  add(rows: readonly FlowRow[]): boolean {
    if (rows.length === 0) return false;
    const next = this.#rows.slice();
    for (const row of rows) {
      const key = keyOf(row);
      if (this.#places.has(key)) {
        const at = next.findIndex((each) => keyOf(each) === key);
        if (isFurther(row, next[at]!)) next[at] = row;
        continue;
      }
      this.#places.add(key);
      next.splice(placeFor(next, row), 0, row);
    }
    for (const gone of next.splice(MOST_ROWS)) {
      this.#places.delete(keyOf(gone));
      this.isCut = true;
    }
    this.#rows = next;
    return true;
  }

  /** Shows what waits. */
  release(): void {
    const rows = [...this.#waiting.values()];
    this.#waiting.clear();
    this.add(rows);
  }

  clear(): void {
    [this.#rows, this.#places, this.#waiting, this.isCut] = [[], new Set(), new Map(), false];
  }
}

/** A page of a search may be older than what the stream said. */
const isFurther = (row: FlowRow, shown: FlowRow): boolean => row.entries.length >= shown.entries.length;

/** Most rows belong at one of the two ends. */
const placeFor = (rows: readonly FlowRow[], row: FlowRow): number => {
  if (rows.length === 0 || isBefore(row, rows[0]!)) return 0;
  if (isBefore(rows.at(-1)!, row)) return rows.length;
  let [low, high] = [0, rows.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (isBefore(rows[middle]!, row)) low = middle + 1;
    else high = middle;
  }
  return low;
};
