/**
 * The metrics as OpenMetrics 1.0, for scrapers that ask for it: the same values as in Prometheus' text format, with
 * exemplars. prom-client's own writer changes the names of the counters that it shares with the other format.
 */
import type { Registry } from "prom-client";
import type { SampleExemplar } from "./exposition.ts";

export const OPEN_METRICS = "application/openmetrics-text";
const TOTAL = "_total";

type Sample = {
  readonly metricName?: string;
  readonly labels: Readonly<Record<string, string | number>>;
  readonly value: number;
  readonly exemplar?: SampleExemplar;
};

type Family = {
  readonly name: string;
  readonly help: string;
  readonly type: string;
  readonly values: readonly Sample[];
};

export const openMetricsText = async (registry: Registry): Promise<string> => {
  // The type lacks `values`, which every metric of a registry has.
  const metrics = registry.getMetricsAsArray() as unknown as readonly {
    readonly get: () => Family | Promise<Family>;
  }[];
  const families = await Promise.all(metrics.map(async (metric) => metric.get()));
  return `${families.map(familyText).join("")}# EOF\n`;
};

const familyText = ({ name, help, type, values }: Family): string => {
  const family = type === "counter" && name.endsWith(TOTAL) ? name.slice(0, -TOTAL.length) : name;
  const samples = values.map((sample) => sampleText(type === "counter" ? `${family}${TOTAL}` : family, sample));
  return `# HELP ${family} ${escape(help)}\n# TYPE ${family} ${type}\n${samples.join("")}`;
};

const sampleText = (family: string, { metricName = family, labels, value, exemplar }: Sample): string =>
  `${metricName}${labelsText(labels)} ${numberText(value)}${exemplar ? exemplarText(exemplar) : ""}\n`;

const exemplarText = ({ labels, value, at }: SampleExemplar): string =>
  ` # ${labelsText(labels) || "{}"} ${numberText(value)} ${(at / 1000).toFixed(3)}`;

const labelsText = (labels: Sample["labels"]): string => {
  const all = Object.entries(labels).map(
    ([name, value]) => `${name}="${escape(name === "le" ? boundText(String(value)) : String(value))}"`,
  );
  return all.length === 0 ? "" : `{${all.join(",")}}`;
};

/** Bounds are floating-point numbers: `1.0`. */
const boundText = (bound: string): string => (/^\d+$/.test(bound) ? `${bound}.0` : bound);

const numberText = (value: number): string => {
  if (Number.isNaN(value)) return "NaN";
  return Number.isFinite(value) ? String(value) : value > 0 ? "+Inf" : "-Inf";
};

const escape = (text: string): string =>
  text
    .replaceAll("\\", String.raw`\\`)
    .replaceAll("\n", String.raw`\n`)
    .replaceAll('"', String.raw`\"`);
