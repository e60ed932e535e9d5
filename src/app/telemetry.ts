/** Traces and logs for the collector of `telemetry.otlp`, which a reload may add, change or remove. */
import { events, readLog } from "../common/log/events.ts";
import { readSmallFile } from "../common/small-file/small-file.ts";
import { faultInWords } from "../common/system-error.ts";
import { SerialQueue } from "../common/serial-queue.ts";
import type { Settings } from "../settings/schema/schema.ts";
import type { Ending, SeenRequest } from "../telemetry/spans.ts";
import { startTelemetry } from "../telemetry/telemetry.ts";
import type { Signal, Telemetry } from "../telemetry/types.ts";
import type { ShutdownSteps } from "./shutdown.ts";
import { VERSION } from "./version.ts";

/** Spans or log lines, in this run. */
export type ExportCount = { readonly signal: Signal; readonly result: "exported" | "failed"; readonly items: number };

export type TelemetryKeeper = {
  /** Called once for each request when its reply is decided. */
  readonly observe: (seen: SeenRequest, ending: Ending) => void;
  /** Applies `telemetry` of these settings. */
  readonly update: (settings: Settings) => Promise<void>;
  /** Empty while telemetry is off and was never on. */
  readonly counts: () => readonly ExportCount[];
};

type Otlp = NonNullable<Settings["telemetry"]["otlp"]>;
type Running = { readonly telemetry: Telemetry; readonly end: () => void };

export const createTelemetryKeeper = async (settings: Settings, stops: ShutdownSteps): Promise<TelemetryKeeper> => {
  const exports = new Exports();
  const queue = new SerialQueue();
  let running: Running | undefined;
  let applied = "null";
  const stop = async (): Promise<void> => {
    const before = running;
    running = undefined;
    before?.end();
    await before?.telemetry.stop();
  };
  const update = ({ telemetry: { otlp } }: Settings): Promise<void> =>
    queue.run(async () => {
      const wanted = JSON.stringify(otlp);
      if (wanted === applied) return;
      const next = otlp && (await started(otlp, exports));
      // After a failure the next reload tries again.
      applied = next === undefined ? "" : wanted;
      const before = running;
      running = next ?? undefined;
      before?.end();
      // A reload does not wait for an old collector.
      void before?.telemetry.stop();
    });
  await update(settings);
  stops.push(() => queue.run(stop));
  return {
    observe: (seen, ending) => running?.telemetry.request(seen, ending),
    update,
    counts: () => exports.counts(),
  };
};

/** Undefined if the SDK or the file of authorities cannot be read: the gateway serves without telemetry. */
const started = async (otlp: Otlp, exports: Exports): Promise<Running | undefined> => {
  const { endpoint, headers, ca, service_name: serviceName, sample, traces, logs } = otlp;
  try {
    const telemetry = await startTelemetry({
      endpoint,
      headers,
      serviceName,
      sample,
      ca: ca === null ? undefined : (await readSmallFile(ca)).toString(),
      version: VERSION,
      signals: [...(traces ? (["traces"] as const) : []), ...(logs ? (["logs"] as const) : [])],
      onExport: exports.count,
    });
    return { telemetry, end: readLog(telemetry.line) };
  } catch (error) {
    exports.count("traces", 0, error as Error);
    return undefined;
  }
};

/** Counts what was exported, and logs each change between success and failure once. */
class Exports {
  readonly #items = new Map<Signal, { exported: number; failed: number }>();
  readonly #failing = new Set<Signal>();

  readonly count = (signal: Signal, items: number, failure: Error | undefined): void => {
    const own = this.#items.get(signal) ?? { exported: 0, failed: 0 };
    this.#items.set(signal, own);
    own[failure ? "failed" : "exported"] += items;
    if (failure && !this.#failing.has(signal)) {
      this.#failing.add(signal);
      events.telemetryFailed({ signal, reason: faultInWords(failure) });
    } else if (!failure && this.#failing.delete(signal)) events.telemetryRecovered({ signal });
  };

  counts(): readonly ExportCount[] {
    return [...this.#items].flatMap(([signal, { exported, failed }]): ExportCount[] => [
      { signal, result: "exported", items: exported },
      { signal, result: "failed", items: failed },
    ]);
  }
}
