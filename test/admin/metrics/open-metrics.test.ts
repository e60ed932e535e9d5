/** OpenMetrics for scrapers that ask for it: its grammar, the same values as the plain format, and exemplars. */
import { Registry } from "prom-client";
import { request } from "undici";
import { afterEach, describe, expect, it } from "vitest";
import { Counts } from "../../../src/admin/counters.ts";
import { metricsReply } from "../../../src/admin/metrics/metrics-reply.ts";
import { openMetricsText } from "../../../src/admin/metrics/open-metrics.ts";
import { register } from "../../../src/admin/metrics/exposition.ts";
import { aGateway, basic, twoTenants, type TestGateway } from "../../kit/gateway.ts";
import { parseOpenMetrics, type ParsedFamily, type ParsedSample } from "./strict-open-metrics.ts";

const stops: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const stop of stops.splice(0)) await stop();
});

const started = async (): Promise<TestGateway> => {
  const admin = { bind: "127.0.0.1:0", probes: { bind: "127.0.0.1:0" } };
  const gateway = await aGateway({ ...twoTenants("http://127.0.0.1:9"), admin });
  stops.push(gateway.stop);
  return gateway;
};

const OPEN = "application/openmetrics-text;version=1.0.0";
const scrape = async ({ gateway }: TestGateway, accept?: string) => {
  const { headers, body } = await request(`${gateway.admin}/metrics`, { headers: accept ? { accept } : {} });
  return { type: String(headers["content-type"]), text: await body.text() };
};
const ask = async ({ url }: TestGateway): Promise<string> => {
  const { headers, body } = await request(`${url}/nothing`, { headers: { authorization: basic("alpha") } });
  await body.dump();
  return String(headers["ocsgw-request-id"]);
};
const exemplarsIn = (families: readonly ParsedFamily[], name: string): ParsedSample[] =>
  families.find((family) => family.name === name)!.samples.filter(({ exemplar }) => exemplar !== undefined);

describe("a scrape that asks for OpenMetrics", () => {
  it("is valid, and has the families and values of the plain format", async () => {
    const gateway = await started();
    await ask(gateway);
    const { type, text } = await scrape(gateway, OPEN);
    expect(type).toBe("application/openmetrics-text; version=1.0.0; charset=utf-8");
    const families = parseOpenMetrics(text);
    const plain = (await scrape(gateway)).text;
    const typesIn = [...plain.matchAll(/^# TYPE (\S+) (\S+)$/gm)].map(([, name, of]) =>
      of === "counter" ? `${name!.replace(/_total$/, "")} ${of}` : `${name} ${of}`,
    );
    expect(families.map((family) => `${family.name} ${family.type}`)).toEqual(typesIn);
    const [requests] = families;
    expect(requests!.samples.map(({ name, value }) => [name, value])).toEqual([["ocsgw_requests_total", 1]]);
    expect(plain).toMatch(/^ocsgw_requests_total\{.*\} 1$/m);
  });

  it("has a request id as exemplar of its duration, for requests after the first such scrape", async () => {
    const gateway = await started();
    await ask(gateway);
    expect(exemplarsIn(parseOpenMetrics((await scrape(gateway, OPEN)).text), "ocsgw_phase_seconds")).toEqual([]);
    const id = await ask(gateway);
    const found = exemplarsIn(parseOpenMetrics((await scrape(gateway, OPEN)).text), "ocsgw_phase_seconds");
    expect(found.map(({ labels }) => labels["phase"])).toEqual(["policy", "total"]);
    expect(new Set(found.map(({ exemplar }) => exemplar!.labels["request_id"]))).toEqual(new Set([id]));
  });

  it("leaves the plain format as it was", async () => {
    const gateway = await started();
    const shape = (text: string): string => text.replaceAll(/ [-+.\de]+$/gm, " N");
    const before = shape((await scrape(gateway)).text);
    await scrape(gateway, OPEN);
    await ask(gateway);
    const { type, text } = await scrape(gateway);
    expect(type).toBe("text/plain; version=0.0.4; charset=utf-8");
    expect(text).not.toMatch(/EOF|request_id| # \{/);
    for (const line of before.split("\n")) expect(shape(text)).toContain(line);
  });
});

describe("the format of a scrape", () => {
  const PLAIN = "text/plain; version=0.0.4; charset=utf-8";
  const openOf = (version: string): string => `application/openmetrics-text; version=${version}; charset=utf-8`;
  it.each<[string, string | undefined, string]>([
    ["no Accept", undefined, PLAIN],
    ["anything", "*/*", PLAIN],
    ["OpenMetrics", "application/openmetrics-text", openOf("1.0.0")],
    ["an older version of it", "application/openmetrics-text; version=0.0.1", openOf("0.0.1")],
    ["a later version that does not exist yet", "application/openmetrics-text; version=9.0.0", PLAIN],
    ["it with weight 0", "application/openmetrics-text; q=0", PLAIN],
    ["a preference for plain text", "application/openmetrics-text; q=0.3, text/plain; q=0.5", PLAIN],
    [
      "what Prometheus 3 sends",
      "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,application/openmetrics-text;" +
        "version=0.0.1;q=0.5,text/plain;version=1.0.0;escaping=allow-utf-8;q=0.4,text/plain;version=0.0.4;q=0.3," +
        "*/*;q=0.2",
      openOf("1.0.0"),
    ],
    ["a weight that is no number", "application/openmetrics-text; q=x", PLAIN],
  ])("for %s", async (_name, accept, type) => {
    const headers = accept === undefined ? [] : [["Accept", accept] as const];
    const reply = await metricsReply({ headers }, () => Promise.resolve(""));
    expect(reply.headers).toContainEqual(["Content-Type", type]);
  });
});

it("escapes texts and labels, and writes bounds as numbers with a point", async () => {
  const registry = new Registry();
  const counts = new Counts();
  counts.phases.total.observe(1000, { id: "01A", trace: "ab".repeat(16) });
  register(
    registry,
    [
      { name: "one", type: "gauge", help: 'a "quoted"\nhelp\\', rows: () => [[{ name: 'x"\\\ny' }, 1]] },
      { name: "two_seconds", type: "histogram", help: "Time.", rows: () => [[{}, counts.phases.total]] },
    ],
    {},
  );
  const text = await openMetricsText(registry);
  const [, two] = parseOpenMetrics(text);
  expect(text).toContain(String.raw`# HELP one a \"quoted\"\nhelp\\`);
  expect(text).toContain(String.raw`one{name="x\"\\\ny"} 1`);
  expect(two!.samples.find(({ exemplar }) => exemplar)).toEqual({
    name: "two_seconds_bucket",
    labels: { le: "1.0" },
    value: 1,
    exemplar: { labels: { request_id: "01A", trace_id: "ab".repeat(16) }, value: 1 },
  });
});
