/** Flows: what happens and what happened, in one table. */
import { signal } from "@preact/signals";
import type { RefObject } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { ErrorStrip, Empty, Skeleton, Strip } from "../../parts/states.tsx";
import { focusRow, VirtualTable } from "../../parts/virtual-table.tsx";
import { address, go, setQuery } from "../../router.ts";
import { S } from "../../strings.ts";
import { Announcer } from "./announcer.tsx";
import { shownColumns } from "./columns.tsx";
import { EventDialog } from "./event-dialog.tsx";
import { FilterBox } from "./filter-box.tsx";
import { faultIn, hasTime, type FeedState } from "./flow-feed.ts";
import { keyOf, type FlowRow } from "./flow-list.ts";
import { feed, leaveView, openView, pending, place, view } from "./flow-view.ts";
import { useRowKeys } from "./row-keys.ts";
import { ColumnsMenu, RowTools } from "./row-tools.tsx";
import { useSelection } from "./selection.ts";
import { RANGES, StatusLine, StreamStrips, type Range } from "./status-line.tsx";
import { ViewsMenu } from "./views-menu.tsx";

const isPaused = signal(false);
const atTop = signal(true);

const rangeIn = (text: string | undefined): Range => RANGES.find((each) => each === text) ?? "15m";

export const FlowsPage = () => {
  const { query } = address.value;
  const isOff = query["off"] !== undefined;
  const filter = query["filter"] ?? "";
  const inForce = isOff ? "" : filter;
  const range = rangeIn(query["range"]);
  useEffect(() => openView({ filter: inForce, range: range === "all" ? undefined : range }), [inForce, range]);
  useEffect(() => leaveView, []);
  const state = view.value;
  const asked = pending.value;
  const wrong = asked
    ? { error: asked.state.error, question: asked.question }
    : { error: state?.error, question: { filter: inForce, range: range === "all" ? undefined : range } };
  const fault = faultIn(wrong.error, wrong.question);
  const onFilter = (next: string): void => setQuery({ filter: next, off: undefined }, false);
  return (
    <div class="flows">
      <div class="toolbar">
        <FilterBox
          filter={filter}
          isOff={isOff}
          fault={fault && { text: wrong.question.filter, place: fault }}
          onFilter={onFilter}
        />
        {filter !== "" && (
          <button type="button" aria-pressed={isOff} onClick={() => setQuery({ off: isOff ? undefined : "1" })}>
            {isOff ? S.flows.switchOn : S.flows.switchOff}
          </button>
        )}
        <ViewsMenu filter={filter} onFilter={onFilter} />
      </div>
      {asked?.state.error !== undefined && state?.isReady && <Strip kind="info">{S.flows.lastGood}</Strip>}
      {wrong.error !== undefined && !fault && <ErrorStrip error={wrong.error} retry={() => feed()?.start()} />}
      {state?.warnings.map((each) => (
        <Strip key={each} kind="warning">
          {each}
        </Strip>
      ))}
      {state && <Flows state={state} filter={inForce} range={range} isOff={isOff} />}
    </div>
  );
};

type Props = {
  readonly state: FeedState;
  readonly filter: string;
  readonly range: Range;
  readonly isOff: boolean;
};

const Flows = ({ state, filter, range, isOff }: Props) => {
  const { rows, next } = state;
  const scroller = useRef<HTMLDivElement>(null);
  const [event, setEvent] = useState<FlowRow>();
  const columns = shownColumns();
  const selection = useSelection(rows);
  const isHeld = isPaused.value || !atTop.value || selection.current !== undefined || selection.range !== undefined;
  useHold(isHeld, state.isReady);
  useReturn(scroller);
  const onOpen = (row: FlowRow): void => (row.id === undefined ? setEvent(row) : go(`/flows/${row.id}`));
  const onNewest = (): void => {
    selection.setRange(undefined);
    selection.setCurrent(undefined);
    feed()?.release();
    if (scroller.current) scroller.current.scrollTop = 0;
    scroller.current?.focus({ preventScroll: true });
  };
  useRowKeys({
    rows,
    columns,
    selection,
    scroller,
    filter,
    isOff,
    onOpen,
    onNewest,
    onPause: () => (isPaused.value = !isPaused.value),
    onClear: () => feed()?.clear(),
  });
  return (
    <>
      <div class="toolbar">
        <StatusLine state={state} isPaused={isPaused.value} range={range} hasOwnTime={hasTime(filter)} />
        <RowTools selection={selection} columns={columns} filter={filter} onOpen={onOpen} />
        <button type="button" onClick={() => feed()?.clear()}>
          {S.flows.clear}
        </button>
        <ColumnsMenu />
      </div>
      <StreamStrips state={state} />
      <VirtualTable
        caption={S.flows.caption}
        columns={columns}
        rows={rows}
        keyOf={keyOf}
        current={selection.current}
        onCurrent={selection.setCurrent}
        cell={selection.cell}
        isSelected={selection.isSelected}
        onOpen={onOpen}
        onExtend={(row) =>
          selection.setRange({
            from: selection.range?.from ?? selection.current ?? keyOf(row),
            to: keyOf(row),
            isOpen: false,
          })
        }
        hasMore={next !== null}
        onEnd={() => void feed()?.older()}
        onScroll={(top) => ([place.scrollTop, atTop.value] = [top, top < 4])}
        scrollTop={place.scrollTop}
        scroller={scroller}
      >
        <End state={state} filter={filter} range={range} />
      </VirtualTable>
      <Announcer />
      {event && <EventDialog row={event} onClose={() => setEvent(undefined)} />}
    </>
  );
};

/** Apart from the page: an effect lives longer than the rows that were there when it began, and would keep them. */
const useHold = (isHeld: boolean, isReady: boolean): void => useEffect(() => feed()?.hold(isHeld), [isHeld, isReady]);

/** The focus goes back to the row that was left. */
const useReturn = (scroller: RefObject<HTMLDivElement | null>): void =>
  useEffect(() => {
    const at = (feed()?.state.rows ?? []).findIndex((row) => keyOf(row) === place.current);
    if (at >= 0) focusRow(scroller.current, at, place.current!);
  }, []);

/** Under the last row: what comes next, or why nothing does. */
const End = ({ state: { rows, next, isSearching, isReady, error }, filter, range }: Omit<Props, "isOff">) => {
  const rangeName = S.flows.ranges[range];
  const isAll = range === "all" || hasTime(filter);
  const longer = !isAll && (
    <button type="button" onClick={() => setQuery({ range: "all" })}>
      {S.flows.searchLonger}
    </button>
  );
  if (isSearching && rows.length === 0) return <Skeleton rows={12} />;
  if (!isReady && error !== undefined) return null;
  if (rows.length === 0)
    return (
      <Empty title={filter === "" ? S.flows.none(rangeName) : S.flows.noneMatch(rangeName)}>
        <p>{filter === "" ? S.flows.noneHelp : S.flows.noneMatchHelp}</p>
        {longer}
      </Empty>
    );
  return (
    <div class="table-end">
      {next !== null ? (
        <button type="button" disabled={isSearching} onClick={() => void feed()?.older()}>
          {isSearching ? S.api.loading : S.flows.older}
        </button>
      ) : (
        <>
          {isAll ? S.flows.endAll : S.flows.end(rangeName)}
          {longer}
        </>
      )}
    </div>
  );
};
