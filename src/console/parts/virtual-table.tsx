/**
 * A table of any length with at most 200 rows in the page. One row has the focus (roving tabindex); it stays in the
 * page while it is scrolled out of view, so that the focus is never lost. Rows keep their element when others come
 * before them.
 */
import type { ComponentChildren, RefObject } from "preact";
import { useLayoutEffect, useRef, useState } from "preact/hooks";

export type Column<Row> = {
  readonly name: string;
  readonly title: string;
  readonly show: (row: Row) => ComponentChildren;
  /** For its width and alignment in CSS: the cells have the classes col and col-name. */
  readonly isNumber?: boolean;
};

type Props<Row> = {
  readonly caption: string;
  readonly columns: readonly Column<Row>[];
  readonly rows: readonly Row[];
  readonly keyOf: (row: Row) => string;
  /** Key of the row with the focus. */
  readonly current: string | undefined;
  readonly onCurrent: (key: string | undefined) => void;
  /** Name of the column that the user chose in the current row. */
  readonly cell?: string | undefined;
  readonly isSelected?: (row: Row) => boolean;
  readonly onOpen: (row: Row) => void;
  /** A click with Shift. */
  readonly onExtend?: (row: Row) => void;
  readonly rowClass?: (row: Row) => string;
  /** True if there are more rows than those given. */
  readonly hasMore?: boolean;
  /** Called when the last rows are near. */
  readonly onEnd?: () => void;
  readonly onScroll?: (scrollTop: number) => void;
  readonly scrollTop?: number;
  readonly scroller: RefObject<HTMLDivElement | null>;
  /** Under the last row. */
  readonly children?: ComponentChildren;
};

const OVERSCAN = 12;
const MOST_IN_PAGE = 190;

/** The rows [from, to) that are in the page. */
const windowOf = (top: number, height: number, rowHeight: number, count: number): readonly [number, number] => {
  const first = Math.max(0, Math.floor(top / rowHeight) - OVERSCAN);
  const shown = Math.min(MOST_IN_PAGE, Math.ceil(height / rowHeight) + 2 * OVERSCAN);
  return [Math.min(first, Math.max(0, count - shown)), Math.min(count, first + shown)];
};

export const VirtualTable = <Row,>(props: Props<Row>) => {
  const { caption, columns, rows, keyOf, current, scroller, hasMore = false, onEnd, onScroll } = props;
  const [view, setView] = useState({ top: props.scrollTop ?? 0, height: 0, rowHeight: 28 });
  const table = useRef<HTMLTableElement>(null);
  const measure = (): void => {
    const box = scroller.current;
    if (!box) return;
    const rowHeight = Number.parseFloat(getComputedStyle(box).getPropertyValue("--row")) * rootSize();
    const next = { top: box.scrollTop, height: box.clientHeight, rowHeight: rowHeight || 28 };
    setView((before) => (isSameView(before, next) ? before : next));
    onScroll?.(next.top);
    if (onEnd && box.scrollTop + box.clientHeight > box.scrollHeight - 20 * next.rowHeight) onEnd();
  };
  useLayoutEffect(() => {
    if (scroller.current && props.scrollTop) scroller.current.scrollTop = props.scrollTop;
    measure();
    const observer = new ResizeObserver(measure);
    observer.observe(scroller.current!);
    return () => observer.disconnect();
  }, []);
  useLayoutEffect(measure, [rows.length === 0]);
  const { rowHeight } = view;
  const [from, to] = windowOf(view.top, view.height, rowHeight, rows.length);
  const currentAt = current === undefined ? -1 : rows.findIndex((row) => keyOf(row) === current);
  const shown = Array.from({ length: to - from }, (_each, place) => from + place);
  if (currentAt >= 0 && currentAt < from) shown.unshift(currentAt);
  if (currentAt >= to) shown.push(currentAt);
  // A row that changes its place among the others may lose the focus on the way.
  const focused = scroller.current?.contains(document.activeElement) ? document.activeElement : null;
  useLayoutEffect(() => {
    if (focused instanceof HTMLElement && focused.isConnected && focused !== document.activeElement)
      focused.focus({ preventScroll: true });
  });
  const tabbed = currentAt >= 0 ? currentAt : from;
  const gaps = shown.map((at, place) => at - (place === 0 ? 0 : shown[place - 1]! + 1));
  return (
    <div ref={scroller} class="table-scroller" tabIndex={-1} onScroll={measure}>
      <table
        ref={table}
        class="virtual"
        role="grid"
        aria-rowcount={hasMore ? -1 : rows.length + 1}
        aria-colcount={columns.length}
        aria-multiselectable="true"
      >
        <caption class="visually-hidden">{caption}</caption>
        <thead>
          <tr aria-rowindex={1}>
            {columns.map(({ name, title, isNumber }) => (
              <th key={name} scope="col" class={classOf(name, isNumber)}>
                {title}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {shown.flatMap((at, place) => [
            ...(gaps[place]! > 0 ? [<Gap key={`gap-${place}`} height={gaps[place]! * rowHeight} />] : []),
            <TableRow key={keyOf(rows[at]!)} {...props} row={rows[at]!} at={at} isTabbed={at === tabbed} />,
          ])}
          <Gap key="rest" height={(rows.length - 1 - (shown.at(-1) ?? -1)) * rowHeight} />
        </tbody>
      </table>
      {props.children}
    </div>
  );
};

const rootSize = (): number => Number.parseFloat(getComputedStyle(document.documentElement).fontSize);

type View = { readonly top: number; readonly height: number; readonly rowHeight: number };

/** Scrolling within the overscan changes nothing in the page. */
const isSameView = (one: View, other: View): boolean =>
  one.height === other.height &&
  one.rowHeight === other.rowHeight &&
  Math.floor(one.top / one.rowHeight / (OVERSCAN / 2)) === Math.floor(other.top / other.rowHeight / (OVERSCAN / 2));

const classOf = (name: string, isNumber = false): string => `col col-${name}${isNumber ? " col-number" : ""}`;

/** One cell: a column span over hidden columns would bring them back. */
const Gap = ({ height }: { readonly height: number }) =>
  height <= 0 ? null : (
    <tr class="gap" aria-hidden="true">
      <td style={{ height: `${height}px` }} />
    </tr>
  );

type RowProps<Row> = Props<Row> & { readonly row: Row; readonly at: number; readonly isTabbed: boolean };

const TableRow = <Row,>(props: RowProps<Row>) => {
  const { row, at, isTabbed, columns, keyOf, current, onCurrent, cell, isSelected, onOpen, onExtend, rowClass } = props;
  const key = keyOf(row);
  const onClick = (event: MouseEvent): void => {
    // Text that the user marks in a row is to be copied, and a link opens itself.
    if (event.defaultPrevented || getSelection()?.type === "Range") return;
    if (event.shiftKey && onExtend) return onExtend(row);
    if (event.target instanceof Element && event.target.closest("a, button")) return;
    onOpen(row);
  };
  return (
    <tr
      class={rowClass?.(row) ?? ""}
      data-key={key}
      data-current={key === current || undefined}
      aria-rowindex={at + 2}
      aria-selected={isSelected?.(row) ?? false}
      tabIndex={isTabbed ? 0 : -1}
      onClick={onClick}
      onMouseDown={(event) => event.shiftKey && event.preventDefault()}
      onFocus={(event) => event.target === event.currentTarget && onCurrent(key)}
    >
      {columns.map(({ name, show, isNumber }) => (
        <td key={name} class={classOf(name, isNumber)} data-cell={(cell === name && key === current) || undefined}>
          {show(row)}
        </td>
      ))}
    </tr>
  );
};

/** Brings a row into view and gives it the focus, once it is in the page. */
export const focusRow = (scroller: HTMLDivElement | null, at: number, key: string): void => {
  if (!scroller) return;
  const rowHeight = Number.parseFloat(getComputedStyle(scroller).getPropertyValue("--row")) * rootSize() || 28;
  const head = scroller.querySelector("thead")?.clientHeight ?? 0;
  const [top, bottom] = [at * rowHeight, (at + 1) * rowHeight];
  if (top < scroller.scrollTop) scroller.scrollTop = top;
  else if (bottom > scroller.scrollTop + scroller.clientHeight - head)
    scroller.scrollTop = bottom - scroller.clientHeight + head;
  const row = (): HTMLElement | null => scroller.querySelector(`tr[data-key="${CSS.escape(key)}"]`);
  const present = row();
  if (present) present.focus({ preventScroll: true });
  // The row comes into the page with this scrolling.
  else requestAnimationFrame(() => row()?.focus({ preventScroll: true }));
};
