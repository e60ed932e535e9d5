/** Lines that several pages draw from a series. */
import type { Series } from "../../../admin/api/now-schema.ts";
import { hrefOf } from "../../router.ts";
import { S } from "../../strings.ts";
import type { Dash, Hue, Pattern } from "./looks.ts";
import type { Line } from "./plot.ts";

/** The least part of a step that says something about it: a second of a minute would make a rate of chance. */
const LEAST_PART = 0.25;

/** Without a last step that has only begun. */
export const wholeSteps = (series: Series): Series => {
  const last = series.seconds.at(-1);
  if (last === undefined || series.times.length < 2 || last >= LEAST_PART * series.step_s) return series;
  const cut = <Value>(values: readonly Value[]): Value[] => values.slice(0, -1);
  const codes = Object.fromEntries(
    Object.entries(series.codes).map(([as, all]) => [as, all.map((each) => ({ ...each, counts: cut(each.counts) }))]),
  );
  return {
    ...(Object.fromEntries(
      Object.entries(series).map(([name, value]) => [name, Array.isArray(value) ? cut<unknown>(value) : value]),
    ) as Series),
    codes: codes as Series["codes"],
  };
};

/** Counts in each step as numbers in `per` seconds. */
export const ratesIn = (counts: readonly number[], { seconds }: Series, per = 1): number[] =>
  counts.map((count, place) => (count * per) / seconds[place]!);

/** Whether a request had an exchange with OCS. The average of lanes in use, which is rounded, can be 0 nevertheless. */
export const wasSent = ({ ocs_p95_ms }: Series): boolean => ocs_p95_ms.some((value) => value !== null);

export const outcomeLines = (series: Series): Line[] => [
  { label: S.chart.outcome.ok, values: ratesIn(series.ok, series), hue: "ok", pattern: "plain" },
  {
    label: S.chart.outcome.ocs_no,
    values: ratesIn(series.ocs_no, series),
    hue: "ocs-no",
    pattern: "rising",
    dash: "dashed",
  },
  {
    label: S.chart.outcome.refused,
    values: ratesIn(series.refused, series),
    hue: "refused",
    pattern: "crossed",
    dash: "dotted",
  },
  {
    label: S.chart.outcome.no_answer,
    values: ratesIn(series.no_answer, series),
    hue: "unknown",
    pattern: "dots",
    dash: "long",
  },
];

const LOOKS: readonly { readonly hue: Hue; readonly dash: Dash; readonly pattern: Pattern }[] = [
  { hue: "refused", dash: "solid", pattern: "plain" },
  { hue: "ocs-no", dash: "dashed", pattern: "rising" },
  { hue: "unknown", dash: "dotted", pattern: "dots" },
  { hue: "link", dash: "long", pattern: "falling" },
  { hue: "observe", dash: "mixed", pattern: "crossed" },
  { hue: "text-muted", dash: "dotted", pattern: "rows" },
];

const FILTER_KEYS = { refused: "code", no_answer: "code", would_refuse: "would" } as const;

/** Requests a minute by code, each with a look of its own. The names lead to the flows of this tenant. */
export const codeLines = (series: Series, as: keyof Series["codes"], dbid: number): Line[] =>
  series.codes[as].map(({ code, counts }, index) => ({
    label: code ?? S.chart.others,
    href:
      code === null ? undefined : hrefOf("/flows", { filter: `tenant:${dbid} ${FILTER_KEYS[as]}:${code} since:1h` }),
    values: ratesIn(counts, series, 60),
    ...LOOKS[index % LOOKS.length]!,
  }));

export const queueLines = (series: Series): Line[] => [
  { label: S.tenants.p99, values: series.queue_p99_ms, hue: "text-muted", dash: "dotted" },
  { label: S.tenants.p95, values: series.queue_p95_ms, hue: "refused", dash: "dashed" },
  { label: S.tenants.p50, values: series.queue_p50_ms, hue: "link" },
];

export const ocsLines = (series: Series): Line[] => [
  { label: S.tenants.p95, values: series.ocs_p95_ms, hue: "refused", dash: "dashed" },
  { label: S.tenants.p50, values: series.ocs_p50_ms, hue: "link" },
];

/** The time that 95 of 100 requests of an OCS did not exceed in this phase, as PromQL. */
export const phaseQuery = (upstream: string, phase: "queue" | "ocs"): string =>
  "histogram_quantile(0.95, sum by (le) " +
  `(rate(ocsgw_upstream_phase_seconds_bucket{upstream=${label(upstream)},phase="${phase}"}[5m])))`;

/** A text as a label's value in PromQL. */
export const label = (value: string): string => JSON.stringify(value);
