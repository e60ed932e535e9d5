/**
 * Which entries each segment holds, by the names in their directory: the leaf hashes stay also where the lines were
 * deleted or set aside.
 */
import { numbersIn } from "./places.ts";
import { segmentsIn } from "./segment.ts";

/** Entries from `first` on, to before `end`. */
export type Span = {
  readonly first: number;
  /** Infinity of the last one. */
  readonly end: number;
  /** Its lines are in their place, in one form or both. */
  readonly isThere: boolean;
};

/** Ascending. `names`: of the files in `segments`. */
export const spansIn = (names: readonly string[]): Span[] => {
  const there = new Set(segmentsIn(names));
  const starts = [...new Set([...there, ...numbersIn(names, ".hashes")])].toSorted((left, right) => left - right);
  return starts.map((first, at) => ({
    first,
    end: starts[at + 1] ?? Number.POSITIVE_INFINITY,
    isThere: there.has(first),
  }));
};
