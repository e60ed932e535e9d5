/**
 * The frame around a table: it scrolls sideways. On a narrow screen chart.css stacks the cells of a row instead, each
 * behind the head of its column.
 */
import type { ComponentChildren } from "preact";
import { useLayoutEffect, useRef } from "preact/hooks";

type Props = { readonly label: string; readonly children: ComponentChildren };

export const TableFrame = ({ label, children }: Props) => {
  const frame = useRef<HTMLDivElement>(null);
  // After each rendering, because rows come and go. Attributes that Preact did not set stay as they are.
  useLayoutEffect(() => labelCells(frame.current!));
  return (
    <div ref={frame} class="table-scroll" role="group" tabIndex={0} aria-label={label}>
      {children}
    </div>
  );
};

/** Writes the head of its column into `data-head` of each cell; cells over several columns get none. */
const labelCells = (frame: HTMLElement): void => {
  const heads = [...frame.querySelectorAll("thead tr:first-child > *")].map(({ textContent }) => textContent.trim());
  for (const row of frame.querySelectorAll<HTMLTableRowElement>("tbody tr")) {
    let column = 0;
    for (const cell of row.cells) {
      const head = cell.colSpan === 1 ? (heads[column] ?? "") : "";
      if (head === "") delete cell.dataset["head"];
      else if (cell.dataset["head"] !== head) cell.dataset["head"] = head;
      column += cell.colSpan;
    }
  }
};
