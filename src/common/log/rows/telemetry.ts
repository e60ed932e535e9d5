/** Events of telemetry.otlp. */
import { text, type EventRows } from "../event-row.ts";

const signal = text("traces or logs");

export const TELEMETRY_EVENTS = {
  telemetryFailed: {
    level: "warn",
    message: "The {signal} cannot be sent to the OpenTelemetry collector: {reason}. Requests are served as usual",
    action:
      "Repair the collector, or correct telemetry.otlp. What was not sent is dropped and counted in " +
      "ocsgw_telemetry_items_total; the gateway goes on trying, and logs telemetryRecovered when it works",
    fields: { signal, reason: text("what the collector, the network or the disk answered") },
  },
  telemetryRecovered: {
    level: "info",
    message: "The {signal} are sent to the OpenTelemetry collector again",
    fields: { signal },
  },
} as const satisfies EventRows;
