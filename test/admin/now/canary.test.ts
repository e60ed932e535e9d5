/**
 * A person of one tenant gets the same answers, to the byte, whether or not another tenant exists and is busy: no name,
 * no number, no count, and no sum from which one could be computed.
 */
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { Header, Now, Tenant, Tenants, Upstreams } from "../../../src/admin/api/now-schema.ts";
import { anUpstream, ask, aTenant, aWorld, viewerOf, WALL, type World } from "./kit.ts";

beforeEach(() => void vi.useFakeTimers({ toFake: ["Date"], now: WALL }));
afterEach(() => void vi.useRealTimers());

const CANARY = { name: "Zanzibar Insurance", dbid: 987_654, upstream: "ocs", client: "zanzibar-ivr" };
const HANDLE = "555123";
const TRACES = [CANARY.name, String(CANARY.dbid), CANARY.client, HANDLE, "zanzibar"];

const alphaLane = {
  name: "ocs/2",
  endpoint: "http://a",
  state: "busy" as const,
  tenant: "Alpha Tenant",
  dbid: 101,
  request: { action: "DoNotCall", resource: "phones", identifier: "······0100" },
  since: 3,
};
const alphaQueue = { tenant: "Alpha Tenant", dbid: 101, waiting: 2, bytes: 100, oldest: 38 };

/** Alpha alone. */
const withoutCanary = (): World => {
  const world = aWorld();
  world.upstreams = [anUpstream({ lanes: [alphaLane], queue: [alphaQueue] })];
  world.markers.note({ kind: "reconnected", upstream: "ocs", endpoint: "http://a", reason: "x" });
  world.open = [{ upstream: "ocs", dbid: 101, open: 2, oldest: (WALL - 3_600_000) * 1000 }];
  for (const now of [1000, 1500, 2200, 2250]) {
    world.clock.now = now;
    const alpha = { upstream: "ocs", dbid: 101 };
    const caller = { client: "ivr-bank" };
    world.recent.observe({ tenant: alpha, caller, waits: { queue: 5, ocs: 20 } }, { status: 200 });
    for (let times = 0; times < 12; times++)
      world.recent.observe({ tenant: alpha, caller }, { status: 403, code: "OCSGW-2103" });
    world.recent.noteOpenDoNotCalls("all", 2);
    world.recent.noteOpenDoNotCalls(alpha, 2);
  }
  return world;
};

/** The same, beside a busy tenant on the same OCS and on another one. */
const withCanary = (): World => {
  const world = withoutCanary();
  const { name, dbid, upstream, client } = CANARY;
  world.tenants.push(
    aTenant({ name, dbid, upstream, mode: "observe", share: 7 }),
    aTenant({ name: `${name} West`, dbid: dbid + 1, upstream: "zanzibar-ocs" }),
  );
  const busy = { name: "ocs/1", endpoint: "http://a", state: "busy" as const, tenant: name, dbid, since: 9 };
  const request = { action: "RecordProcessed", resource: "records", identifier: HANDLE };
  world.upstreams = [
    anUpstream({
      lanes: [{ ...busy, request }, alphaLane, { name: "ocs/3", endpoint: null, state: "idle", since: 1 }],
      queue: [{ tenant: name, dbid, waiting: 41, bytes: 5000, oldest: 999 }, alphaQueue],
    }),
    anUpstream({ name: "zanzibar-ocs", endpoints: [], lanes: [{ ...busy, request }] }),
  ];
  world.open = [
    ...world.open!,
    { upstream, dbid, open: 41, oldest: 0 },
    { upstream: null, dbid: null, open: 1, oldest: 0 },
  ];
  world.warnings.push(`tenant ${name} is in trouble`);
  world.certificates = [{ of: "upstreams.zanzibar-ocs", what: "ca", notAfter: WALL - 1, warnFrom: 0 }];
  world.checkpointAge = 1e9;
  world.markers.note({ kind: "down", upstream: "zanzibar-ocs" });
  world.markers.note({ kind: "start", version: "1.2.3", config_hash: "7c1e55aa90" });
  for (let times = 0; times < 300; times++)
    world.markers.note({
      kind: "config",
      config_hash: "6aaa256e01",
      outcome: times % 2 === 0 ? "reloaded" : "refused",
    });
  world.markers.note({ kind: "fault", fault: "7 lost-reply" });
  world.clock.now = 2250;
  for (let times = 0; times < 41; times++) {
    const seen = { tenant: { upstream, dbid }, caller: { client }, wouldRefuse: "OCSGW-2101" };
    world.recent.observe({ ...seen, waits: { queue: 900, ocs: 900 } }, { status: 410 });
    world.recent.observe(seen, { status: 504, code: "OCSGW-4101", delivery: "sent-no-answer" });
    world.recent.observe(seen, { status: 403, code: "OCSGW-2104" });
    world.recent.observe({}, { status: 401, code: "OCSGW-2001" });
  }
  world.recent.noteOpenDoNotCalls("all", 44);
  world.recent.noteOpenDoNotCalls({ upstream, dbid }, 41);
  return world;
};

const PATHS = [
  ["/api/header", Header],
  ["/api/now", Now],
  ["/api/tenants", Tenants],
  ["/api/tenants?search=a&limit=1", Tenants],
  ["/api/tenants/101", Tenant],
  ["/api/upstreams", Upstreams],
] as const;

describe("a person of one tenant", () => {
  it.each(PATHS)("gets the same from %s whether or not another tenant is busy", async (path) => {
    const [alone, beside] = [
      await ask(withoutCanary(), path, viewerOf([101])),
      await ask(withCanary(), path, viewerOf([101])),
    ];
    expect(alone.status).toBe(200);
    expect(alone.text).toContain(path === "/api/header" ? '"enforce":1' : "Alpha Tenant");
    expect(beside.text).toBe(alone.text);
    for (const trace of TRACES) expect(beside.text.toLowerCase()).not.toContain(trace.toLowerCase());
  });

  it.each([`/api/tenants/${CANARY.dbid}`, `/api/tenants/${CANARY.dbid}?upstream=ocs`, "/api/tenants/1"])(
    "gets the same 404 for %s as for a tenant that does not exist",
    async (path) => {
      const found = await ask(withCanary(), path, viewerOf([101]));
      expect([found.status, found.value]).toEqual([404, { error: "there is no tenant with this DBID" }]);
    },
  );

  it("finds no other tenant by a part of its name", async () => {
    const { value } = await ask(withCanary(), "/api/tenants?search=zanzi", viewerOf([101]));
    expect([value.tenants, value.count]).toEqual([[], 0]);
  });
});

describe("a person of all tenants", () => {
  it.each(PATHS)(
    "gets another answer from %s when another tenant is busy, so that this test can fail",
    async (path) => {
      const [alone, beside] = [await ask(withoutCanary(), path), await ask(withCanary(), path)];
      expect(beside.status).toBe(200);
      expect(beside.text).not.toBe(alone.text);
    },
  );

  it.each(PATHS)("and a person of one tenant get what the schema of %s says", async (path, schema) => {
    for (const viewer of [viewerOf("all"), viewerOf([101])])
      expect(schema.parse((await ask(withCanary(), path, viewer)).value)).toBeTruthy();
  });
});
