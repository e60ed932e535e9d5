/** `telemetry`: traces and logs for an OpenTelemetry collector. */
import { z } from "zod";
import { label, off, path, secret, webAddress } from "../units.ts";

const HEADER_NAME = /^[A-Za-z0-9!#$%&'*+.^_`|~-]{1,64}$/;

const headers = z
  .record(
    z.string().regex(HEADER_NAME, { error: "expected the name of an HTTP header" }),
    secret.regex(/^[\t -~]+$/, { error: "expected the value of an HTTP header: printable US-ASCII" }),
  )
  .meta({ "x-kind": "secret" });

const otlp = z.strictObject({
  endpoint: webAddress.describe(
    "Address of the collector, OTLP over HTTP: the gateway posts to <endpoint>/v1/traces and <endpoint>/v1/logs.",
  ),
  headers: headers
    .default({})
    .describe("Headers of each request, for example { Authorization: '${file:secrets/otlp}' }."),
  ca: off(path).describe(
    "PEM file with the certificates that the collector's chain must end in. Default: the system's.",
  ),
  service_name: label.default("ocs-gateway").describe("The name of the service (service.name) in traces and logs."),
  sample: z
    .number({ error: "expected a number from 0 to 1" })
    .min(0, { error: "expected a number from 0 to 1" })
    .max(1, { error: "expected a number from 0 to 1" })
    .default(1)
    .describe(
      "Part of the requests that are traced, from 0 to 1. A request with a traceparent is traced as its client " +
        "decided, once the client is authenticated.",
    ),
  traces: z.boolean().default(true).describe("Whether a span is exported for each sampled request."),
  logs: z.boolean().default(true).describe("Whether the gateway's log lines are exported."),
});

export const telemetry = z.strictObject({
  otlp: off(otlp).describe("OpenTelemetry collector that gets traces and logs. Default: off."),
});
