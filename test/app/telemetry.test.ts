/** A gateway with an OpenTelemetry collector: what it sends, that it sends nothing private, and that it can fail. */
import { readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { request } from "undici";
import { afterEach, describe, expect, it } from "vitest";
import { parse, stringify } from "yaml";
import { createAuthority } from "../../src/sandbox/server/certificates.ts";
import { aConfigured, aGateway, basic, twoTenants, type TestGateway } from "../kit/gateway.ts";
import { startGateway } from "../kit/gateway-process.ts";
import { OK, rawOcs, type RawOcs } from "../kit/raw-ocs.ts";
import { aCollector, type Collector, type SpanSeen } from "../telemetry/collector.ts";

const stops: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const stop of stops.splice(0).toReversed()) await stop();
});

const collected = async (options: Parameters<typeof aCollector>[0] = {}): Promise<Collector> => {
  const collector = await aCollector(options);
  stops.push(collector.close);
  return collector;
};

const anOcs = async (script?: Parameters<typeof rawOcs>[0]): Promise<RawOcs> => {
  const ocs = await rawOcs(script);
  stops.push(() => ocs.close());
  return ocs;
};

const configOf = (ocs: string, otlp: object | null) => ({
  ...twoTenants(ocs),
  admin: { bind: "127.0.0.1:0" },
  telemetry: { otlp },
});

const started = async (
  ocs: string,
  otlp: object | null,
  files: Readonly<Record<string, string>> = {},
): Promise<TestGateway> => {
  const gateway = await aGateway(configOf(ocs, otlp), undefined, files);
  stops.push(gateway.stop);
  return gateway;
};

const call = async (
  { url }: TestGateway,
  path: string,
  headers: Readonly<Record<string, string>> = {},
): Promise<{ readonly id: string; readonly status: number }> => {
  const own = { authorization: basic("alpha"), ...headers };
  const { headers: replied, body, statusCode } = await request(`${url}${path}`, { method: "POST", headers: own });
  await body.dump();
  return { id: String(replied["ocsgw-request-id"]), status: statusCode };
};

const DNC = "/phones/4155550100?req=DoNotCall";
const TRACE = "4bf92f3577b34da6a3ce929d0e0e4736";
const PARENT = `00-${TRACE}-00f067aa0ba902b7-01`;
const [SERVER, CLIENT] = [2, 3];

const rootOf = ({ spans }: Collector, id: string): SpanSeen | undefined =>
  spans.find(({ attributes }) => attributes["ocsgw.request_id"] === id);
const arrived = async (collector: Collector, id: string): Promise<SpanSeen> => {
  await expect.poll(() => rootOf(collector, id), { timeout: 6000 }).toBeDefined();
  return rootOf(collector, id)!;
};

describe("a request with a collector", () => {
  it("becomes a span in its client's trace, with a span for each part in the order of time", async () => {
    const [collector, ocs] = [await collected(), await anOcs()];
    const gateway = await started(ocs.url, { endpoint: collector.url, service_name: "gw" });
    const { id } = await call(gateway, DNC, { traceparent: PARENT, tracestate: "vendor=1" });
    const root = await arrived(collector, id);
    expect(root).toMatchObject({
      traceId: TRACE,
      parentSpanId: "00f067aa0ba902b7",
      traceState: "vendor=1",
      name: "POST /phones/{identifier}",
      kind: SERVER,
      status: 0,
      attributes: {
        "http.request.method": "POST",
        "http.response.status_code": 200,
        "url.path": "/phones/{identifier}",
        "ocsgw.client": "alpha",
        "ocsgw.tenant": "Alpha Tenant",
        "ocsgw.tenant.dbid": 101,
        "ocsgw.action": "DoNotCall",
        "ocsgw.origin": "ocs",
      },
    });
    const parts = collector.spans
      .filter(({ parentSpanId }) => parentSpanId === root.spanId)
      .toSorted((one, other) => Number(one.start - other.start));
    expect(parts.map(({ name }) => name)).toEqual(["check", "write intent", "wait for lane", "ocs", "write outcome"]);
    for (const { start, end, traceId } of parts) {
      expect(traceId).toBe(TRACE);
      expect(start >= root.start && end >= start && end <= root.end + 1_000_000n).toBe(true);
    }
    const ocsPart = parts.find(({ name }) => name === "ocs")!;
    expect(ocsPart.kind).toBe(CLIENT);
    expect(ocsPart.attributes).toMatchObject({ "server.address": "127.0.0.1", "server.port": ocs.port });
    expect(collector.resources[0]).toMatchObject({ "service.name": "gw" });
  });

  it("marks failures of the gateway as errors, and refusals not", async () => {
    const collector = await collected();
    const gateway = await started("http://127.0.0.1:9", { endpoint: collector.url });
    const refused = await call(gateway, "/nothing");
    const failed = await call(gateway, DNC);
    expect([refused.status, failed.status]).toEqual([404, 503]);
    const [one, other] = [await arrived(collector, refused.id), await arrived(collector, failed.id)];
    expect([one.status, one.attributes["ocsgw.code"], one.name]).toEqual([0, "OCSGW-1001", "POST"]);
    expect([other.status, other.attributes["error.type"]]).toEqual([2, "OCSGW-4001"]);
  });

  it("follows the client's decision whether to trace, but not that of an unknown client", async () => {
    const [collector, ocs] = [await collected(), await anOcs()];
    const gateway = await started(ocs.url, { endpoint: collector.url, sample: 1 });
    const unsampled = await call(gateway, DNC, { traceparent: PARENT.replace(/01$/, "00") });
    const unknown = await call(gateway, DNC, { traceparent: PARENT, authorization: "Basic eDp5" });
    const sampled = await call(gateway, DNC, { traceparent: PARENT });
    await arrived(collector, sampled.id);
    expect((await arrived(collector, unknown.id)).traceId).not.toBe(TRACE);
    expect(rootOf(collector, unsampled.id)).toBe(undefined);
  });

  it("is not traced with sample 0, unless its client traces it", async () => {
    const [collector, ocs] = [await collected(), await anOcs()];
    const gateway = await started(ocs.url, { endpoint: collector.url, sample: 0 });
    const plain = await call(gateway, DNC);
    await arrived(collector, (await call(gateway, DNC, { traceparent: PARENT })).id);
    expect(rootOf(collector, plain.id)).toBe(undefined);
  });

  it("leaves no trace of persons, handles or credentials in spans and log lines", async () => {
    const [collector, ocs] = [await collected(), await anOcs(() => OK)];
    const gateway = await started(ocs.url, { endpoint: collector.url });
    const canaries = [
      "4155550123",
      "customer-canary",
      "7777777",
      "sk_canary",
      "key-of-alpha",
      "path-canary",
      "verb-canary",
    ];
    await call(gateway, "/phones/4155550123?req=DoNotCall");
    await call(gateway, "/customer_ids/customer-canary?req=DoNotCall");
    await call(gateway, "/records/7777777?req=RecordProcessed");
    await call(gateway, "/path-canary/4155550123?verb-canary=1");
    const last = await call(gateway, DNC, { authorization: "Bearer sk_canary", "x-api-key": "sk_canary" });
    await arrived(collector, last.id);
    await gateway.gateway.stop("test", { quiet: 0 });
    expect(collector.spans.length).toBeGreaterThan(5);
    for (const canary of canaries) {
      expect(collector.text()).not.toContain(canary);
      expect(collector.text()).not.toContain(Buffer.from(`alpha:${canary}`).toString("base64"));
    }
    expect(collector.text()).not.toContain("127.0.0.1/32");
  });
});

describe("the log with a collector", () => {
  it("is exported line by line, with the event's name and fields", async () => {
    const collector = await collected();
    await started("http://127.0.0.1:9", { endpoint: collector.url, traces: false });
    await expect.poll(() => collector.lines.map(({ event }) => event), { timeout: 6000 }).toContain("listening");
    const line = collector.lines.find(({ event }) => event === "listening")!;
    expect(line).toMatchObject({ severity: "INFO", attributes: { "ocsgw.listener": expect.any(String) as string } });
    expect(collector.spans).toEqual([]);
  });
});

describe("a collector that fails", () => {
  it.each<[string, (collector: Collector) => Promise<void>]>([
    ["is away", (collector) => collector.close()],
    ["rejects everything", async (collector) => void (collector.answer = 400)],
  ])(
    "%s: requests are served, one warning is logged, and what is lost is counted",
    async (_name, fail) => {
      const ocs = await anOcs();
      const collector = await aCollector();
      await fail(collector);
      const gateway = await started(ocs.url, { endpoint: collector.url, logs: false });
      for (let number = 0; number < 20; number++) expect((await call(gateway, DNC)).status).toBe(200);
      const metrics = async (): Promise<string> => (await request(`${gateway.gateway.admin}/metrics`)).body.text();
      await expect
        .poll(metrics, { timeout: 20_000, interval: 500 })
        .toMatch(/ocsgw_telemetry_items_total\{signal="traces",result="failed"\} [1-9]/);
      await gateway.stop();
      await collector.close().catch(() => undefined);
    },
    30_000,
  );

  it("that never answers does not hold up a stop for long", { timeout: 15_000 }, async () => {
    const [collector, ocs] = [await collected(), await anOcs()];
    collector.answer = "silent";
    const gateway = await started(ocs.url, { endpoint: collector.url });
    await call(gateway, DNC);
    const before = performance.now();
    await gateway.stop();
    expect(performance.now() - before).toBeLessThan(8000);
  });
});

it("sends headers from secret files over TLS, and can be turned on, changed and off by reloads", async () => {
  const authority = createAuthority("collector");
  const { certPem: cert, keyPem: key } = authority.issue({ names: ["127.0.0.1"], usage: "serverAuth" });
  const [collector, other, ocs] = [await collected({ tls: { cert, key } }), await collected(), await anOcs()];
  const files = { "collector-ca.crt": authority.certPem, otlp: "Bearer otlp-secret" };
  const gateway = await started(ocs.url, null, files);
  const file = join(gateway.dir, "ocsgw.yaml");
  const reload = async (otlp: object | null): Promise<string> => {
    const config = parse(await readFile(file, "utf8")) as object;
    await writeFile(file, stringify({ ...config, telemetry: { otlp } }));
    return (await gateway.gateway.reload()).outcome;
  };
  const off = await call(gateway, DNC);
  const secure = { endpoint: `${collector.url}/`, ca: "collector-ca.crt", headers: { Authorization: "${file:otlp}" } };
  expect(await reload(secure)).toBe("reloaded");
  await arrived(collector, (await call(gateway, DNC)).id);
  expect(rootOf(collector, off.id)).toBe(undefined);
  expect(collector.headers[0]!.authorization).toBe("Bearer otlp-secret");
  expect(await reload({ endpoint: other.url })).toBe("reloaded");
  await arrived(other, (await call(gateway, DNC)).id);
  expect(await reload(null)).toBe("reloaded");
  const after = await call(gateway, DNC);
  await new Promise((resolve) => setTimeout(resolve, 1500));
  expect([rootOf(collector, after.id), rootOf(other, after.id)]).toEqual([undefined, undefined]);
}, 30_000);

describe("the SDK", () => {
  // prom-client loads @opentelemetry/api in any case, which does nothing by itself.
  const HOOK = `import { registerHooks } from "node:module";
    registerHooks({ resolve(specifier, context, next) {
      if (/^@opentelemetry.(sdk|exporter|resources)/.test(specifier))
        process.stderr.write("LOADED " + specifier + "\\n");
      return next(specifier, context);
    } });`;
  const env = { NODE_OPTIONS: `--import data:text/javascript,${encodeURIComponent(HOOK)}` };

  it.each<[string, object | null, boolean]>([
    ["is not loaded without telemetry.otlp", null, false],
    ["is loaded with it", { endpoint: "http://127.0.0.1:9" }, true],
  ])("%s", { timeout: 20_000 }, async (_name, otlp, isLoaded) => {
    const dir = await aConfigured(configOf("http://127.0.0.1:9", otlp), ["alpha", "beta"]);
    stops.push(() => rm(dir, { recursive: true, force: true }));
    const gateway = await startGateway(join(dir, "ocsgw.yaml"), { env });
    await request(`http://127.0.0.1:${gateway.port}/nothing`).then(({ body }) => body.dump());
    await gateway.end("SIGTERM");
    expect(gateway.log().includes("LOADED @opentelemetry/")).toBe(isLoaded);
  });
});
