/** Rules about `telemetry`. */
import type { Rule } from "../parsed-parts.ts";
import { isLoopback } from "../../schema/units.ts";

const PROBLEMS = {
  plainHeaders: {
    code: "OCSGW-6376",
    severity: "warning" as const,
    message: "over http, everybody on the network can read these headers, and a credential in them",
    help: "use https, or an address of this machine",
  },
} as const;

export const telemetryRules: readonly Rule[] = [
  ({ telemetry }) => {
    const otlp = telemetry?.value.otlp;
    if (!telemetry || !otlp || Object.keys(otlp.headers).length === 0) return [];
    const { protocol, hostname } = new URL(otlp.endpoint);
    return protocol === "https:" || isLoopback(hostname)
      ? []
      : [{ ...PROBLEMS.plainHeaders, path: [...telemetry.path, "otlp", "headers"] }];
  },
];
