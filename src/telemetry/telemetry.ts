/**
 * Traces and logs for an OpenTelemetry collector. The SDK is loaded only when it is configured: otherwise nothing of it
 * is in memory, and a request costs nothing more.
 */
import type { Telemetry, TelemetryOptions } from "./types.ts";

export const startTelemetry = async (options: TelemetryOptions): Promise<Telemetry> =>
  (await import("./sdk.ts")).createTelemetry(options);
