/** A chart of the last hour: lines with their names and values, markers, a cursor; and the same as a table. */
import type { ComponentChildren } from "preact";
import { useEffect, useId, useLayoutEffect, useRef, useState } from "preact/hooks";
import { copy } from "../../clipboard.ts";
import { handleKeys } from "../../keys.ts";
import { preferences } from "../../preferences.ts";
import { S } from "../../strings.ts";
import { Menu } from "../menu.tsx";
import { ChartTable } from "./chart-table.tsx";
import { cursor, moveCursor, placeOf } from "./cursor.ts";
import { Labels } from "./labels.tsx";
import type { ChartMarker } from "./markers.tsx";
import { MarkerLines } from "./markers.tsx";
import { drawPlot, highestOf, showsLimit, type Drawing, type Line, type Plot } from "./plot.ts";
import { clockOf, hasNothing, valueOf } from "./values.ts";

export type ChartProps = {
  /** Says the unit. */
  readonly title: string;
  readonly times: readonly number[];
  readonly lines: readonly Line[];
  readonly stacked?: boolean;
  readonly markers?: readonly ChartMarker[];
  readonly limit?: { readonly value: number; readonly says: string } | undefined;
  readonly format: (value: number) => string;
  /** A query that shows the same in Prometheus. */
  readonly promql?: string | undefined;
  /** Shown in place of lines that are all zero or unknown. */
  readonly empty: string;
  /** Draws also lines that are all zero: `empty` would not be true. */
  readonly drawsZero?: boolean;
  readonly asTable?: boolean;
  readonly children?: ComponentChildren;
};

export const Chart = (props: ChartProps) => {
  const { title, times, lines, promql, asTable = false, children } = props;
  const [isTable, setTable] = useState(asTable);
  useEffect(() => setTable(asTable), [asTable]);
  const isEmpty = hasNothing(props);
  return (
    <figure class="chart">
      <figcaption class="chart-head">
        <h3>{title}</h3>
        <Menu
          quiet
          label={S.chart.more}
          name={S.chart.menu(title)}
          items={[
            { says: isTable ? S.chart.asChart : S.chart.asTable, act: () => setTable(!isTable) },
            ...(promql === undefined ? [] : [{ says: S.chart.promql, act: () => void copy(promql) }]),
            { says: S.chart.csv, act: () => void copy(csvOf(times, lines)) },
          ]}
        />
      </figcaption>
      {isEmpty && (!isTable || lines.length === 0) ? (
        <p class="chart-empty">{props.empty}</p>
      ) : isTable ? (
        <ChartTable {...props} />
      ) : (
        <Drawn {...props} />
      )}
      {children}
    </figure>
  );
};

const csvOf = (times: readonly number[], lines: readonly Line[]): string =>
  [
    ["time", ...lines.map(({ label }) => label)],
    ...times.map((time, place) => [
      new Date(time * 1000).toISOString(),
      ...lines.map(({ values }) => String(values[place] ?? "")),
    ]),
  ]
    .map((cells) => cells.map((cell) => (/[",]/.test(cell) ? `"${cell.replaceAll('"', '""')}"` : cell)).join(","))
    .join("\n");

const Drawn = ({ title, times, lines, stacked = false, markers = [], limit, format }: ChartProps) => {
  const host = useRef<HTMLDivElement>(null);
  const [plot, setPlot] = useState<Plot>();
  const size = useSize(host);
  const theme = useTheme();
  const drawing: Drawing = { times, lines, stacked, limit: limit?.value, format, clock: clockOf };
  const { zone } = preferences.value;
  useLayoutEffect(() => {
    const drawn = drawPlot(host.current!, drawing);
    setPlot(drawn);
    return drawn.destroy;
  }, [times, lines, size, theme, zone]);
  const place = placeOf(times, cursor.value);
  return (
    <div class="chart-body">
      <div class="chart-plot" ref={host}>
        {plot && (
          <Overlay
            title={title}
            plot={plot}
            drawing={drawing}
            place={place}
            markers={markers}
            isFixed={cursor.value !== undefined}
          />
        )}
      </div>
      <Labels lines={lines} place={place} plot={plot} format={format} stacked={stacked} />
      {limit && <Limit says={limit.says} isShown={showsLimit(drawing)} />}
      <p class="visually-hidden">{S.chart.highest(format(highestOf(drawing)))}</p>
    </div>
  );
};

const Limit = ({ says, isShown }: { readonly says: string; readonly isShown: boolean }) => (
  <p class="chart-limit">
    {isShown && (
      <svg class="chart-sample hue-text" viewBox="0 0 18 8" width="18" height="8" aria-hidden="true">
        <path d="M0 4h18" stroke="currentColor" stroke-dasharray="3 3" />
      </svg>
    )}
    {isShown ? says : S.chart.limitAbove(says)}
  </p>
);

type OverlayProps = {
  readonly title: string;
  readonly plot: Plot;
  readonly drawing: Drawing;
  readonly place: number;
  readonly markers: readonly ChartMarker[];
  readonly isFixed: boolean;
};

const px = (value: number): string => `${Math.round(value * 10) / 10}px`;

/** Takes the pointer and the arrow keys. It is a slider, because screen readers know how to move one. */
const Overlay = ({ title, plot, drawing, place, markers, isFixed }: OverlayProps) => {
  const { times, lines, format } = drawing;
  const help = useId();
  const release = useRef<(() => void) | undefined>(undefined);
  useEffect(() => () => release.current?.(), []);
  const at = times[place];
  const move = ({ offsetX }: PointerEvent): void => {
    const time = plot.timeAt(offsetX + plot.left);
    cursor.value = times[placeOf(times, time)];
  };
  const spoken = lines.map(({ label, values }) => `${label} ${valueOf(values[place], format)}`).join(", ");
  return (
    <>
      <MarkerLines markers={markers} plot={plot} times={times} />
      {isFixed && at !== undefined && (
        <div class="chart-cursor" style={{ left: px(plot.x(at)), top: px(plot.top), height: px(plot.height) }} />
      )}
      {isFixed &&
        at !== undefined &&
        lines.map(({ label, hue }, line) => {
          const y = plot.y(line, place);
          return y === undefined ? null : (
            <span key={label} class={`chart-dot hue-${hue}`} style={{ left: px(plot.x(at)), top: px(y) }} />
          );
        })}
      <div
        class="chart-slider"
        role="slider"
        tabIndex={0}
        aria-label={title}
        aria-describedby={help}
        aria-valuemin={0}
        aria-valuemax={Math.max(0, times.length - 1)}
        aria-valuenow={Math.max(0, place)}
        aria-valuetext={at === undefined ? S.chart.noValues : `${clockOf(at)}: ${spoken}`}
        style={{ left: px(plot.left), top: px(plot.top), width: px(plot.width), height: px(plot.height) }}
        onPointerMove={move}
        onPointerLeave={() => (cursor.value = undefined)}
        onFocus={() => {
          release.current = handleKeys({
            "cell-left": () => moveCursor(times, -1),
            "cell-right": () => moveCursor(times, 1),
            back: () => (cursor.value = undefined),
          });
        }}
        onBlur={() => {
          release.current?.();
          cursor.value = undefined;
        }}
      />
      <span id={help} hidden>
        {S.chart.help}
      </span>
    </>
  );
};

/** Changes when the element's width does. */
const useSize = (host: { readonly current: HTMLElement | null }): number => {
  const [width, setWidth] = useState(0);
  useLayoutEffect(() => {
    const observer = new ResizeObserver(([entry]) => setWidth(Math.floor(entry!.contentRect.width)));
    observer.observe(host.current!);
    return () => observer.disconnect();
  }, []);
  return width;
};

const SCHEMES = ["(prefers-color-scheme: dark)", "(forced-colors: active)", "(prefers-contrast: more)"];

/** Changes when the hues do. */
const useTheme = (): string => {
  const [round, setRound] = useState(0);
  useEffect(() => {
    const queries = SCHEMES.map((query) => matchMedia(query));
    const change = (): void => setRound((before) => before + 1);
    for (const query of queries) query.addEventListener("change", change);
    return () => queries.forEach((query) => query.removeEventListener("change", change));
  }, []);
  return `${preferences.value.theme} ${round}`;
};
