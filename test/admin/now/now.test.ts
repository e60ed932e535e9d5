import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { parseFilter } from "../../../src/journal/search/filter/filter.ts";
import { anUpstream, ask, aTenant, aWorld, viewerOf, WALL, type World } from "./kit.ts";

beforeEach(() => void vi.useFakeTimers({ toFake: ["Date"], now: WALL }));
afterEach(() => void vi.useRealTimers());

const alpha = { upstream: "ocs", dbid: 101 };
const HOUR_MS = 3_600_000;
const SHOWN = WALL - HOUR_MS;

const observe = (world: World, times: number, code?: string, client: string | undefined = "ivr-bank"): void => {
  for (let time = 0; time < times; time++)
    world.recent.observe(
      { tenant: alpha, caller: client === undefined ? undefined : { client } },
      code === undefined ? { status: 200 } : { status: 403, code },
    );
};
const lookOf = async (world: World, viewer = viewerOf("all")): Promise<Record<string, unknown>[]> =>
  ((await ask(world, "/api/now", viewer)).value.look as Record<string, unknown>[]).map((row) =>
    Object.fromEntries(Object.entries(row).filter(([, value]) => value !== null)),
  );

describe("/api/now", () => {
  it("gives rates of the last minute, also when counting began less than a minute ago", async () => {
    const world = aWorld(1000);
    observe(world, 20);
    observe(world, 10, "OCSGW-2103");
    world.clock.now = 1010;
    const { value } = await ask(world, "/api/now");
    expect(value.rates).toEqual({ ok: 2, ocs_no: 0, refused: 1, no_answer: 0 });
    world.clock.now = 1059;
    expect((await ask(world, "/api/now")).value.rates.ok).toBeCloseTo(20 / 59, 2);
    world.clock.now = 1061;
    expect((await ask(world, "/api/now")).value.rates.ok).toBe(0);
  });

  it("counts tenants by mode", async () => {
    const world = aWorld();
    world.tenants.push(aTenant({ name: "Beta Tenant", dbid: 102, mode: "observe" }));
    expect((await ask(world, "/api/now")).value.modes).toEqual({ enforce: 1, observe: 1 });
  });

  it("lists tenants by requests of the last minute, at most 20 of them", async () => {
    const world = aWorld();
    world.tenants = Array.from({ length: 30 }, (_, index) =>
      aTenant({ name: `Tenant ${String(index).padStart(2, "0")}`, dbid: 200 + index }),
    );
    for (const [dbid, times] of [
      [229, 3],
      [210, 9],
    ] as const)
      for (let time = 0; time < times; time++)
        world.recent.observe({ tenant: { upstream: "ocs", dbid } }, { status: 200 });
    world.clock.now += 2;
    const { value } = await ask(world, "/api/now");
    expect(value.tenants.map(({ dbid }: { dbid: number }) => dbid).slice(0, 4)).toEqual([210, 229, 200, 201]);
    expect([value.tenants.length, value.tenant_count]).toEqual([20, 30]);
  });

  it("divides lanes by share among the tenants that send now", async () => {
    const world = aWorld();
    world.tenants.push(
      aTenant({ name: "Beta Tenant", dbid: 102, share: 3 }),
      aTenant({ name: "Idle", dbid: 103, share: 1 }),
      aTenant({ name: "Elsewhere", dbid: 104, upstream: "other", share: 9 }),
    );
    const lane = { endpoint: "http://a", state: "ready" as const, since: 1 };
    world.upstreams = [anUpstream({ lanes: [1, 2, 3, 4].map((number) => ({ ...lane, name: `ocs/${number}` })) })];
    for (const dbid of [101, 102]) world.recent.observe({ tenant: { upstream: "ocs", dbid } }, { status: 200 });
    world.clock.now += 2;
    const { value } = await ask(world, "/api/tenants");
    const entitled = Object.fromEntries(
      value.tenants.map((row: { name: string; lanes_entitled: number }) => [row.name, row.lanes_entitled]),
    );
    expect(entitled).toEqual({ "Alpha Tenant": 1, "Beta Tenant": 3, Idle: 0.8, Elsewhere: 4 });
  });

  it("has the open Do-Not-Calls of tenants and of requests without one, or null while they are unknown", async () => {
    const world = aWorld();
    world.open = [
      { upstream: "ocs", dbid: 101, open: 2, oldest: WALL * 1000 },
      { upstream: "", dbid: 101, open: 1, oldest: WALL * 1000 },
      { upstream: null, dbid: null, open: 4, oldest: WALL * 1000 },
    ];
    expect((await ask(world, "/api/now")).value.dnc_open).toBe(7);
    expect((await ask(world, "/api/now", viewerOf([101]))).value.dnc_open).toBe(3);
    expect((await ask(world, "/api/tenants/101")).value.dnc).toEqual({ open: 3, oldest_ms: 0 });
    world.open = undefined;
    expect((await ask(world, "/api/now")).value.dnc_open).toBeNull();
    expect((await ask(world, "/api/tenants/101")).value.dnc).toEqual({ open: null, oldest_ms: null });
  });

  it("has the markers of the last hour", async () => {
    const world = aWorld();
    world.markers.note({ kind: "start", version: "1.2.3", config_hash: null }, SHOWN - 1);
    world.markers.note({ kind: "config", config_hash: "7c1e55aa90", outcome: "reloaded" }, SHOWN);
    world.markers.note({
      kind: "switchover",
      upstream: "ocs",
      from: "http://a",
      to: "http://b",
      epoch: 4,
      reason: "x",
    });
    expect((await ask(world, "/api/now")).value.markers).toEqual([
      { time: "2026-11-22T11:00:00.000Z", kind: "config", upstream: null, text: "reloaded 7c1e55aa" },
      { time: "2026-11-22T12:00:00.000Z", kind: "switchover", upstream: "ocs", text: "http://b" },
    ]);
  });
});

describe("the small chart of a tenant", () => {
  const sparkAfter = async (seconds: number): Promise<number[]> => {
    const world = aWorld(10_000);
    observe(world, 6);
    world.clock.now += seconds;
    return (await ask(world, "/api/tenants")).value.tenants[0].spark;
  };

  it.each([
    [0, 29],
    [119, 29],
    [135, 28],
    [3500, 0],
  ])("has requests of %i s ago in its point %i of 30", async (seconds, place) => {
    const spark = await sparkAfter(seconds);
    expect([spark.length, spark[place], spark.reduce((sum, each) => sum + each, 0)]).toEqual([30, 6, 6]);
  });

  it("divides a slot between two points, and loses nothing", async () => {
    const spark = await sparkAfter(115);
    expect(spark[28]! + spark[29]!).toBeCloseTo(6, 2);
  });
});

describe("what needs a look", () => {
  it("is nothing with few refusals, a healthy OCS, a new Do-Not-Call, and a certificate of next year", async () => {
    const world = aWorld();
    observe(world, 9, "OCSGW-2103");
    world.open = [{ upstream: "ocs", dbid: 101, open: 1, oldest: (WALL - 60_000) * 1000 }];
    world.certificates = [{ of: "admin", what: "cert", notAfter: WALL + 1e9, warnFrom: WALL + 1 }];
    world.checkpointAge = 180_000;
    expect(await lookOf(world)).toEqual([]);
  });

  it("is a client that was refused ten times with one code in ten minutes", async () => {
    const world = aWorld(600);
    observe(world, 10, "OCSGW-2103");
    observe(world, 9, "OCSGW-3001");
    world.clock.now = 660;
    expect(await lookOf(world)).toEqual([
      {
        kind: "refusals",
        code: "OCSGW-2103",
        title: "the wrong tenant",
        tenant: { dbid: 101, name: "Alpha Tenant" },
        client: "ivr-bank",
        count: 10,
        since: "2026-11-22T11:59:00.000Z",
        filter: "code:OCSGW-2103 tenant:101 client:ivr-bank since:10m",
      },
    ]);
  });

  it("is a client without a valid credential, for those who may see all tenants", async () => {
    const world = aWorld();
    for (let time = 0; time < 12; time++) world.recent.observe({}, { status: 401, code: "OCSGW-2001" });
    expect(await lookOf(world)).toMatchObject([{ kind: "refusals", filter: "code:OCSGW-2001 since:10m", count: 12 }]);
    expect(await lookOf(world, viewerOf([101]))).toEqual([]);
  });

  it("is each request without an answer, even a single one, before everything else", async () => {
    const world = aWorld();
    observe(world, 50, "OCSGW-2103");
    world.recent.observe(
      { tenant: alpha, caller: { client: "ors-main" } },
      { status: 504, code: "OCSGW-4101", delivery: "sent-no-answer" },
    );
    expect((await lookOf(world)).map(({ kind, client, count }) => [kind, client, count])).toEqual([
      ["no-answer", "ors-main", 1],
      ["refusals", "ivr-bank", 50],
    ]);
  });

  it("is an OCS that is down, and a standby that may fail to take over", async () => {
    const world = aWorld();
    world.upstreams = [
      anUpstream({ endpoints: [{ endpoint: "http://a", role: "primary", active: true, up: false }] }),
      anUpstream({
        name: "other",
        endpoints: [
          { endpoint: "http://c", role: "primary", active: true, up: true },
          {
            endpoint: "http://d",
            role: "backup",
            active: false,
            up: false,
            standby: { seen: "silent", detail: undefined, since: 60_000, expected: "closes", healthy: false },
          },
        ],
      }),
    ];
    expect(await lookOf(world)).toEqual([
      { kind: "ocs-down", upstream: "ocs", text: "http://a" },
      { kind: "standby", upstream: "other", text: "http://d", since: "2026-11-22T11:59:00.000Z" },
    ]);
    expect(await lookOf(world, viewerOf([101]))).toEqual([{ kind: "ocs-down", upstream: "ocs", text: "http://a" }]);
  });

  it("is a Do-Not-Call that has been open for ten minutes", async () => {
    const world = aWorld();
    world.open = [{ upstream: "ocs", dbid: 101, open: 2, oldest: (WALL - 600_000) * 1000 }];
    expect(await lookOf(world)).toEqual([
      {
        kind: "open-dnc",
        tenant: { dbid: 101, name: "Alpha Tenant" },
        count: 2,
        since: "2026-11-22T11:50:00.000Z",
        filter: "action:DoNotCall -is:ok tenant:101",
      },
    ]);
  });

  it("is a late checkpoint, a certificate that ends, and each other warning, for those who may see all", async () => {
    const world = aWorld();
    world.checkpointAge = 180_001;
    world.certificates = [{ of: "upstreams.ocs", what: "ca", notAfter: WALL + 1000, warnFrom: WALL }];
    world.warnings = ["the disk is full in 2 h"];
    expect(await lookOf(world)).toEqual([
      { kind: "checkpoint", count: 3, since: "2026-11-22T11:56:59.999Z" },
      { kind: "certificate", text: "upstreams.ocs.ca", until: "2026-11-22T12:00:01.000Z" },
      { kind: "warning", text: "the disk is full in 2 h" },
    ]);
    expect(await lookOf(world, viewerOf([101]))).toEqual([]);
  });

  it.each(["ivr-bank", "4155550100", "415-555-0100", "a.b_c-1"])(
    "has a filter that the search accepts, for the client %s",
    async (client) => {
      const world = aWorld();
      observe(world, 10, "OCSGW-2103", client);
      world.open = [{ upstream: "ocs", dbid: 101, open: 1, oldest: 0 }];
      const filters = (await lookOf(world)).map(({ filter }) => filter as string);
      expect(filters).toHaveLength(2);
      for (const filter of filters) expect(parseFilter(filter).expression.kind).toBe("all");
    },
  );
});

describe("/api/tenants", () => {
  const many = (): World => {
    const world = aWorld();
    world.tenants = Array.from({ length: 250 }, (_, index) =>
      aTenant({ name: `Tenant ${1000 + index}`, dbid: index + 1 }),
    );
    return world;
  };

  it("is given in pages, each tenant once", async () => {
    const world = many();
    const seen: number[] = [];
    for (let after: number | null = 0; after !== null;) {
      const { value } = await ask(world, `/api/tenants?after=${after}&limit=100`);
      seen.push(...value.tenants.map(({ dbid }: { dbid: number }) => dbid));
      after = value.next as number | null;
    }
    expect(seen).toEqual(world.tenants.map(({ dbid }) => dbid));
  });

  it.each([
    ["tenant%201007", [8]],
    ["%201100", [101]],
    ["249", [249, 250]],
    ["nothing", []],
  ])("finds %s by a part of the name or by DBID", async (search, dbids) => {
    const { value } = await ask(many(), `/api/tenants?search=${search}`);
    expect(value.tenants.map(({ dbid }: { dbid: number }) => dbid)).toEqual(dbids);
  });

  it.each(["limit=0", "limit=1001", "limit=x", "after=-1", "after=1.5", "sort=name"])("rejects %s", async (query) => {
    expect((await ask(many(), `/api/tenants?${query}`)).status).toBe(400);
  });
});

describe("/api/tenants/{dbid}", () => {
  it("asks for the OCS where two have a tenant with this DBID", async () => {
    const world = aWorld();
    world.tenants.push(aTenant({ name: "Namesake", upstream: "other" }));
    const unsaid = await ask(world, "/api/tenants/101");
    expect([unsaid.status, unsaid.value.error]).toEqual([
      400,
      "upstream: expected one of ocs, other: each has this DBID",
    ]);
    expect((await ask(world, "/api/tenants/101?upstream=other")).value.tenant.name).toBe("Namesake");
  });

  it("has limits with their use, the queue, the own lanes, and the number of 410 that raises an alarm", async () => {
    const world = aWorld();
    world.upstreams = [
      anUpstream({
        lanes: [
          { name: "ocs/1", endpoint: "http://a", state: "busy", tenant: "Alpha Tenant", dbid: 101, since: 3.4 },
          { name: "ocs/2", endpoint: "http://a", state: "ready", tenant: "Beta Tenant", dbid: 102, since: 1 },
        ],
        queue: [{ tenant: "Alpha Tenant", dbid: 101, waiting: 2, bytes: 9, oldest: 38.4 }],
      }),
    ];
    const { value } = await ask(world, "/api/tenants/101");
    expect(value.limits).toEqual([{ name: "limit of 101", points: 100, window_s: 60, used: 0.5 }]);
    expect(value.queue).toEqual({ waiting: 2, oldest_ms: 38, max: 200, max_wait_ms: 5000 });
    expect(value.lanes.map(({ name }: { name: string }) => name)).toEqual(["ocs/1"]);
    expect([value.probing_per_minute, value.clients]).toEqual([20, [{ name: "ivr-bank", actions: ["DoNotCall"] }]]);
  });

  it.each([
    ["", 10],
    ["?step=60", 60],
    ["?step=300", 300],
  ])("gives a series for %j in steps of %i seconds", async (query, step) => {
    const world = aWorld();
    observe(world, 3);
    world.clock.now += 400;
    const { series } = (await ask(world, `/api/tenants/101${query}`)).value;
    expect([series.step_s, series.ok.reduce((sum: number, each: number) => sum + each, 0)]).toEqual([step, 3]);
    expect(new Set(Object.values(series).flatMap((each) => (Array.isArray(each) ? [each.length] : []))).size).toBe(1);
  });

  it.each(["?step=7", "?step=3600", "?steps=60"])("rejects %s", async (query) => {
    expect((await ask(aWorld(), `/api/tenants/101${query}`)).status).toBe(400);
  });
});

describe("/api/upstreams", () => {
  it("has the last switchovers, newest first, and the ends of the certificates to OCS", async () => {
    const world = aWorld();
    for (const epoch of [2, 3])
      world.markers.note({
        kind: "switchover",
        upstream: "ocs",
        from: "http://a",
        to: "http://b",
        epoch,
        reason: "lost",
      });
    world.certificates = [
      { of: "upstreams.ocs", what: "ca", notAfter: WALL + 1, warnFrom: 0 },
      { of: "upstreams.ocs.callbacks", what: "cert", notAfter: WALL + 2, warnFrom: WALL + 1 },
      { of: "upstreams.ocs2", what: "ca", notAfter: WALL + 3, warnFrom: 0 },
    ];
    const [upstream] = (await ask(world, "/api/upstreams")).value.upstreams;
    expect(upstream.switchovers.map(({ epoch }: { epoch: number }) => epoch)).toEqual([3, 2]);
    expect(upstream.certificates).toEqual([
      { what: "ca", ends: "2026-11-22T12:00:00.001Z", warn: true },
      { what: "callbacks.cert", ends: "2026-11-22T12:00:00.002Z", warn: false },
    ]);
  });

  it("has the series of the OCS, but not for a person of some tenants, whom it would tell of others", async () => {
    const world = aWorld();
    observe(world, 3);
    const series = async (viewer = viewerOf("all")) =>
      (await ask(world, "/api/upstreams", viewer)).value.upstreams[0].series;
    expect((await series()).ok).toEqual([3]);
    expect(await series(viewerOf([101]))).toBeNull();
  });

  it.each([
    ["", 10],
    ["?step=60", 60],
  ])("gives series for %j in steps of %i seconds", async (query, step) => {
    const { value } = await ask(aWorld(), `/api/upstreams${query}`);
    expect(value.upstreams[0].series.step_s).toBe(step);
  });

  it("is for operators", async () => {
    expect((await ask(aWorld(), "/api/upstreams", viewerOf("all", ["viewer", "auditor"]))).status).toBe(403);
  });
});
