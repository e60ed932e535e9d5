/** Metrics of `audit.forward`. A destination has no rows before its first attempt. */
import { flag } from "./exposition.ts";
import type { MetricRow } from "./sources.ts";

export const FORWARD_METRICS: readonly MetricRow[] = [
  {
    name: "ocsgw_forward_up",
    type: "gauge",
    help: "0 while journal entries cannot be forwarded to a destination.",
    rows: function* ({ forwarding }) {
      for (const { destination, isUp } of forwarding?.() ?? []) yield [{ destination }, flag(isUp)];
    },
  },
  {
    name: "ocsgw_forward_lag_entries",
    type: "gauge",
    help: "Journal entries that a destination has not got yet.",
    rows: function* ({ forwarding }) {
      for (const { destination, lag } of forwarding?.() ?? []) if (lag !== undefined) yield [{ destination }, lag];
    },
  },
  {
    name: "ocsgw_forward_next_index",
    type: "gauge",
    help: "Index of the next journal entry that a destination gets.",
    rows: function* ({ forwarding }) {
      for (const { destination, next } of forwarding?.() ?? []) if (next !== undefined) yield [{ destination }, next];
    },
  },
  {
    name: "ocsgw_forward_failures_total",
    type: "counter",
    help: "Attempts to forward journal entries that failed; they are repeated.",
    rows: function* ({ forwarding }) {
      for (const { destination, failures } of forwarding?.() ?? []) yield [{ destination }, failures];
    },
  },
  {
    name: "ocsgw_forward_missing_entries_total",
    type: "counter",
    help: "Journal entries that were deleted or damaged before they were forwarded; a gap message names them.",
    rows: function* ({ forwarding }) {
      for (const { destination, missing } of forwarding?.() ?? []) yield [{ destination }, missing];
    },
  },
];
