/** What happened at a time: a line in every chart, and one list of all of them in words. */
import type { Marker } from "../../../admin/api/now-schema.ts";
import { S } from "../../strings.ts";
import { Time } from "../time.tsx";
import { GLYPH_PX, levelsOf } from "./layout.ts";
import type { Plot } from "./plot.ts";

export type ChartMarker = Marker;

const GLYPHS: Readonly<Record<Marker["kind"], string>> = {
  start: "▶",
  config: "⚙",
  switchover: "⇅",
  reconnected: "↻",
  down: "✖",
  fault: "ϟ",
};

type LinesProps = { readonly markers: readonly ChartMarker[]; readonly plot: Plot; readonly times: readonly number[] };

export const MarkerLines = ({ markers, plot, times }: LinesProps) => {
  const shown = markers.flatMap(({ time, kind, text }) => {
    const at = Date.parse(time) / 1000;
    // A start is a little earlier than the first counted second.
    const from = Math.max(at, times[0] ?? at);
    return from > (times.at(-1) ?? 0) ? [] : [{ key: `${kind} ${time} ${text}`, kind, x: Math.round(plot.x(from)) }];
  });
  const levels = levelsOf(shown.map(({ x }) => x));
  return (
    <>
      {shown.map(({ key, kind, x }, place) => (
        <span
          key={key}
          class={`chart-marker chart-marker-${kind}`}
          aria-hidden="true"
          style={{
            left: `${x}px`,
            top: `${Math.round(plot.top)}px`,
            height: `${Math.round(plot.height)}px`,
            paddingTop: `${levels[place]! * GLYPH_PX}px`,
          }}
        >
          {GLYPHS[kind]}
        </span>
      ))}
    </>
  );
};

/** The newest first. */
export const MarkerList = ({ markers }: { readonly markers: readonly ChartMarker[] }) =>
  markers.length === 0 ? null : (
    <ul class="marker-list" aria-label={S.chart.markers}>
      {markers.toReversed().map(({ time, kind, upstream, text }) => (
        <li key={`${kind} ${time} ${text}`}>
          <span class={`chart-marker-${kind}`} aria-hidden="true">
            {GLYPHS[kind]}
          </span>{" "}
          <Time at={time} decimals={0} /> {S.chart.marker[kind](text, upstream ?? "")}
        </li>
      ))}
    </ul>
  );
