/** An OpenTelemetry collector of the tests: takes OTLP over HTTP as JSON, strictly, or fails as it is told. */
import { once } from "node:events";
import { createServer, type IncomingHttpHeaders, type RequestListener } from "node:http";
import { createServer as createTlsServer } from "node:https";
import type { AddressInfo } from "node:net";

export type Value = string | number | boolean | readonly Value[];
type Attributes = Readonly<Record<string, Value>>;

export type SpanSeen = {
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId: string | undefined;
  readonly name: string;
  readonly kind: number;
  readonly start: bigint;
  readonly end: bigint;
  readonly attributes: Attributes;
  readonly status: number;
  readonly traceState: string | undefined;
};
export type LineSeen = {
  readonly event: string;
  readonly severity: string;
  readonly body: string;
  readonly attributes: Attributes;
};

export type Collector = {
  readonly url: string;
  readonly port: number;
  readonly spans: SpanSeen[];
  readonly lines: LineSeen[];
  readonly resources: Attributes[];
  readonly headers: IncomingHttpHeaders[];
  /** Everything that arrived. */
  readonly text: () => string;
  /** With which status it answers; "silent": not at all. */
  answer: number | "silent";
  readonly close: () => Promise<void>;
};

type Options = { readonly port?: number; readonly tls?: { readonly cert: string; readonly key: string } };

export const aCollector = async ({ port: wanted = 0, tls }: Options = {}): Promise<Collector> => {
  const texts: string[] = [];
  const [spans, lines, resources, headers]: [SpanSeen[], LineSeen[], Attributes[], IncomingHttpHeaders[]] = [
    [],
    [],
    [],
    [],
  ];
  const respond: RequestListener = async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request as AsyncIterable<Buffer>) chunks.push(chunk);
    if (collector.answer === "silent") return;
    if (collector.answer !== 200) return void response.writeHead(collector.answer).end();
    const text = Buffer.concat(chunks).toString();
    texts.push(text);
    headers.push(request.headers);
    if (request.method !== "POST" || request.headers["content-type"] !== "application/json")
      return void response.writeHead(415).end();
    const body = JSON.parse(text) as Json;
    if (request.url === "/v1/traces") spans.push(...spansIn(body, resources));
    else if (request.url === "/v1/logs") lines.push(...linesIn(body, resources));
    else return void response.writeHead(404).end();
    response.writeHead(200, { "Content-Type": "application/json" }).end("{}");
  };
  const server = tls ? createTlsServer(tls, respond) : createServer(respond);
  server.listen(wanted, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  const collector: Collector = {
    url: `${tls ? "https" : "http"}://127.0.0.1:${port}`,
    port,
    spans,
    lines,
    resources,
    headers,
    text: () => texts.join("\n"),
    answer: 200,
    close: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  };
  return collector;
};

type Json = Readonly<Record<string, never>>;
type Any = Readonly<Record<string, unknown>>;

const listAt = (of: unknown, name: string): readonly Any[] => ((of as Any)[name] as readonly Any[] | undefined) ?? [];

const valueOf = (value: Any): Value => {
  const [kind, ...more] = Object.keys(value);
  if (more.length > 0) throw new Error(`not one value: ${JSON.stringify(value)}`);
  switch (kind) {
    case "stringValue":
    case "boolValue":
    case "doubleValue":
      return value[kind] as Value;
    case "intValue":
      return Number(value["intValue"]);
    case "arrayValue":
      return listAt(value["arrayValue"], "values").map(valueOf);
    default:
      throw new Error(`not a value: ${JSON.stringify(value)}`);
  }
};

const attributesIn = (of: unknown): Attributes =>
  Object.fromEntries(listAt(of, "attributes").map(({ key, value }) => [key as string, valueOf(value as Any)]));

const hex = (value: unknown, digits: number): string => {
  if (typeof value !== "string" || !new RegExp(`^[0-9a-f]{${digits}}$`).test(value))
    throw new Error(`not an id: ${String(value)}`);
  return value;
};

const spansIn = (body: unknown, resources: Attributes[]): SpanSeen[] =>
  listAt(body, "resourceSpans").flatMap((each) => {
    resources.push(attributesIn(each["resource"]));
    return listAt(each, "scopeSpans").flatMap((scope) => listAt(scope, "spans").map(spanOf));
  });

const spanOf = (span: Any): SpanSeen => ({
  traceId: hex(span["traceId"], 32),
  spanId: hex(span["spanId"], 16),
  parentSpanId: span["parentSpanId"] ? hex(span["parentSpanId"], 16) : undefined,
  name: span["name"] as string,
  kind: span["kind"] as number,
  start: BigInt(span["startTimeUnixNano"] as string),
  end: BigInt(span["endTimeUnixNano"] as string),
  attributes: attributesIn(span),
  status: ((span["status"] as Any | undefined)?.["code"] as number | undefined) ?? 0,
  traceState: span["traceState"] as string | undefined,
});

const linesIn = (body: unknown, resources: Attributes[]): LineSeen[] =>
  listAt(body, "resourceLogs").flatMap((each) => {
    resources.push(attributesIn(each["resource"]));
    return listAt(each, "scopeLogs").flatMap((scope) =>
      listAt(scope, "logRecords").map((record) => ({
        event: record["eventName"] as string,
        severity: record["severityText"] as string,
        body: valueOf(record["body"] as Any) as string,
        attributes: attributesIn(record),
      })),
    );
  });
