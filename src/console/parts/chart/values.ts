/** Times and values of charts as text. */
import { preferences } from "../../preferences.ts";
import { S } from "../../strings.ts";
import { shortTime } from "../../time.ts";
import type { Line } from "./plot.ts";

/** "12:31" or, with seconds, "12:31:20", in the zone of the preferences. */
export const clockOf = (seconds: number): string => {
  const clock = shortTime(
    new Date(seconds * 1000).toISOString(),
    preferences.value.zone !== "local",
    seconds * 1000,
    0,
  );
  return clock.endsWith(":00") ? clock.slice(0, -3) : clock;
};

export const valueOf = (value: number | null | undefined, format: (value: number) => string): string =>
  value === null || value === undefined ? S.chart.unknown : format(value);

type Drawn = { readonly lines: readonly Pick<Line, "values">[]; readonly drawsZero?: boolean };

/** Whether a chart shows a sentence in place of its lines. */
export const hasNothing = ({ lines, drawsZero = false }: Drawn): boolean =>
  lines.every(({ values }) => values.every((value) => value === null || (value === 0 && !drawsZero)));

/** "0", "0.4", "41.2", "1,204": enough digits to compare. */
export const shortNumber = (value: number): string => {
  if (value === 0) return "0";
  const digits = value < 0.1 ? 3 : value < 10 ? 2 : value < 100 ? 1 : 0;
  return value.toLocaleString("en", { maximumFractionDigits: digits });
};
