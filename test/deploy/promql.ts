/** What expressions of alerts and dashboards name: metrics and labels. No parser: promtool is one. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { METRICS } from "../../src/admin/metrics/metrics.ts";
import { root } from "../kit/command.ts";

/** Made by Prometheus or by the scrape config. */
const OF_THE_SCRAPE = ["job", "instance", "gateway"];
/** Metrics that are not ours: Prometheus' own, and prom-client's for the process. */
const OTHERS: Readonly<Record<string, readonly string[]>> = {
  up: [],
  process_start_time_seconds: [],
  process_cpu_seconds_total: [],
  process_resident_memory_bytes: [],
  nodejs_eventloop_lag_p99_seconds: [],
};

/** The labels of each metric, as the page of the metrics has them. */
export const labelsByMetric = (): ReadonlyMap<string, readonly string[]> => {
  const page = readFileSync(join(root, "src/docs/reference/metrics.md"), "utf8");
  const documented = [...page.matchAll(/^\| `(ocsgw_\w+)(?:\{([\w,]+)\})?` \|/gm)].map(
    ([, name, labels]) => [name!, labels?.split(",") ?? []] as const,
  );
  return new Map([...documented, ...Object.entries(OTHERS)]);
};

const types = new Map(METRICS.map(({ name, type }) => [name, type]));

/** The metric of a series: a histogram has several. */
const metricOf = (series: string): string => {
  const base = series.replace(/_(?:bucket|count|sum)$/, "");
  return types.get(base) === "histogram" ? base : series;
};

const SERIES = /(?<![\w"$])(?:ocsgw|process|nodejs)_\w+|(?<![\w"$])up(?=\{)/g;

export const metricsIn = (expression: string): readonly string[] => [
  ...new Set((expression.match(SERIES) ?? []).map(metricOf)),
];

/** The labels of each metric in a scrape. */
export const labelsOfScrape = (scrape: string): ReadonlyMap<string, readonly string[]> =>
  new Map(
    [...scrape.matchAll(/^(\w+)(\{.*\})? \S+$/gm)].map(([, series, labels = ""]) => [
      metricOf(series!),
      [...labels.matchAll(/(\w+)="(?:[^"\\]|\\.)*"/g)].map(([, label]) => label!),
    ]),
  );

/** Every fault in words: unknown metrics, and labels that none of the expression's metrics has. */
export const faultsOf = (
  expression: string,
  texts: readonly string[] = [],
  known: ReadonlyMap<string, readonly string[]> = labelsByMetric(),
): readonly string[] => {
  const metrics = metricsIn(expression);
  const unknown = metrics.filter((name) => !known.has(name)).map((name) => `unknown metric ${name}`);
  const matchers = [...expression.matchAll(/(\w+)\{([^}]*)\}/g)].flatMap(([, series, inside]) =>
    [...inside!.matchAll(/(\w+)\s*(?:=~|!~|!=|=)/g)].map(([, label]) => ({
      label: label!,
      has: [...(known.get(metricOf(series!)) ?? []), ...OF_THE_SCRAPE, ...(series!.endsWith("_bucket") ? ["le"] : [])],
      where: series!,
    })),
  );
  const all = [...metrics.flatMap((name) => known.get(name) ?? []), ...OF_THE_SCRAPE, "le"];
  const grouped = [...expression.matchAll(/\b(?:by|on|without)\s*\(([^)]*)\)/g)]
    .flatMap(([, inside]) => inside!.split(","))
    .map((label) => ({ label: label.trim(), has: all, where: "by or on" }));
  const shown = texts
    .flatMap((text) => [...text.matchAll(/\$labels\.(\w+)|\{\{(\w+)\}\}/g)])
    .map(([, ofAlert, ofLegend]) => ({ label: (ofAlert ?? ofLegend)!, has: all, where: "a text" }));
  return [
    ...unknown,
    ...[...matchers, ...grouped, ...shown]
      .filter(({ label, has }) => !has.includes(label))
      .map(({ label, where }) => `unknown label ${label} in ${where}`),
  ];
};
