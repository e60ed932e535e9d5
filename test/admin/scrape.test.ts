/** What a scraper reads from a complete gateway, and what Prometheus' own checker says about it. */
import { spawn } from "node:child_process";
import { readFile } from "node:fs/promises";
import { Agent, request } from "undici";
import { afterEach, describe, expect, it, vi } from "vitest";
import { METRICS } from "../../src/admin/metrics/metrics.ts";
import { aGateway, basic, twoTenants, type TestGateway } from "../kit/gateway.ts";
import { describeWith } from "../kit/machine.ts";
import { OK, rawOcs, type RawOcs, type Script } from "../kit/raw-ocs.ts";

let ocs: RawOcs;
let gateway: TestGateway;
let agent: Agent;

const start = async (script: Script = () => OK): Promise<void> => {
  agent = new Agent();
  ocs = await rawOcs(script);
  const config = twoTenants(ocs.url);
  Object.assign(config.upstreams.ocs as object, {
    connections: 1,
    callbacks: { bind: "127.0.0.1:0", allow_from: ["127.0.0.0/8"] },
  });
  const [alpha, beta] = config.tenants as Record<string, unknown>[];
  gateway = await aGateway({
    ...config,
    tenants: [
      { ...alpha, limits: { requests: { rate: "10/h", burst: 10 }, urgent: { rate: "10/h", burst: 10 } } },
      beta,
    ],
    audit: {
      ...(config["audit"] as object),
      checkpoint: {
        key: "checkpoint.pem",
        origin: "test.example/journal",
        publish: ["file:/nowhere/at/all/checkpoints"],
      },
    },
    admin: { bind: "127.0.0.1:0", probes: { bind: "127.0.0.1:0" } },
  });
  stops.push(
    async () => ocs.connections.forEach(({ socket }) => socket.destroy()),
    () => gateway.stop(),
    () => ocs.close(),
    () => agent.destroy(),
  );
};
const stops: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const stop of stops.splice(0)) await stop();
});

const scrape = async (): Promise<string> =>
  (await request(`${gateway.gateway.admin!}/metrics`, { dispatcher: agent })).body.text();
const call = async (): Promise<number> => {
  const { statusCode, body } = await request(`${gateway.url}/phones/4155550177?req=DoNotCall`, {
    method: "POST",
    headers: { Authorization: basic("alpha") },
  });
  await body.dump();
  return statusCode;
};
const announce = async (): Promise<number> => {
  const { statusCode, body } = await request(gateway.gateway.callbacks["ocs"]!, {
    method: "POST",
    body: JSON.stringify({ GSW_RECORD_HANDLE: 15, GSW_TENANT_DBID: 101, GSW_CAMPAIGN_GROUP_DBID: 106 }),
  });
  await body.dump();
  return statusCode;
};
const valuesOf = (text: string, name: string): Record<string, number> =>
  Object.fromEntries(
    [...text.matchAll(new RegExp(`^${name}(\\{.*\\})? (\\S+)$`, "gm"))].map(([, labels = "", value]) => [
      labels,
      Number(value),
    ]),
  );

describe("the first scrape", () => {
  it("has numbers only, and no value that is still unknown", async () => {
    await start();
    const text = await scrape();
    const values = text
      .split("\n")
      .filter((line) => line !== "" && !line.startsWith("#"))
      .map((line) => line.slice(line.lastIndexOf(" ") + 1));
    expect(values.filter((value) => !Number.isFinite(Number(value)))).toEqual([]);
    const absent = [
      "ocsgw_journal_verified_entries",
      "ocsgw_journal_damage",
      "ocsgw_disk_full_in_seconds",
      "ocsgw_witness_quorum_met",
    ];
    expect(absent.flatMap((name) => Object.keys(valuesOf(text, name)))).toEqual([]);
    expect(valuesOf(text, "ocsgw_switchovers_total")).toEqual({ '{upstream="ocs"}': 0 });
    expect(valuesOf(text, "ocsgw_requests_in_doubt")).toEqual({ "": 0 });
    expect(Object.values(valuesOf(text, "ocsgw_build_info"))).toEqual([1]);
    expect(valuesOf(text, "ocsgw_serving")).toEqual({ "": 1 });
    expect(valuesOf(text, "process_resident_memory_bytes")[""]).toBeGreaterThan(1e6);
  });

  it("shows the open connections of every listener, and how many more it accepts", async () => {
    await start();
    const text = await scrape();
    const names = ["clients", "admin", "callbacks:ocs", "probes"].map((name) => `{listener="${name}"}`);
    expect(Object.keys(valuesOf(text, "ocsgw_connections")).toSorted()).toEqual(names.toSorted());
    expect(valuesOf(text, "ocsgw_connections")['{listener="admin"}']).toBe(1);
    expect(Math.min(...Object.values(valuesOf(text, "ocsgw_connections_left")))).toBeGreaterThan(0);
    expect(valuesOf(text, "ocsgw_descriptors_left")[""]).toBeGreaterThan(0);
  });
});

describe("a scrape of a gateway with traffic", () => {
  it("shows queues, OCS's latency, nearly used limits, and checkpoint sinks without checkpoints", async () => {
    await start();
    for (let count = 6; count > 0; count--) expect(await call()).toBe(200);
    expect(await announce()).toBe(200);
    await vi.waitFor(async () =>
      expect(valuesOf(await scrape(), "ocsgw_second_place_up")).toEqual({
        '{place="file:/nowhere/at/all/checkpoints"}': 0,
      }),
    );
    const text = await scrape();
    expect(valuesOf(text, "ocsgw_limit_used_ratio")).toEqual({ '{tenant="Alpha Tenant",limit="urgent"}': 0.6 });
    expect(valuesOf(text, "ocsgw_upstream_phase_seconds_count")).toEqual({
      '{upstream="ocs",phase="queue"}': 6,
      '{upstream="ocs",phase="ocs"}': 6,
    });
    expect(valuesOf(text, "ocsgw_callback_seconds_count")).toEqual({ '{upstream="ocs"}': 1 });
    expect(valuesOf(text, "ocsgw_second_place_waiting")['{place="file:/nowhere/at/all/checkpoints"}']).toBeGreaterThan(
      0,
    );
    expect(valuesOf(text, "ocsgw_retention_ok")).toEqual({ "": 1 });
  });

  it("shows the oldest wait while OCS does not answer", async () => {
    await start(() => undefined);
    const calls = [call(), call()];
    await vi.waitFor(async () =>
      expect(
        valuesOf(await scrape(), "ocsgw_queue_oldest_seconds")['{upstream="ocs",tenant="Alpha Tenant"}'],
      ).toBeGreaterThan(0.05),
    );
    ocs.script = () => OK;
    for (const { socket } of ocs.connections) socket.write(OK);
    expect(await Promise.all(calls)).toEqual([200, 200]);
  });
});

describeWith(["promtool"], "promtool check metrics", (promtool) => {
  it("finds no fault in the first scrape and in one after traffic", async () => {
    await start();
    const first = await scrape();
    expect(await call()).toBe(200);
    expect(await announce()).toBe(200);
    for (const text of [first, await scrape()]) expect(await checked(promtool, text)).toEqual({ code: 0, said: "" });
  });
});

const checked = (promtool: string, text: string): Promise<{ code: number | null; said: string }> =>
  new Promise((resolve, reject) => {
    const child = spawn(promtool, ["check", "metrics"], { stdio: ["pipe", "pipe", "pipe"] });
    let said = "";
    for (const stream of [child.stdout, child.stderr]) stream.on("data", (chunk: Buffer) => (said += chunk.toString()));
    child.once("error", reject).once("close", (code) => resolve({ code, said }));
    child.stdin.end(text);
  });

describe("the metrics page of the documentation", () => {
  const ROW = /^\| `(ocsgw_\w+)(?:\{([\w,]+)\})?` \| (counter|gauge|histogram) \| (.+) \|$/gm;
  const rows = async () => [
    ...(await readFile(new URL("../../src/docs/reference/metrics.md", import.meta.url), "utf8")).matchAll(ROW),
  ];

  it("has every metric with its type and help text", async () => {
    expect((await rows()).map(([, name, , type, help]) => ({ name, type, help }))).toEqual(
      METRICS.map(({ name, type, help }) => ({ name, type, help })),
    );
  });

  it("has the labels of a real scrape", async () => {
    await start();
    expect(await call()).toBe(200);
    expect(await announce()).toBe(200);
    const text = await scrape();
    const labelsIn = (line: string): string =>
      [...line.matchAll(/(\w+)="(?:[^"\\]|\\.)*"/g)]
        .map(([, label]) => label)
        .filter((label) => label !== "le")
        .join();
    const documented = new Map((await rows()).map(([, name, labels = ""]) => [name!, labels]));
    const scraped = new Map(
      [...text.matchAll(/^(ocsgw_\w+?)(?:_bucket|_count|_sum)?(\{.*\})? \S+$/gm)].map(([, name, labels = ""]) => [
        name!,
        labelsIn(labels),
      ]),
    );
    expect([...scraped].filter(([name, labels]) => documented.get(name) !== labels)).toEqual([]);
    expect(scraped.size).toBeGreaterThan(25);
  });
});
