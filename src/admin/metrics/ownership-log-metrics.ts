/** Metrics of the log of record handles that several gateways share. No rows without `shared`. */
import { flag } from "./exposition.ts";
import type { MetricRow, OwnershipLogSample } from "./sources.ts";

const perUpstream = (
  value: (sample: OwnershipLogSample) => number,
): Extract<MetricRow, { type: "gauge" | "counter" }>["rows"] =>
  function* ({ ownershipLogs }) {
    for (const sample of ownershipLogs?.() ?? []) yield [{ upstream: sample.upstream }, value(sample)];
  };

export const OWNERSHIP_LOG_METRICS: readonly MetricRow[] = [
  {
    name: "ocsgw_ownership_log_position",
    type: "gauge",
    help: "Number of the last event in the shared log of record handles that this gateway has applied.",
    rows: perUpstream(({ position }) => position),
  },
  {
    name: "ocsgw_ownership_log_lag_events",
    type: "gauge",
    help: "Events in the shared log of record handles that this gateway knows of and has not applied.",
    rows: perUpstream(({ lag }) => lag),
  },
  {
    name: "ocsgw_ownership_current",
    type: "gauge",
    help:
      "0 while this gateway has no lease in the shared database, so that requests with record handles get 503 " +
      "OCSGW-5103.",
    rows: perUpstream(({ mayAnswer }) => flag(mayAnswer)),
  },
  {
    name: "ocsgw_ownership_unwritten_events",
    type: "gauge",
    help: "Events that this gateway has to write to the shared log of record handles and could not write yet.",
    rows: perUpstream(({ pending }) => pending),
  },
  {
    name: "ocsgw_ownership_events_total",
    type: "counter",
    help: "Events in the shared log of record handles that this gateway has applied, by writer: this, or others.",
    rows: function* ({ ownershipLogs }) {
      for (const { upstream, appended, applied } of ownershipLogs?.() ?? []) {
        yield [{ upstream, by: "this" }, appended];
        yield [{ upstream, by: "others" }, applied - appended];
      }
    },
  },
  {
    name: "ocsgw_ownership_finalizing_turns_total",
    type: "counter",
    help: "Finalizing requests of all gateways that asked for their turn in the shared log of record handles.",
    rows: perUpstream(({ claims }) => claims),
  },
  {
    name: "ocsgw_ownership_reads_total",
    type: "counter",
    help: "Times that this gateway read the shared log of record handles.",
    rows: perUpstream(({ catchUps }) => catchUps),
  },
  {
    name: "ocsgw_ownership_waits_total",
    type: "counter",
    help: "Announcements whose answer waited until the other gateways knew what they take from a tenant.",
    rows: perUpstream(({ waits }) => waits),
  },
];
