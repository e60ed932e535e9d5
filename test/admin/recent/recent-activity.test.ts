import { describe, expect, it } from "vitest";
import { MOST_ROWS } from "../../../src/admin/recent/client-codes.ts";
import { MOST_TENANTS, RecentActivity, type Activity } from "../../../src/admin/recent/recent-activity.ts";
import type { Series } from "../../../src/admin/api/now-schema.ts";
import { seriesOf } from "../../../src/admin/recent/series.ts";

const HOUR = 3600;
const WALL = Date.parse("2026-11-22T12:00:00Z");
const alpha = { upstream: "ocs", dbid: 101 };

/** Recent activity on a clock that the test sets, in seconds. */
const at = (start: number) => {
  const clock = { now: start };
  const recent = new RecentActivity(() => clock.now);
  const read = (...activities: (Activity | undefined)[]): Series =>
    seriesOf(
      activities.filter((each) => each !== undefined),
      recent.all,
      { now: clock.now, since: recent.since, step: 10 },
      WALL,
    );
  return { clock, recent, read };
};

const sum = (numbers: readonly number[]): number => numbers.reduce((all, each) => all + each, 0);
const doNotCall = { action: { name: "DoNotCall" } };

describe("recent activity", () => {
  it.each([
    [{ status: 200 }, "ok"],
    [{ status: 302 }, "ok"],
    [{ status: 410 }, "ocs_no"],
    [{ status: 403, code: "OCSGW-2101" }, "refused"],
    [{ status: 504, code: "OCSGW-4101", delivery: "sent-no-answer" }, "no_answer"],
    [{ status: 500, code: "OCSGW-5900", delivery: "not-sent" }, "refused"],
  ] as const)("counts %j as %s: for the tenant, its upstream and the gateway", (ending, outcome) => {
    const { recent, read } = at(1000);
    recent.observe({ tenant: alpha }, ending);
    for (const activity of [recent.ofTenant(alpha), recent.ofUpstream("ocs"), recent.all]) {
      const series = read(activity);
      const counts = Object.fromEntries(
        (["ok", "ocs_no", "refused", "no_answer"] as const).map((each) => [each, sum(series[each])]),
      );
      expect(counts).toEqual({ ok: 0, ocs_no: 0, refused: 0, no_answer: 0, [outcome]: 1 });
    }
  });

  it("counts a request without a tenant for the gateway only", () => {
    const { recent, read } = at(1000);
    recent.observe({}, { status: 401, code: "OCSGW-2001" });
    expect(sum(read(recent.all).refused)).toBe(1);
    expect([recent.count, recent.ofUpstream("ocs")]).toEqual([0, undefined]);
  });

  it("separates tenants that have the same DBID on two upstreams", () => {
    const { recent, read } = at(1000);
    recent.observe({ tenant: alpha }, { status: 200 });
    recent.observe({ tenant: { ...alpha, upstream: "other" } }, { status: 200 });
    expect(sum(read(recent.ofTenant(alpha)).ok)).toBe(1);
    expect(recent.count).toBe(2);
  });

  it.each([
    [{ status: 200 }, {}, 1],
    [{ status: 200 }, { answer: { suspected: true } as const }, 0],
    [{ status: 409 }, {}, 0],
    [{ status: 429, code: "OCSGW-3001" }, {}, 0],
  ])("counts a Do-Not-Call that ended with %j (%j) as asked once and confirmed %i times", (ending, seen, confirmed) => {
    const { recent, read } = at(1000);
    recent.observe({ tenant: alpha, operation: doNotCall, ...seen }, ending);
    const series = read(recent.ofTenant(alpha));
    expect([sum(series.dnc_asked), sum(series.dnc_confirmed)]).toEqual([1, confirmed]);
  });

  it("counts 410, would-be refusals and codes, the codes with most requests first", () => {
    const { recent, read } = at(1000);
    for (const code of ["OCSGW-3001", "OCSGW-2103", "OCSGW-2103"])
      recent.observe({ tenant: alpha }, { status: 403, code });
    recent.observe({ tenant: alpha, wouldRefuse: "OCSGW-2101" }, { status: 410 });
    const series = read(recent.ofTenant(alpha));
    expect([sum(series.gone), sum(series.would_refuse)]).toEqual([1, 1]);
    expect(series.codes.refused.map(({ code, total }) => [code, total])).toEqual([
      ["OCSGW-2103", 2],
      ["OCSGW-3001", 1],
    ]);
    expect(series.codes.would_refuse.map(({ code, total }) => [code, total])).toEqual([["OCSGW-2101", 1]]);
  });

  it("adds up all codes but the five most frequent", () => {
    const { recent, read } = at(1000);
    for (let code = 0; code < 8; code++)
      for (let times = 0; times <= code; times++)
        recent.observe({ tenant: alpha }, { status: 403, code: `OCSGW-210${code}` });
    const { refused } = read(recent.ofTenant(alpha)).codes;
    expect(refused.map(({ code, total }) => [code, total])).toEqual([
      ["OCSGW-2107", 8],
      ["OCSGW-2106", 7],
      ["OCSGW-2105", 6],
      ["OCSGW-2104", 5],
      ["OCSGW-2103", 4],
      [null, 6],
    ]);
  });

  it("computes waits from exchanges only, and lanes in use from OCS's time", () => {
    const { recent, read } = at(1000);
    recent.observe({ tenant: alpha }, { status: 403, code: "OCSGW-2101" });
    recent.observe({ tenant: alpha, waits: { queue: 40, ocs: 5000 } }, { status: 200 });
    recent.observe({ tenant: alpha, waits: { queue: 40, ocs: 0 } }, { status: 503, code: "OCSGW-3003" });
    const series = read(recent.ofTenant(alpha));
    const last = series.times.length - 1;
    expect(series.queue_p95_ms[last]).toBeGreaterThan(30);
    expect(series.ocs_p95_ms[last]).toBeGreaterThan(4000);
    expect(series.lanes_used[last]).toBeGreaterThan(0);
  });

  it("gives the lanes in use at a time: one second at OCS in a step of ten seconds is a tenth of a lane", () => {
    const { clock, recent, read } = at(1000);
    recent.observe({ tenant: alpha, waits: { queue: 0, ocs: 1000 } }, { status: 200 });
    clock.now = 1010;
    expect(read(recent.ofTenant(alpha)).lanes_used[0]).toBe(0.1);
  });
});

describe("the time axis", () => {
  it("begins when counting began, not an hour before: there 0 would be a claim", () => {
    const { clock, recent, read } = at(1003);
    clock.now = 1031;
    const { times, seconds, step_s } = read(recent.all);
    expect([step_s, seconds]).toEqual([10, [7, 10, 10, 1]]);
    expect(times.at(-1)).toBe(WALL / 1000 - 1);
  });

  it("has the last 60 minutes only", () => {
    const { clock, recent, read } = at(0);
    recent.observe({ tenant: alpha }, { status: 200 });
    clock.now = 3 * HOUR + 5;
    recent.observe({ tenant: alpha }, { status: 200 });
    const series = read(recent.ofTenant(alpha));
    expect(series.times).toHaveLength(HOUR / 10);
    expect([sum(series.ok), series.ok.at(-1)]).toEqual([1, 1]);
  });

  it("loses no request when slots become wider", () => {
    const { clock, recent, read } = at(5);
    let sent = 0;
    for (let tenant = 1; tenant <= 1000; tenant++) {
      clock.now += 0.7;
      recent.observe({ tenant: { upstream: "ocs", dbid: tenant } }, { status: 200 });
      recent.observe({ tenant: alpha }, { status: 200 });
      sent++;
    }
    const series = read(recent.ofTenant(alpha));
    expect(sum(series.ok)).toBe(sent + 1);
    expect(series.step_s).toBe(300);
  });
});

describe("open Do-Not-Calls", () => {
  it("are null while unknown, and 0 for a tenant without any once they are known", () => {
    const { clock, recent, read } = at(1000);
    recent.observe({ tenant: alpha }, { status: 200 });
    clock.now = 1010;
    recent.noteOpenDoNotCalls("all", 3);
    expect(read(recent.ofTenant(alpha)).dnc_open).toEqual([null, 0]);
    expect(read(recent.all).dnc_open).toEqual([null, 3]);
  });

  it("of several tenants are added up", () => {
    const { recent, read } = at(1000);
    const beta = { upstream: "ocs", dbid: 102 };
    recent.noteOpenDoNotCalls("all", 5);
    recent.noteOpenDoNotCalls(alpha, 2);
    recent.noteOpenDoNotCalls(beta, 3);
    recent.noteOpenDoNotCalls(beta, 1);
    expect(read(recent.ofTenant(alpha), recent.ofTenant(beta)).dnc_open).toEqual([5]);
  });
});

describe("the last minute by second", () => {
  it("counts whole seconds before the current one", () => {
    const { clock, recent } = at(1000.2);
    for (const now of [1000.2, 1000.9, 1001.5, 1002.1]) {
      clock.now = now;
      recent.observe({ tenant: alpha }, { status: 200 });
    }
    const { seconds } = recent.ofTenant(alpha)!;
    expect([seconds.sum(1002, 1).ok, seconds.sum(1002, 2).ok, seconds.sum(1003, 3).ok]).toEqual([1, 3, 4]);
  });

  it.each([59, 60, 61, 120, 10_000])("does not count a second again %i seconds later", (later) => {
    const { clock, recent } = at(1000);
    recent.observe({ tenant: alpha }, { status: 200 });
    clock.now += later;
    recent.observe({ tenant: alpha }, { status: 403, code: "OCSGW-2101" });
    const { seconds } = recent.ofTenant(alpha)!;
    expect(seconds.sum(clock.now + 1, 59)).toEqual({ ok: later < 59 ? 1 : 0, ocs_no: 0, refused: 1, no_answer: 0 });
  });
});

describe("codes by client", () => {
  const refused = { status: 403, code: "OCSGW-2103" };
  const from = (client: string) => ({ tenant: alpha, caller: { client } });

  it("are counted for ten minutes, with the time of the first", () => {
    const { clock, recent } = at(635);
    recent.observe(from("ivr-bank"), refused);
    clock.now = 910;
    recent.observe(from("ivr-bank"), refused);
    recent.observe(from("ors-main"), refused);
    clock.now = 945;
    recent.observe(from("ors-main"), refused);
    recent.observe(from("ors-main"), { status: 200 });
    const rows = () =>
      [...recent.clientCodes.rows(clock.now)].map(({ client, count, since }) => [client, count, since]);
    expect(rows()).toEqual([
      ["ivr-bank", 2, 635],
      ["ors-main", 2, 910],
    ]);
    clock.now = 1200;
    expect(rows()).toEqual([
      ["ivr-bank", 1, 910],
      ["ors-main", 2, 910],
    ]);
    clock.now = 1500;
    expect(rows()).toEqual([]);
  });

  it("are at most so many rows, and find room again when old ones are ten minutes old", () => {
    const { clock, recent } = at(600);
    for (let client = 0; client < 2 * MOST_ROWS; client++) recent.observe(from(`client-${client}`), refused);
    expect(recent.clientCodes.size).toBe(MOST_ROWS);
    clock.now = 1300;
    recent.observe(from("new"), refused);
    expect([...recent.clientCodes.rows(clock.now)].map(({ client }) => client)).toEqual(["new"]);
    expect(recent.clientCodes.size).toBe(1);
  });
});

describe("memory", () => {
  const MiB = 1024 * 1024;
  /** A request of each tenant, three times in a slot of the widest kind, for so many hours. */
  const run = ({ clock, recent }: ReturnType<typeof at>, tenants: number, hours: number): void => {
    for (const end = clock.now + hours * HOUR; clock.now < end; clock.now += 200)
      for (let dbid = 1; dbid <= tenants; dbid++)
        recent.observe({ tenant: { upstream: "ocs", dbid } }, { status: 200 });
  };

  it("of 100 tenants that send without a pause stays below 12 MiB, with slots of ten seconds", () => {
    const activity = at(0);
    for (; activity.clock.now < 2 * HOUR; activity.clock.now += 10)
      for (let dbid = 1; dbid <= 100; dbid++)
        activity.recent.observe({ tenant: { upstream: "ocs", dbid } }, { status: 200 });
    expect(activity.recent.ofTenant({ upstream: "ocs", dbid: 7 })!.slots.count).toBeGreaterThanOrEqual(360);
    expect(activity.recent.bytes).toBeLessThan(12 * MiB);
  });

  it("of 10,000 tenants that send without a pause stays below 32 MiB", () => {
    const activity = at(0);
    run(activity, 10_000, 2);
    expect(activity.recent.count).toBe(10_000);
    expect(activity.recent.bytes).toBeLessThan(32 * MiB);
  });

  it("is given back when tenants have been idle for an hour", () => {
    const activity = at(0);
    run(activity, 2000, 1);
    const busy = activity.recent.bytes;
    run(activity, 10, 3);
    expect(activity.recent.count).toBe(10);
    expect(activity.recent.bytes).toBeLessThan(busy / 10);
  });

  it("knows at most so many tenants; the gateway's and the upstream's sums have all requests", () => {
    const { clock, recent, read } = at(0);
    for (let dbid = 1; dbid <= MOST_TENANTS + 5; dbid++)
      recent.observe({ tenant: { upstream: "ocs", dbid } }, { status: 200 });
    clock.now = 1;
    expect(recent.count).toBe(MOST_TENANTS);
    expect(sum(read(recent.all).ok)).toBe(MOST_TENANTS + 5);
    expect(sum(read(recent.ofUpstream("ocs")).ok)).toBe(MOST_TENANTS + 5);
  });
});
