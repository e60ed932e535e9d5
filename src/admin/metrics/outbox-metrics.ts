/** Metrics of the outbox. A tenant that never handed over a Do-Not-Call has no series. */
import type { Labels } from "./exposition.ts";
import type { MetricRow, OutboxSample, Sources } from "./sources.ts";

const gauge = (of: (sample: OutboxSample) => number) =>
  function* ({ outbox }: Sources): Generator<readonly [Labels, number]> {
    for (const sample of outbox?.().counts ?? []) yield [{ tenant: sample.tenant }, of(sample)];
  };

export const OUTBOX_METRICS: readonly MetricRow[] = [
  {
    name: "ocsgw_outbox_pending",
    type: "gauge",
    help: "Accepted Do-Not-Calls that OCS has not carried out yet and that the gateway sends again.",
    rows: gauge(({ pending }) => pending),
  },
  {
    name: "ocsgw_outbox_oldest_seconds",
    type: "gauge",
    help: "Time since the tenant's oldest pending Do-Not-Call was accepted. 0 when none is pending.",
    rows: gauge(({ oldest }) => oldest / 1000),
  },
  {
    name: "ocsgw_outbox_alarms",
    type: "gauge",
    help: "Accepted Do-Not-Calls that were not carried out and that nobody has closed yet.",
    rows: gauge(({ alarms }) => alarms),
  },
  {
    name: "ocsgw_outbox_attempts_total",
    type: "counter",
    help: "Attempts to send accepted Do-Not-Calls. result: done, later (it is sent again) or never (an alarm).",
    rows: function* ({ outbox }) {
      for (const { tenant, result, count } of outbox?.().attempts ?? []) yield [{ tenant, result }, count];
    },
  },
];
