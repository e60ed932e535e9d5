/**
 * Which entries each segment holds, from the file names: leaf hashes remain even when lines were deleted or set aside.
 */
import { numbersIn } from "../paths.ts";
import { segmentsIn } from "./segment.ts";

/** Entries from `first` on, to before `end`. */
export type Span = {
  readonly first: number;
  /** Infinity for the last one. */
  readonly end: number;
  /** Its lines are in their place, plain, compressed or both. */
  readonly isThere: boolean;
};

/** Ascending. `names`: the file names in `segments`. */
export const spansIn = (names: readonly string[]): Span[] => {
  const there = new Set(segmentsIn(names));
  const starts = [...new Set([...there, ...numbersIn(names, ".hashes")])].toSorted((left, right) => left - right);
  return starts.map((first, at) => ({
    first,
    end: starts[at + 1] ?? Number.POSITIVE_INFINITY,
    isThere: there.has(first),
  }));
};
