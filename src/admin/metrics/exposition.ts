/**
 * Prometheus' text format, written by prom-client. Of its registry only the writing is used: a metric of ours is asked for its
 * rows when somebody reads the numbers, and costs nothing before.
 */
import { Registry, type Metric as Registered } from "prom-client";
import { BOUNDS, type Histogram } from "./counts.ts";

export type Labels = Readonly<Record<string, string>>;
export type Rows<Value = number> = Iterable<readonly [Labels, Value]>;

type Told = { readonly name: string; readonly help: string };

/** `rows`: none for what is not known. A number that is not finite is not known either. */
export type Metric<Source> = Told &
  (
    | { readonly type: "counter" | "gauge"; readonly rows: (source: Source) => Rows | Promise<Rows> }
    | { readonly type: "histogram"; readonly rows: (source: Source) => Rows<Histogram> }
  );

type Sample = { readonly metricName?: string; readonly labels: Labels; readonly value: number };

/** Throws for a name that is there already. */
export const register = <Source>(registry: Registry, metrics: readonly Metric<Source>[], source: Source): void => {
  for (const metric of metrics) {
    const { name, help, type } = metric;
    const get = async () => ({ name, help, type, aggregator: "sum", values: await samplesOf(metric, source) });
    // Its type asks for members of its own classes; its registry calls no other than this one.
    registry.registerMetric({ name, help, get } as unknown as Registered);
  }
};

const samplesOf = async <Source>(metric: Metric<Source>, source: Source): Promise<readonly Sample[]> => {
  if (metric.type === "histogram")
    return Array.from(metric.rows(source), ([labels, own]) => bucketsOf(metric.name, labels, own)).flat();
  const rows = await metric.rows(source);
  return Array.from(rows, ([labels, value]) => ({ labels, value })).filter(({ value }) => Number.isFinite(value));
};

/** Milliseconds become seconds. */
const bucketsOf = (name: string, labels: Labels, { buckets, sum }: Histogram): Sample[] => {
  let below = 0;
  const cumulative = Array.from(buckets, (count, at): Sample => ({
    metricName: `${name}_bucket`,
    labels: { ...labels, le: LE[at]! },
    value: (below += count),
  }));
  return [
    ...cumulative,
    { metricName: `${name}_sum`, labels, value: sum / 1000 },
    { metricName: `${name}_count`, labels, value: below },
  ];
};

const LE = [...BOUNDS.map((bound) => String(bound / 1000)), "+Inf"];
