/** Metrics of the gateway itself: version, config, log, keys and certificates, connections. */
import { droppedLogLines } from "../../common/log/events.ts";
import { flag, single, type Metric } from "./exposition.ts";
import { openDescriptors } from "./process-metrics.ts";
import type { MetricRow, Sources } from "./sources.ts";

const BUILD_INFO = {
  name: "ocsgw_build_info",
  type: "gauge",
  help: "Versions of the gateway and of Node.",
  rows: ({ version }: Pick<Sources, "version">) =>
    version === undefined ? [] : [[{ version, node: process.versions.node }, 1]],
} satisfies Metric<Pick<Sources, "version">>;

const SERVING = {
  name: "ocsgw_serving",
  type: "gauge",
  help: "1 while the process takes clients' requests. 0 while it starts or drains, and for a standby.",
  rows: ({ serving }: Pick<Sources, "serving">) => single(serving === undefined ? undefined : flag(serving)),
} satisfies Metric<Pick<Sources, "serving">>;

/** A standby has no other metrics, because it has no parts that could have values. */
export const STANDBY_METRICS: readonly Metric<Pick<Sources, "version" | "serving">>[] = [BUILD_INFO, SERVING];

export const GATEWAY_METRICS: readonly MetricRow[] = [
  BUILD_INFO,
  SERVING,
  {
    name: "ocsgw_config_info",
    type: "gauge",
    help: "SHA-256 of the config in force (the config file, and tenants.d where it exists).",
    rows: ({ configHash }) => [[{ hash: configHash }, 1]],
  },
  {
    name: "ocsgw_config_reload_ok",
    type: "gauge",
    help: "0 while the config on disk was rejected and an earlier one is in force.",
    rows: ({ refused }) => single(flag(refused === undefined)),
  },
  {
    name: "ocsgw_plain_on_tls_total",
    type: "counter",
    help: "Connections on which a client sent plain HTTP to a TLS port.",
    rows: ({ counts }) => [...counts.plainOnTls].map(([listener, count]) => [{ listener }, count] as const),
  },
  {
    name: "ocsgw_console_logins_total",
    type: "counter",
    help: "Logins to the console, by result: ok, rejected, throttled, busy, unavailable, not recorded.",
    rows: ({ logins }) => [...(logins?.() ?? [])].map(([result, count]) => [{ result }, count] as const),
  },
  {
    name: "ocsgw_log_lines_dropped_total",
    type: "counter",
    help: "Log lines that were dropped because stderr was not read in time.",
    rows: () => single(droppedLogLines()),
  },
  {
    name: "ocsgw_telemetry_items_total",
    type: "counter",
    help:
      "Spans (traces) and log lines (logs) that were sent to the OpenTelemetry collector (exported), or not " +
      "(failed).",
    rows: function* ({ telemetry }) {
      for (const { signal, result, items } of telemetry?.() ?? []) yield [{ signal, result }, items];
    },
  },
  {
    name: "ocsgw_key_set_age_seconds",
    type: "gauge",
    help: "Time since the keys of an issuer with jwks_uri were fetched.",
    rows: function* ({ keySets }) {
      for (const { issuer, age } of keySets?.() ?? []) if (age !== undefined) yield [{ issuer }, age / 1000];
    },
  },
  {
    name: "ocsgw_key_set_up",
    type: "gauge",
    help: "0 while the keys of an issuer with jwks_uri cannot be fetched.",
    rows: function* ({ keySets }) {
      for (const { issuer, age, lastError } of keySets?.() ?? []) {
        if (age !== undefined || lastError !== undefined) yield [{ issuer }, flag(lastError === undefined)];
      }
    },
  },
  {
    name: "ocsgw_cert_expiry_seconds",
    type: "gauge",
    help: "Time until the first certificate of a file in use expires.",
    rows: function* ({ certificates }) {
      for (const { of, what, notAfter } of certificates) yield [{ of, what }, (notAfter - Date.now()) / 1000];
    },
  },
  {
    name: "ocsgw_connections",
    type: "gauge",
    help: "Open connections of a listener.",
    rows: function* ({ connections }) {
      for (const { listener, open } of connections?.() ?? []) yield [{ listener }, open];
    },
  },
  {
    name: "ocsgw_connections_left",
    type: "gauge",
    help: "Connections that a listener still accepts before it closes new ones.",
    rows: function* ({ connections }) {
      for (const { listener, left } of connections?.() ?? []) yield [{ listener }, left];
    },
  },
  {
    name: "ocsgw_descriptors_left",
    type: "gauge",
    help: "Files and connections that the process may still open. Absent without a limit.",
    rows: async ({ descriptorLimit }) => {
      const open = descriptorLimit === undefined ? undefined : await openDescriptors();
      return single(open === undefined ? undefined : Math.max(0, descriptorLimit! - open));
    },
  },
];
