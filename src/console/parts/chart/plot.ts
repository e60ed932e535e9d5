/** Draws a chart on a canvas with uPlot. Cursor, labels and markers are elements of the page. */
import uPlot from "uplot";
import { colorsOf, DASHES, fillOf, type Dash, type Hue, type Pattern } from "./looks.ts";

export type Line = {
  readonly label: string;
  /** One for each time; null: not known. */
  readonly values: readonly (number | null)[];
  readonly hue: Hue;
  readonly dash?: Dash;
  /** Where its name leads, for example to the requests that it counts. */
  readonly href?: string | undefined;
  /** Fills the area below. Areas of a stacked chart need one each. */
  readonly pattern?: Pattern;
};

export type Drawing = {
  /** Seconds since 1970. */
  readonly times: readonly number[];
  readonly lines: readonly Line[];
  /** Each line is drawn above the one before it. */
  readonly stacked: boolean;
  /** A horizontal line; far above all values it is left out. */
  readonly limit: number | undefined;
  readonly format: (value: number) => string;
  readonly clock: (seconds: number) => string;
};

/** Places in CSS pixels within the chart's element. */
export type Plot = {
  readonly left: number;
  readonly width: number;
  readonly height: number;
  readonly top: number;
  readonly x: (time: number) => number;
  /** Undefined for a value that is not known. */
  readonly y: (line: number, place: number) => number | undefined;
  readonly timeAt: (x: number) => number;
  readonly destroy: () => void;
};

export const HEIGHT = 121;
/** Room for `123,456` and `12.5 ms`. */
const AXIS = 52;
/** A limit that is this many times the highest value would make the values a flat line. */
const FAR = 4;

const heightsOf = ({ lines, stacked }: Drawing): (number | null)[][] => {
  if (!stacked) return lines.map(({ values }) => [...values]);
  const sums: (number | null)[][] = [];
  for (const { values } of lines) {
    const below = sums.at(-1);
    sums.push(values.map((value, place) => (value === null ? null : value + (below?.[place] ?? 0))));
  }
  return sums;
};

/**
 * Where the lines of a stacked chart are drawn. A layer has none where it is 0 and remains 0: it would lie on the layer
 * below and look like its upper edge.
 */
export const edgesOf = (drawing: Drawing): (number | null)[][] =>
  heightsOf(drawing).map((heights, line) => {
    const { values } = drawing.lines[line]!;
    return heights.map((height, place) =>
      [place - 1, place, place + 1].some((near) => (values[near] ?? 0) !== 0) ? height : null,
    );
  });

export const highestOf = (drawing: Drawing): number =>
  Math.max(0, ...heightsOf(drawing).map((column) => Math.max(0, ...column.map((value) => value ?? 0))));

export const showsLimit = (drawing: Drawing): boolean =>
  drawing.limit !== undefined && drawing.limit <= FAR * highestOf(drawing);

export const drawPlot = (host: HTMLElement, drawing: Drawing): Plot => {
  const colors = colorsOf(host);
  const heights = heightsOf(drawing);
  const limit = showsLimit(drawing) ? drawing.limit : undefined;
  const top = Math.max(highestOf(drawing), limit ?? 0) * 1.08 || 1;
  const plot = new uPlot(
    {
      width: Math.max(120, host.clientWidth),
      height: HEIGHT,
      legend: { show: false },
      cursor: { show: false },
      // Half of a clock is right of the last time.
      padding: [6, 20, 0, 0],
      scales: { x: { time: false, range: rangeOf(drawing) }, y: { range: () => [0, top] } },
      axes: axesOf(drawing, colors),
      series: [{}, ...allSeriesOf(drawing, colors)],
      bands: drawing.stacked ? bandsOf(drawing, colors) : [],
      hooks: { draw: limit === undefined ? [] : [(u) => drawLimit(u, limit, colors.text)] },
    },
    [[...drawing.times], ...heights, ...(drawing.stacked ? edgesOf(drawing) : [])] as uPlot.AlignedData,
    host,
  );
  // Now, not in a later microtask, so that labels and markers can ask for places.
  plot.batch(() => undefined);
  const ratio = uPlot.pxRatio;
  const { left, top: above, width, height } = plot.bbox;
  return {
    left: left / ratio,
    top: above / ratio,
    width: width / ratio,
    height: height / ratio,
    x: (time) => left / ratio + plot.valToPos(time, "x"),
    y: (line, place) => {
      const value = heights[line]?.[place];
      return value === null || value === undefined ? undefined : above / ratio + plot.valToPos(value, "y");
    },
    timeAt: (x) => plot.posToVal(x - left / ratio, "x"),
    destroy: () => plot.destroy(),
  };
};

/** A single time is drawn in the middle. */
const rangeOf =
  ({ times }: Drawing) =>
  (): uPlot.Range.MinMax => {
    const [first = 0, last = 0] = [times[0], times.at(-1)];
    return first === last ? [first - 30, last + 30] : [first, last];
  };

const axesOf = ({ format, clock }: Drawing, colors: Readonly<Record<Hue, string>>): uPlot.Axis[] => {
  const font = `11px ${getComputedStyle(document.body).fontFamily}`;
  const shared = {
    stroke: colors["text-muted"],
    font,
    ticks: { show: false },
    grid: { stroke: colors.hairline, width: 1 },
  };
  return [
    {
      ...shared,
      grid: { show: false },
      // Below the lowest value's label, which is half below the line.
      size: 25,
      gap: 8,
      space: 60,
      incrs: [60, 300, 600, 900, 1200, 1800, 3600],
      values: (_plot, splits) => splits.map(clock),
    },
    { ...shared, size: AXIS, gap: 4, space: 26, values: (_plot, splits) => splits.map(format) },
  ];
};

/** A stacked chart has the areas first, whose bands need each height, and then their edges. */
const allSeriesOf = ({ lines, stacked }: Drawing, colors: Readonly<Record<Hue, string>>): uPlot.Series[] =>
  stacked
    ? [
        ...lines.map((line, index) => ({ ...(index === 0 && areaOf(line, colors)), points: { show: false } })),
        ...lines.map((line) => strokeOf(line, colors)),
      ]
    : lines.map((line) => ({ ...strokeOf(line, colors), ...areaOf(line, colors) }));

const areaOf = ({ hue, pattern }: Line, colors: Readonly<Record<Hue, string>>): uPlot.Series =>
  pattern ? { fill: (plot: uPlot) => fillOf(plot.ctx, colors[hue], pattern, uPlot.pxRatio) } : {};

const strokeOf = ({ hue, dash = "solid" }: Line, colors: Readonly<Record<Hue, string>>): uPlot.Series => ({
  stroke: colors[hue],
  width: 1.5,
  dash: [...DASHES[dash]],
  points: { show: (plot, _series, from, to) => to - from < 2 && plot.data[0].length < 3 },
  spanGaps: false,
});

/** The area of each line but the first ends at the line below it. */
const bandsOf = ({ lines }: Drawing, colors: Readonly<Record<Hue, string>>): uPlot.Band[] =>
  lines.slice(1).map(({ hue, pattern = "plain" }, index) => ({
    series: [index + 2, index + 1],
    fill: (plot: uPlot) => fillOf(plot.ctx, colors[hue], pattern, uPlot.pxRatio),
  }));

const drawLimit = (plot: uPlot, limit: number, color: string): void => {
  const { ctx, bbox } = plot;
  const y = Math.round(plot.valToPos(limit, "y", true));
  ctx.save();
  ctx.strokeStyle = color;
  ctx.lineWidth = uPlot.pxRatio;
  ctx.setLineDash([3 * uPlot.pxRatio, 3 * uPlot.pxRatio]);
  ctx.beginPath();
  ctx.moveTo(bbox.left, y);
  ctx.lineTo(bbox.left + bbox.width, y);
  ctx.stroke();
  ctx.restore();
};
