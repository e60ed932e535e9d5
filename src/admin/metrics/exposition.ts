/**
 * Prometheus' text format, written by prom-client. Only its registry's writer is used: a metric computes its rows at
 * each scrape and costs nothing in between.
 */
import { Registry, type Metric as Registered } from "prom-client";
import { BOUNDS, type Exemplar, type Histogram } from "../counters.ts";

export type Labels = Readonly<Record<string, string>>;
export type Rows<Value = number> = Iterable<readonly [Labels, Value]>;

type MetricHelp = { readonly name: string; readonly help: string };

/** `rows`: none for an unknown value. A number that is not finite is left out too. */
export type Metric<Source> = MetricHelp &
  (
    | { readonly type: "counter" | "gauge"; readonly rows: (source: Source) => Rows | Promise<Rows> }
    | { readonly type: "histogram"; readonly rows: (source: Source) => Rows<Histogram> }
  );

/** `at`: milliseconds since 1970. */
export type SampleExemplar = { readonly labels: Labels; readonly value: number; readonly at: number };

type Sample = {
  readonly metricName?: string;
  readonly labels: Labels;
  readonly value: number;
  /** For OpenMetrics only. */
  readonly exemplar?: SampleExemplar;
};

/** One value without labels; no row while it is unknown. */
export const single = (value: number | undefined): Rows => (value === undefined ? [] : [[{}, value]]);
export const flag = (is: boolean): number => (is ? 1 : 0);
export const seconds = (ms: number | undefined): number | undefined => (ms === undefined ? undefined : ms / 1000);

/** Throws for a name that is already registered. */
export const register = <Source>(registry: Registry, metrics: readonly Metric<Source>[], source: Source): void => {
  for (const metric of metrics) {
    const { name, help, type } = metric;
    const get = async () => ({ name, help, type, aggregator: "sum", values: await samplesOf(metric, source) });
    // The type demands members of prom-client's own classes; the registry calls only `get`.
    registry.registerMetric({ name, help, get } as unknown as Registered);
  }
};

const samplesOf = async <Source>(metric: Metric<Source>, source: Source): Promise<readonly Sample[]> => {
  if (metric.type === "histogram")
    return Array.from(metric.rows(source), ([labels, own]) => bucketsOf(metric.name, labels, own)).flat();
  const rows = await metric.rows(source);
  return Array.from(rows, ([labels, value]) => ({ labels, value })).filter(({ value }) => Number.isFinite(value));
};

/** Converts milliseconds to seconds. */
const bucketsOf = (name: string, labels: Labels, { buckets, sum, exemplars }: Histogram): Sample[] => {
  let below = 0;
  const cumulative = Array.from(buckets, (count, at): Sample => ({
    metricName: `${name}_bucket`,
    labels: { ...labels, le: LE[at]! },
    value: (below += count),
    ...(exemplars[at] && { exemplar: exemplarOf(exemplars[at]) }),
  }));
  return [
    ...cumulative,
    { metricName: `${name}_sum`, labels, value: sum / 1000 },
    { metricName: `${name}_count`, labels, value: below },
  ];
};

const exemplarOf = ({ id, trace, ms, at }: Exemplar): SampleExemplar => ({
  labels: { request_id: id, ...(trace !== undefined && { trace_id: trace }) },
  value: ms / 1000,
  at,
});

const LE = [...BOUNDS.map((bound) => String(bound / 1000)), "+Inf"];
