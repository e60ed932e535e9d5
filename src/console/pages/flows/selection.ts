/** One row with the focus, a cell in it, and a range of rows. By keys, so that new rows change nothing of it. */
import { useState } from "preact/hooks";
import { keyOf, type FlowRow } from "./flow-list.ts";
import { place } from "./flow-view.ts";

type Range = { readonly from: string; readonly to: string; readonly isOpen: boolean };

export type Selection = {
  readonly current: string | undefined;
  readonly row: FlowRow | undefined;
  readonly cell: string | undefined;
  readonly range: Range | undefined;
  /** The rows of the range, or else the current one. */
  readonly rows: readonly FlowRow[];
  readonly isSelected: (row: FlowRow) => boolean;
  readonly setCurrent: (key: string | undefined) => void;
  readonly setCell: (name: string | undefined) => void;
  readonly setRange: (range: Range | undefined) => void;
};

export const useSelection = (rows: readonly FlowRow[]): Selection => {
  const [current, setCurrent] = useState(place.current);
  const [cell, setCell] = useState<string>();
  const [range, setRange] = useState<Range>();
  const at = (key: string): number => rows.findIndex((row) => keyOf(row) === key);
  const row = current === undefined ? undefined : rows[at(current)];
  const inRange = range ? between(rows, at(range.from), at(range.to)) : [];
  const keys = new Set(inRange.map(keyOf));
  return {
    current,
    row,
    cell,
    range,
    rows: inRange.length > 0 ? inRange : row ? [row] : [],
    isSelected: (each) => keys.has(keyOf(each)),
    setCurrent: (key) => {
      place.current = key;
      setCurrent(key);
      if (key !== undefined && range?.isOpen) setRange({ ...range, to: key });
    },
    setCell,
    setRange,
  };
};

const between = (rows: readonly FlowRow[], one: number, other: number): readonly FlowRow[] =>
  one < 0 || other < 0 ? [] : rows.slice(Math.min(one, other), Math.max(one, other) + 1);
