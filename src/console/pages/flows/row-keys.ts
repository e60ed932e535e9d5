/** The keys of the flows table. */
import type { RefObject } from "preact";
import { useEffect, useRef } from "preact/hooks";
import { announce } from "../../announce.ts";
import { withTerm } from "../../filter-text.ts";
import { handleKeys } from "../../keys.ts";
import { openMenu } from "../../parts/menu.tsx";
import { focusRow, type Column } from "../../parts/virtual-table.tsx";
import { setQuery } from "../../router.ts";
import { S } from "../../strings.ts";
import { keyOf, type FlowRow } from "./flow-list.ts";
import { COPY, copyCurl, NEIGHBOURS } from "./row-tools.tsx";
import { termFor } from "./row-text.ts";
import type { Selection } from "./selection.ts";

type Deps = {
  readonly rows: readonly FlowRow[];
  readonly columns: readonly Column<FlowRow>[];
  readonly selection: Selection;
  readonly scroller: RefObject<HTMLDivElement | null>;
  readonly filter: string;
  readonly isOff: boolean;
  readonly onOpen: (row: FlowRow) => void;
  readonly onPause: () => void;
  readonly onNewest: () => void;
  readonly onClear: () => void;
};

export const useRowKeys = (deps: Deps): void => {
  // The handlers stay, and see what is shown when a key is pressed.
  const now = useRef(deps);
  now.current = deps;
  useEffect(
    () =>
      handleKeys({
        down: () => move(now.current, 1),
        up: () => move(now.current, -1),
        open: () => now.current.selection.row && now.current.onOpen(now.current.selection.row),
        back: () => leave(now.current),
        "cell-right": () => moveCell(now.current, 1),
        "cell-left": () => moveCell(now.current, -1),
        "filter-for": () => filterBy(now.current, ""),
        "filter-out": () => filterBy(now.current, "-"),
        "toggle-filter": () => setQuery({ off: now.current.isOff ? undefined : "1" }),
        "select-range": () => selectRange(now.current),
        pause: () => now.current.onPause(),
        newest: () => now.current.onNewest(),
        clear: () => now.current.onClear(),
        neighbours: () => openMenu(NEIGHBOURS),
        curl: () => copyCurl(now.current.selection.row),
        copy: () => openMenu(COPY),
      }),
    [],
  );
};

const move = ({ rows, selection, scroller }: Deps, step: number): void => {
  const at = selection.row ? rows.indexOf(selection.row) : -1;
  const to = at < 0 ? 0 : Math.min(rows.length - 1, Math.max(0, at + step));
  const row = rows[to];
  if (!row) return;
  selection.setCurrent(keyOf(row));
  focusRow(scroller.current, to, keyOf(row));
};

const moveCell = ({ columns, selection }: Deps, step: number): void => {
  if (!selection.row) return;
  const at = columns.findIndex(({ name }) => name === selection.cell);
  const to = at < 0 ? (step > 0 ? 0 : columns.length - 1) : at + step;
  const column = columns[to];
  selection.setCell(column?.name);
  if (!column) return;
  const term = termFor(selection.row, column.name);
  announce(term === undefined ? `${column.title}: ${S.flows.noTerm}` : `${column.title}: ${term}`);
};

const filterBy = ({ selection: { row, cell }, filter }: Deps, sign: "" | "-"): void => {
  const term = row && cell !== undefined ? termFor(row, cell) : undefined;
  if (term === undefined) return announce(cell === undefined ? S.flows.chooseCell : S.flows.noTerm);
  setQuery({ filter: withTerm(filter, sign + term), off: undefined }, false);
};

const selectRange = ({ selection }: Deps): void => {
  const { range, current, rows, setRange } = selection;
  if (range?.isOpen) {
    setRange({ ...range, isOpen: false });
    announce(S.flows.selected(rows.length));
  } else if (current !== undefined) {
    setRange({ from: current, to: current, isOpen: true });
    announce(S.flows.selecting);
  }
};

/** Ends the selection; then leaves the row, so that new rows appear again. */
const leave = ({ selection, scroller }: Deps): void => {
  if (selection.cell !== undefined) return selection.setCell(undefined);
  if (selection.range) return selection.setRange(undefined);
  selection.setCurrent(undefined);
  scroller.current?.focus({ preventScroll: true });
};
