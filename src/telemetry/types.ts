/** What the gateway says to its telemetry, and what it hears. */
import type { LogLine } from "../common/log/events.ts";
import type { Ending, SeenRequest } from "./spans.ts";

export type Signal = "traces" | "logs";

export type TelemetryOptions = {
  /** The collector's address, to which `/v1/traces` and `/v1/logs` are added. */
  readonly endpoint: string;
  readonly headers: Readonly<Record<string, string>>;
  /** PEM. */
  readonly ca: string | undefined;
  readonly serviceName: string;
  readonly version: string;
  /** From 0 to 1. */
  readonly sample: number;
  readonly signals: readonly Signal[];
  /** Called when an export fails, and when one succeeds. `items`: spans or log lines. */
  readonly onExport: (signal: Signal, items: number, failure: Error | undefined) => void;
};

export type Telemetry = {
  /** Never throws, and waits for nothing. */
  readonly request: (seen: SeenRequest, ending: Ending) => void;
  readonly line: (line: LogLine) => void;
  /** Sends what is left, as far as that is possible within some seconds. */
  readonly stop: () => Promise<void>;
};
