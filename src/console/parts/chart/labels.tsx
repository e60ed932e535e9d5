/** Names and values of lines, each beside the end of its line. In a narrow page they stand below the chart. */
import { APART, apart } from "./layout.ts";
import { DASHES } from "./looks.ts";
import type { Line, Plot } from "./plot.ts";
import { valueOf } from "./values.ts";

type Props = {
  readonly lines: readonly Line[];
  readonly place: number;
  readonly plot: Plot | undefined;
  readonly format: (value: number) => string;
  readonly stacked: boolean;
};

export const Labels = ({ lines, place, plot, format, stacked }: Props) => {
  const last = (line: Line): number => line.values.length - 1;
  const ends = lines.map((line, index) => {
    const y = plot?.y(index, last(line)) ?? plot?.height ?? 0;
    const below = stacked && index > 0 ? (plot?.y(index - 1, last(line)) ?? y) : y;
    return (y + below) / 2 - APART / 2;
  });
  const tops = apart(ends, Math.max((plot?.height ?? 0) + (plot?.top ?? 0), lines.length * APART));
  return (
    <ul class="chart-labels">
      {lines.map((line, index) => (
        <li key={line.label} style={{ top: `${tops[index]}px` }}>
          <Sample line={line} />
          <span class="chart-label-name">
            {line.href === undefined ? line.label : <a href={line.href}>{line.label}</a>}
          </span>
          <span class="number chart-label-value">{valueOf(line.values[place], format)}</span>
        </li>
      ))}
    </ul>
  );
};

/** A piece of the line. */
const Sample = ({ line: { hue, dash = "solid" } }: { readonly line: Line }) => (
  <svg class={`chart-sample hue-${hue}`} viewBox="0 0 18 8" width="18" height="8" aria-hidden="true">
    <path d="M0 4h18" stroke="currentColor" stroke-width="2" stroke-dasharray={DASHES[dash].join(" ")} />
  </svg>
);
