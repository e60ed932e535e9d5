import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { Agent, request } from "undici";
import { X509Certificate } from "node:crypto";
import { mkdtemp, rm, stat, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Status } from "../../../src/admin/status.ts";
import { nodeDisk } from "../../../src/journal/disk.ts";
import type { Recorded } from "../../../src/journal/entry.ts";
import { createAuthority } from "../../../src/sandbox/server/certificates.ts";
import { aGateway, basic, twoTenants, type TestGateway } from "../../kit/gateway.ts";
import { rawClient } from "../../kit/raw-client.ts";
import { OK, rawOcs, type RawOcs, type Script } from "../../kit/raw-ocs.ts";

const CLIENT = "127.0.0.7";
const CANARIES = {
  phone: "4155550177",
  customer: "CUST-884411",
  handle: "987654321",
  field: "field-canary",
  other: "4155550178",
};
const GONE =
  "HTTP/1.1 410 Gone\r\nServer: OCS/8.1.524.04\r\nWarning: " +
  '112 "No call ' +
  "found for " +
  "the record " +
  'handle"\r\nContent-length: 0\r\n\r\n';

let ocs: RawOcs;
let gateway: TestGateway;
let agent: Agent;

const start = async (script?: Script, upstream: Record<string, unknown> = {}): Promise<void> => {
  ocs = await rawOcs(script);
  const config = twoTenants(ocs.url);
  Object.assign(config.upstreams.ocs as object, upstream);
  gateway = await aGateway({ ...config, admin: { bind: "127.0.0.1:0" } });
};

beforeEach(() => {
  agent = new Agent({ connect: { localAddress: CLIENT } });
});
afterEach(async () => {
  vi.restoreAllMocks();
  await agent.destroy();
  await gateway.stop();
  await ocs.close();
});

type Call = { as?: string; body?: object; method?: "GET" | "POST" };

const call = async (path: string, { as, body, method = "POST" }: Call = {}): Promise<number> => {
  const headers = {
    ...(as !== undefined && { Authorization: basic(as) }),
    ...(body && { "Content-Type": "application/json" }),
  };
  const reply = await request(`${gateway.url}${path}`, {
    method,
    headers,
    dispatcher: agent,
    ...(body && { body: JSON.stringify(body) }),
  });
  await reply.body.dump();
  return reply.statusCode;
};

const admin = async (path: string): Promise<{ status: number; text: string }> => {
  const reply = await request(`${gateway.gateway.admin!}${path}`, { headers: { Authorization: "Bearer token" } });
  return { status: reply.statusCode, text: await reply.body.text() };
};
const readiness = async (): Promise<{ status: number; reasons: string[] }> => {
  const { status, text } = await admin("/readyz");
  return { status, reasons: (JSON.parse(text) as { reasons: string[] }).reasons };
};
const statusNow = async (): Promise<Status> => JSON.parse((await admin("/api/status")).text) as Status;

type Sample = { name: string; labels: Record<string, string>; value: number };

const samples = async (): Promise<Sample[]> =>
  [...(await admin("/metrics")).text.matchAll(/^(ocsgw_\w+)(?:\{(.*)\})? (\S+)$/gm)].map(
    ([, name, labels = "", value]) => ({
      name: name!,
      labels: Object.fromEntries([...labels.matchAll(/(\w+)="([^"]*)"/g)].map(([, key, of]) => [key!, of!])),
      value: Number(value),
    }),
  );

const countedBy = (all: readonly Sample[], name: string, ...keys: string[]): Record<string, number> => {
  const sums: Record<string, number> = {};
  for (const { labels, value } of all.filter((sample) => sample.name === name)) {
    const key = keys.map((each) => labels[each]).join(" ");
    sums[key] = (sums[key] ?? 0) + value;
  }
  return sums;
};

const journalled = (lines: readonly Recorded[]): Record<string, number> => {
  const tenants = new Map(
    lines.flatMap((line) => (line.kind === "intent" ? [[line.id, line.tenant.name] as const] : [])),
  );
  const sums: Record<string, number> = {};
  for (const line of lines) {
    if (line.kind !== "refusal" && !(line.kind === "outcome" && line.origin === "gateway")) continue;
    const tenant = line.kind === "refusal" ? line.tenant?.name : tenants.get(line.id);
    const key = `${tenant ?? "none"} ${line.code}`;
    sums[key] = (sums[key] ?? 0) + 1;
  }
  return sums;
};

/** Requests of every kind, with recognizable numbers wherever a client can send one. */
const traffic = async (): Promise<void> => {
  expect(await call(`/phones/${CANARIES.phone}?req=DoNotCall`, { as: "alpha" })).toBe(200);
  expect(
    await call(`/customer_ids/${CANARIES.customer}?req=DoNotCall`, {
      as: "beta",
      body: { GSW_TENANT_DBID: 102, NOTE: CANARIES.field },
    }),
  ).toBe(200);
  expect(await call(`/records/${CANARIES.handle}?req=RecordProcessed`, { as: "alpha" })).toBe(410);
  expect(
    await call(`/lists/Alpha%20List?req=AddRecord`, {
      as: "alpha",
      body: { GSW_CAMPAIGN_NAME: "Alpha Campaign", GSW_PHONE: CANARIES.other, GSW_TZ_NAME: "PST" },
    }),
  ).toBe(200);
  expect(await call(`/phones/${CANARIES.phone}?req=DoNotCall`)).toBe(401);
  expect(await call(`/phones/${CANARIES.phone}?req=DoNotCall`)).toBe(401);
  expect(await call(`/phones/${CANARIES.phone}?req=Nonsense${CANARIES.field}`, { as: "alpha" })).toBe(400);
  expect(await call(`/${CANARIES.field}/${CANARIES.phone}`, { as: "alpha" })).toBe(404);
  expect(await call(`/phones/${CANARIES.phone}?req=DoNotCall`, { as: "beta", body: { GSW_TENANT_DBID: 101 } })).toBe(
    403,
  );
  expect(await call(`/campaigngroups/208?req=Load`, { as: "alpha" })).toBe(403);
  expect(await call(`/lists/Alpha%20List?req=AddRecord`, { as: "alpha", body: { GSW_PHONE: CANARIES.phone } })).toBe(
    400,
  );
  const client = await rawClient(gateway.port);
  await client.send(`GARBAGE ${CANARIES.field}\r\n\r\n`);
  expect(await client.ended()).toContain("OCSGW-1011");
  client.close();
};

describe("metrics and status of a gateway with traffic", () => {
  beforeEach(() => start(({ head }) => (head.includes("/records/") ? GONE : OK)));

  it("agree with the journal and with the replies to clients", async () => {
    await traffic();
    const all = await samples();
    expect(countedBy(all, "ocsgw_refusals_total", "tenant", "code")).toEqual(journalled(await gateway.journal()));
    expect(countedBy(all, "ocsgw_requests_total", "origin", "status_class")).toEqual({
      "ocs 2xx": 3,
      "ocs 4xx": 1,
      "gateway 4xx": 8,
    });
    expect(countedBy(all, "ocsgw_requests_total", "tenant", "action")).toMatchObject({
      "Alpha Tenant DoNotCall": 1,
      "Alpha Tenant RecordProcessed": 1,
      "Alpha Tenant AddRecord": 2,
      "Beta Tenant DoNotCall": 2,
    });
    expect(countedBy(all, "ocsgw_phase_seconds_count", "phase")).toEqual({
      policy: 12,
      journal: 4,
      queue: 4,
      ocs: 4,
      total: 12,
    });
    expect(countedBy(all, "ocsgw_journal_append_seconds_count")).toEqual({ "": 8 });
    const { requests, refusals } = await statusNow();
    expect(requests.map(({ origin, status_class, count }) => `${origin} ${status_class} ${count}`)).toEqual([
      "gateway 4xx 8",
      "ocs 2xx 3",
      "ocs 4xx 1",
    ]);
    expect(refusals.find(({ code }) => code === "OCSGW-2001")?.count).toBe(2);
  });

  it("have bounded labels, and no phone number, field or address of a client", async () => {
    await traffic();
    const all = await samples();
    expect([...new Set(all.flatMap(({ labels }) => labels.tenant ?? []))].toSorted()).toEqual([
      "Alpha Tenant",
      "Beta Tenant",
      "none",
    ]);
    const actions = new Set(all.flatMap(({ labels }) => labels.action ?? []));
    expect([...actions].toSorted()).toEqual(["AddRecord", "DoNotCall", "Load", "RecordProcessed", "none"]);
    for (const text of [
      (await admin("/metrics")).text,
      (await admin("/api/status")).text,
      (await admin("/readyz")).text,
    ]) {
      for (const canary of [...Object.values(CANARIES), "······0177", CLIENT]) expect(text).not.toContain(canary);
    }
  });

  it("count one alarm for a handle that two tenants used several times", async () => {
    for (const as of ["alpha", "beta", "beta", "alpha"])
      await call(`/records/${CANARIES.handle}?req=RecordProcessed`, { as });
    expect(countedBy(await samples(), "ocsgw_alarms_total", "upstream")).toEqual({ ocs: 1 });
    expect((await gateway.journal()).filter(({ kind }) => kind === "alarm")).toHaveLength(1);
  });

  it("show lanes with their tenant, and the hash of the config", async () => {
    await call(`/phones/${CANARIES.phone}?req=DoNotCall`, { as: "alpha" });
    const all = await samples();
    expect(countedBy(all, "ocsgw_lanes", "state")).toEqual({ idle: 3, connecting: 0, busy: 0, ready: 1 });
    expect(countedBy(all, "ocsgw_upstream_up", "endpoint", "role")).toEqual({ [`${ocs.url} primary`]: 1 });
    const { upstreams, config_hash, journal } = await statusNow();
    expect(upstreams[0]!.lanes.filter(({ state }) => state === "ready")).toEqual([
      expect.objectContaining({ tenant: "Alpha Tenant", endpoint: ocs.url, since: expect.any(Number) as number }),
    ]);
    expect(all.find(({ name }) => name === "ocsgw_config_info")?.labels).toEqual({ hash: config_hash });
    expect(journal).toMatchObject({
      failed: null,
      size: expect.any(Number) as number,
      checkpoint: { age: expect.any(Number) as number },
    });
  });
});

describe("the standby of a pair", () => {
  it("is shown with the result of the last probe, and as a warning if that is not the healthy result", async () => {
    const standby = await rawOcs(undefined, { arrived: ({ socket }) => void socket.end() });
    try {
      for (const [expected, healthy] of [
        ["closes", true],
        ["refuses", false],
      ] as const) {
        await start(undefined, { backup: standby.url, standby: expected });
        const seen = async () => (await statusNow()).upstreams[0]!.endpoints[1]!.standby;
        await vi.waitFor(async () =>
          expect(await seen()).toMatchObject({
            seen: "accepts and closes",
            expected,
            healthy,
            since: expect.any(Number) as number,
          }),
        );
        const { warnings } = await statusNow();
        expect(warnings).toEqual(
          healthy
            ? []
            : [
                `the standby OCS ${standby.url} of upstream ocs accepts and closes connections; ` +
                  "a healthy standby there refuses connections. It may fail to take over",
              ],
        );
        const all = await samples();
        expect([
          countedBy(all, "ocsgw_standby", "endpoint", "seen"),
          countedBy(all, "ocsgw_standby_healthy", "endpoint"),
        ]).toEqual([{ [`${standby.url} accepts and closes`]: 1 }, { [standby.url]: healthy ? 1 : 0 }]);
        if (healthy) await Promise.all([gateway.stop(), ocs.close()]);
      }
      expect(standby.requests()).toBe(0);
    } finally {
      await standby.close();
    }
  });
});

describe("certificates in use", () => {
  let dir: string;
  beforeEach(async () => {
    dir = await mkdtemp(join(tmpdir(), "ocsgw-certificates-"));
  });
  afterEach(() => rm(dir, { recursive: true, force: true }));

  it("are shown with their place in the config and the time until they expire", async () => {
    const authority = createAuthority("test");
    const { certPem, keyPem } = authority.issue({ names: ["127.0.0.1"], usage: "serverAuth" });
    const [cert, key, ca] = ["server.crt", "server.key", "ca.crt"].map((name) => join(dir, name)) as [
      string,
      string,
      string,
    ];
    await Promise.all([
      writeFile(cert, certPem),
      writeFile(key, keyPem, { mode: 0o600 }),
      writeFile(ca, authority.certPem),
    ]);
    ocs = await rawOcs();
    gateway = await aGateway({
      ...twoTenants(ocs.url),
      listeners: [{ name: "clients", bind: "127.0.0.1:0", tls: { cert, key, client_ca: ca } }],
      admin: { bind: "127.0.0.1:0" },
    });
    const found = (await samples()).filter(({ name }) => name === "ocsgw_cert_expiry_seconds");
    expect(found.map(({ labels }) => labels)).toEqual([
      { of: "listeners.clients", what: "cert" },
      { of: "listeners.clients", what: "client_ca" },
    ]);
    const end = (pem: string): number => (new X509Certificate(pem).validToDate.getTime() - Date.now()) / 1000;
    for (const [at, pem] of [certPem, authority.certPem].entries())
      expect(Math.abs(found[at]!.value - end(pem))).toBeLessThan(60);
    const warnings = async (): Promise<unknown> =>
      (JSON.parse((await admin("/readyz")).text) as { readonly warnings?: unknown }).warnings;
    expect(await warnings()).toBeUndefined();
    vi.useFakeTimers({ now: Date.now() + 400 * 86_400_000, toFake: ["Date"] });
    try {
      expect(await warnings()).toEqual([
        expect.stringMatching(/^listeners\.clients\.cert: a certificate expired on /),
        expect.stringMatching(/^listeners\.clients\.client_ca: a certificate expired on /),
      ]);
    } finally {
      vi.useRealTimers();
    }
  });
});

describe("readiness", () => {
  it("is reported as soon as clients are accepted", async () => {
    await start();
    expect(await readiness()).toEqual({ status: 200, reasons: [] });
  });

  it("ends when no OCS is reachable, names its address, and returns when OCS is back", async () => {
    await start();
    expect(await call(`/phones/${CANARIES.phone}?req=DoNotCall`, { as: "alpha" })).toBe(200);
    await ocs.close();
    await vi.waitFor(
      async () => expect(await readiness()).toEqual({ status: 503, reasons: [`no OCS reachable: ocs (${ocs.url})`] }),
      { timeout: 10_000 },
    );
    expect(countedBy(await samples(), "ocsgw_upstream_up", "endpoint")).toEqual({ [ocs.url]: 0 });
    expect((await admin("/healthz")).status).toBe(200);
    const back = createServer((socket) => socket.on("error", () => undefined)).listen(ocs.port, "127.0.0.1");
    try {
      await vi.waitFor(async () => expect(await readiness()).toEqual({ status: 200, reasons: [] }), {
        timeout: 10_000,
      });
      expect(countedBy(await samples(), "ocsgw_switchovers_total")).toEqual({ "": 0 });
    } finally {
      back.close();
    }
  });

  it("ends when the journal cannot be written, and says why", async () => {
    let full = false;
    const open = nodeDisk.open.bind(nodeDisk);
    vi.spyOn(nodeDisk, "open").mockImplementation(async (path, how) => {
      const file = await open(path, how);
      return {
        ...file,
        write: (bytes, position) =>
          full ? Promise.reject(new Error("ENOSPC: no space left on device, write")) : file.write(bytes, position),
      };
    });
    await start();
    expect(await readiness()).toEqual({ status: 200, reasons: [] });
    full = true;
    expect(await call(`/phones/${CANARIES.phone}?req=DoNotCall`, { as: "alpha" })).toBe(503);
    const { status, reasons } = await readiness();
    expect([status, reasons]).toEqual([503, [expect.stringMatching(/the journal in .* cannot be written: .*ENOSPC/)]]);
    expect(countedBy(await samples(), "ocsgw_refusals_total", "tenant", "code")).toEqual({
      "Alpha Tenant OCSGW-5101": 1,
    });
    expect(await statusNow()).toMatchObject({ ready: false, reasons, journal: { failed: reasons[0] } });
    expect((await admin("/healthz")).status).toBe(200);
    await gateway.gateway.stop("test").catch(() => undefined);
  });

  it("ends while requests drain, and the token file is deleted when the gateway stops", async () => {
    await start(() => undefined);
    const token = join(gateway.dir, "audit/admin.token");
    expect((await stat(token)).mode & 0o777).toBe(0o600);
    const underWay = call(`/phones/${CANARIES.phone}?req=DoNotCall`, { as: "alpha" });
    await vi.waitFor(() => expect(ocs.requests()).toBe(1));
    const stopping = gateway.gateway.stop("test");
    expect(await readiness()).toEqual({ status: 503, reasons: ["draining"] });
    expect((await admin("/healthz")).status).toBe(200);
    ocs.connections.at(-1)!.socket.write(OK);
    expect(await underWay).toBe(200);
    await stopping;
    await expect(stat(token)).rejects.toThrow("ENOENT");
  });
});
