/** The only file that imports OpenTelemetry's SDK. `telemetry.ts` loads it when it is needed. */
import {
  createTraceState,
  ROOT_CONTEXT,
  SeverityNumber,
  SpanKind,
  SpanStatusCode,
  trace,
  TraceFlags,
  type Context,
  type Logger,
  type Tracer,
} from "@opentelemetry/api";
import { OTLPLogExporter } from "@opentelemetry/exporter-logs-otlp-http";
import { OTLPTraceExporter } from "@opentelemetry/exporter-trace-otlp-http";
import { resourceFromAttributes } from "@opentelemetry/resources";
import { BatchLogRecordProcessor, LoggerProvider } from "@opentelemetry/sdk-logs";
import {
  BatchSpanProcessor,
  ParentBasedSampler,
  TraceIdRatioBasedSampler,
  TracerProvider,
} from "@opentelemetry/sdk-trace";
import { withTimeout } from "../common/timeout.ts";
import type { LogLine } from "../common/log/events.ts";
import type { TraceContext } from "../common/message.ts";
import { watched } from "./watched-exporter.ts";
import { requestSpan, type Ending, type SeenRequest } from "./spans.ts";
import type { Telemetry, TelemetryOptions } from "./types.ts";

const SCOPE = "ocs-gateway";
/** Beyond it, spans and log lines are dropped. */
const QUEUE = { maxQueueSize: 4096, maxExportBatchSize: 512, scheduledDelayMillis: 1000, exportTimeoutMillis: 5000 };
const STOP_MS = 3000;
const MOST_CHARACTERS = 1024;

type Resource = ReturnType<typeof resourceFromAttributes>;

export const createTelemetry = (options: TelemetryOptions): Telemetry => {
  const resource = resourceFromAttributes({
    "service.name": options.serviceName,
    "service.version": options.version,
    "process.pid": process.pid,
  });
  const traces = options.signals.includes("traces") ? tracesTo(options, resource) : undefined;
  const logs = options.signals.includes("logs") ? logsTo(options, resource) : undefined;
  const tracer = traces?.getTracer(SCOPE, options.version);
  const logger = logs?.getLogger(SCOPE, options.version);
  return {
    request: (seen, ending) => tracer && attempt(() => traceRequest(tracer, seen, ending)),
    line: (line) => logger && attempt(() => writeLine(logger, line)),
    stop: async () => {
      const ends = [traces?.shutdown(), logs?.shutdown()].map((end) => end ?? Promise.resolve());
      await withTimeout(STOP_MS, Promise.allSettled(ends), "the collector").catch(() => undefined);
    },
  };
};

/** Telemetry is never the reason that a request or a log line fails. */
const attempt = (work: () => void): void => {
  try {
    work();
  } catch {
    // The span or line is lost.
  }
};

const exporterOptions = ({ endpoint, headers, ca }: TelemetryOptions, path: string) => ({
  url: `${endpoint.replace(/\/+$/, "")}${path}`,
  headers: { ...headers },
  timeoutMillis: QUEUE.exportTimeoutMillis,
  ...(ca !== undefined && { httpAgentOptions: { ca } }),
});

const tracesTo = (options: TelemetryOptions, resource: Resource): TracerProvider =>
  new TracerProvider({
    resource,
    sampler: new ParentBasedSampler({ root: new TraceIdRatioBasedSampler(options.sample) }),
    spanLimits: { attributeValueLengthLimit: MOST_CHARACTERS },
    spanProcessors: [
      new BatchSpanProcessor({
        ...QUEUE,
        exporter: watched(new OTLPTraceExporter(exporterOptions(options, "/v1/traces")), (items, failure) =>
          options.onExport("traces", items, failure),
        ),
      }),
    ],
  });

const logsTo = (options: TelemetryOptions, resource: Resource): LoggerProvider =>
  new LoggerProvider({
    resource,
    logRecordLimits: { attributeValueLengthLimit: MOST_CHARACTERS },
    processors: [
      new BatchLogRecordProcessor({
        ...QUEUE,
        exporter: watched(new OTLPLogExporter(exporterOptions(options, "/v1/logs")), (items, failure) =>
          options.onExport("logs", items, failure),
        ),
      }),
    ],
  });

/** Makes the spans of a request that has ended: while it runs, tracing costs nothing. */
const traceRequest = (tracer: Tracer, seen: SeenRequest, ending: Ending): void => {
  const now = performance.now();
  const epoch = Date.now() - now;
  const parent = parentOf(seen);
  const span = tracer.startSpan(SCOPE, { kind: SpanKind.SERVER, startTime: epoch + seen.arrival.at }, parent);
  if (!span.isRecording()) return;
  const { name, attributes, isError, parts } = requestSpan(seen, ending);
  span.updateName(name).setAttributes(attributes);
  if (isError) span.setStatus({ code: SpanStatusCode.ERROR });
  const inside = trace.setSpan(parent, span);
  for (const part of parts) {
    const kind = part.peer ? SpanKind.CLIENT : SpanKind.INTERNAL;
    const { attributes: own, from, to } = part;
    tracer.startSpan(part.name, { kind, startTime: epoch + from, attributes: own }, inside).end(epoch + to);
  }
  span.end(epoch + now);
};

/** Only a client that is known decides whether its requests are traced, and to which trace they belong. */
const parentOf = ({ caller, arrival }: SeenRequest): Context =>
  caller && arrival.trace ? trace.setSpanContext(ROOT_CONTEXT, contextOf(arrival.trace)) : ROOT_CONTEXT;

const contextOf = ({ traceId, spanId, isSampled, state }: TraceContext) => ({
  traceId,
  spanId,
  isRemote: true,
  traceFlags: isSampled ? TraceFlags.SAMPLED : TraceFlags.NONE,
  ...(state !== undefined && { traceState: createTraceState(state) }),
});

const SEVERITIES = { info: SeverityNumber.INFO, warn: SeverityNumber.WARN, error: SeverityNumber.ERROR } as const;

const writeLine = (logger: Logger, { event, level, fields, text }: LogLine): void =>
  logger.emit({
    eventName: event,
    severityNumber: SEVERITIES[level],
    severityText: level.toUpperCase(),
    body: text,
    attributes: attributesOf(fields),
  });

/** Members of an error become attributes of their own; its stack stays in the log. */
const attributesOf = (fields: LogLine["fields"]): Record<string, string | number | boolean | string[]> =>
  Object.fromEntries(
    Object.entries(fields).flatMap(([name, value]): [string, string | number | boolean | string[]][] => {
      if (typeof value === "string" || typeof value === "number" || typeof value === "boolean")
        return [[`ocsgw.${name}`, value]];
      if (Array.isArray(value)) return [[`ocsgw.${name}`, value.map(String)]];
      if (typeof value !== "object" || value === null) return [];
      return Object.entries(value).flatMap(([member, each]): [string, string][] =>
        typeof each === "string" && member !== "stack" ? [[`ocsgw.${name}.${member}`, each]] : [],
      );
    }),
  );
