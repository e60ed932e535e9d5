/**
 * The metrics in Prometheus' text format, one row each. Labels are names from the config and fixed words, never a phone
 * number, a handle, a customer id or a client's address. An unknown value is absent, never 0.
 */
import { Registry } from "prom-client";
import { register } from "./exposition.ts";
import { CLUSTER_METRICS } from "./cluster-metrics.ts";
import { GATEWAY_METRICS, STANDBY_METRICS } from "./gateway-metrics.ts";
import { FORWARD_METRICS } from "./forward-metrics.ts";
import { OUTBOX_METRICS } from "./outbox-metrics.ts";
import { EVIDENCE_METRICS, JOURNAL_METRICS, OPEN_DNC_METRICS } from "./journal-metrics.ts";
import type { WriteMetrics } from "./metrics-reply.ts";
import { openMetricsText } from "./open-metrics.ts";
import { OWNERSHIP_LOG_METRICS } from "./ownership-log-metrics.ts";
import { processMetrics } from "./process-metrics.ts";
import { REQUEST_METRICS } from "./request-metrics.ts";
import type { MetricRow, Sources } from "./sources.ts";
import { UPSTREAM_METRICS } from "./upstream-metrics.ts";

/** In output order. */
export const METRICS: readonly MetricRow[] = [
  ...REQUEST_METRICS,
  ...UPSTREAM_METRICS,
  ...OPEN_DNC_METRICS,
  ...OUTBOX_METRICS,
  ...JOURNAL_METRICS,
  ...EVIDENCE_METRICS,
  ...FORWARD_METRICS,
  ...CLUSTER_METRICS,
  ...OWNERSHIP_LOG_METRICS,
  ...GATEWAY_METRICS,
];

/** Returns the function that writes all metrics. */
export const createMetrics = (sources: Sources): WriteMetrics => {
  const registry = new Registry();
  register(registry, METRICS, sources);
  // Process metrics start at the first scrape, so a gateway without a scraper does not pay for them.
  let all: Registry | undefined;
  return (form) => {
    all ??= Registry.merge([registry, processMetrics()]);
    if (form === undefined) return all.metrics();
    sources.counts.keepsExamples = true;
    return openMetricsText(all);
  };
};

/** Returns the function that writes the metrics of a standby. */
export const createStandbyMetrics = (version: string): WriteMetrics => {
  const registry = new Registry();
  register(registry, STANDBY_METRICS, { version, serving: false });
  return (form) => (form === undefined ? registry.metrics() : openMetricsText(registry));
};
