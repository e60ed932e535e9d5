import { describe, expect, it } from "vitest";
import { BOUNDS, Counts, Histogram } from "../../src/admin/counters.ts";
import { aLine, anArrival } from "../kit/line.ts";

const arrival = { at: performance.now() };
const seen = (tenant?: string, action?: string) => ({
  arrival,
  journal: 0,
  ...(tenant !== undefined && { tenant: { name: tenant } }),
  ...(action !== undefined && { operation: { action: { name: action } } }),
});
const observations = ({ buckets }: Histogram): number => buckets.reduce((sum, count) => sum + count, 0);

describe("a histogram", () => {
  it.each([
    [0, 0],
    [0.1, 0],
    [0.100001, 1],
    [1, 3],
    [29_999, BOUNDS.length - 1],
    [30_000, BOUNDS.length - 1],
    [30_001, BOUNDS.length],
  ])("puts %f ms into bucket %i", (ms, bucket) => {
    const histogram = new Histogram();
    histogram.observe(ms);
    expect(histogram.buckets.indexOf(1)).toBe(bucket);
    expect([observations(histogram), histogram.sum]).toEqual([1, ms]);
  });
});

describe("requests", () => {
  it("are counted by tenant, action, origin and class", () => {
    const counts = new Counts();
    counts.observe(seen("Alpha", "DoNotCall"), { status: 200 });
    counts.observe(seen("Alpha", "DoNotCall"), { status: 200 });
    counts.observe(seen("Alpha", "DoNotCall"), { status: 410 });
    counts.observe(seen("Alpha", "AddRecord"), { status: 429, code: "OCSGW-3001" });
    counts.observe(seen("Beta", "DoNotCall"), { status: 304 });
    counts.observe(seen(undefined, "DoNotCall"), { status: 401, code: "OCSGW-2001" });
    counts.observe(seen(), { status: 400, code: "OCSGW-1011" });
    expect([...counts.requests()]).toEqual([
      { tenant: "Alpha", action: "DoNotCall", origin: "ocs", status_class: "2xx", count: 2 },
      { tenant: "Alpha", action: "DoNotCall", origin: "ocs", status_class: "4xx", count: 1 },
      { tenant: "Alpha", action: "AddRecord", origin: "gateway", status_class: "4xx", count: 1 },
      { tenant: "Beta", action: "DoNotCall", origin: "ocs", status_class: "3xx", count: 1 },
      { tenant: "none", action: "DoNotCall", origin: "gateway", status_class: "4xx", count: 1 },
      { tenant: "none", action: "none", origin: "gateway", status_class: "4xx", count: 1 },
    ]);
    expect([...counts.refusals()]).toEqual([
      { tenant: "Alpha", code: "OCSGW-3001", count: 1 },
      { tenant: "none", code: "OCSGW-2001", count: 1 },
      { tenant: "none", code: "OCSGW-1011", count: 1 },
    ]);
  });

  it("are timed in total and in policy, and in the journal if they reached it", () => {
    const counts = new Counts();
    counts.observe({ ...seen("Alpha"), decided: 0.3, journal: 4 }, { status: 200 });
    counts.observe(seen("Alpha"), { status: 403, code: "OCSGW-2101" });
    const { policy, journal, total } = counts.phases;
    expect([observations(policy), observations(journal), observations(total)]).toEqual([2, 1, 2]);
    expect([policy.buckets[2], journal.sum]).toEqual([1, 4]);
  });
});

describe("the time histograms", () => {
  const ask = { target: "/phones/4155550100?req=DoNotCall" };
  const failing = (waits: { readonly queue: number; readonly ocs: number }): Promise<never> =>
    Promise.reject(Object.assign(new Error("no lane came free"), { reason: "queue-timeout", sent: false, waits }));

  it("count the queue time and OCS's time of an exchange", async () => {
    const counts = new Counts();
    const { handler } = aLine({
      observe: counts.observe,
      send: () =>
        Promise.resolve({
          status: 200,
          headers: [],
          body: new Uint8Array(),
          lane: "l",
          endpoint: "e",
          waits: { queue: 2, ocs: 7 },
        }),
    });
    await handler(anArrival(ask));
    expect([counts.phases.queue.sum, counts.phases.ocs.sum]).toEqual([2, 7]);
  });

  it("count the queue time of a failed exchange, and nothing without an exchange", async () => {
    const counts = new Counts();
    await aLine({ observe: counts.observe, send: () => failing({ queue: 5000, ocs: 0 }) }).handler(anArrival(ask));
    expect([counts.phases.queue.sum, observations(counts.phases.ocs)]).toEqual([5000, 0]);
    await aLine({ observe: counts.observe, send: () => Promise.reject(new Error("a defect")) }).handler(anArrival(ask));
    await aLine({ observe: counts.observe }).handler(anArrival({ target: "/nothing" }));
    expect(observations(counts.phases.queue)).toBe(1);
  });

  it("count an append when the entry is on disk, and never a failed one", async () => {
    const counts = new Counts();
    let appended = 0;
    const slowly = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 2));
    const append = (): Promise<void> => (appended++ === 0 ? slowly() : Promise.reject(new Error("disk")));
    const { handler } = aLine({ observe: counts.observe, append });
    await handler(anArrival(ask));
    expect(observations(counts.appends)).toBe(1);
    expect(counts.appends.sum).toBeGreaterThan(1);
    await handler(anArrival(ask));
    expect(observations(counts.appends)).toBe(1);
    await aLine({ observe: counts.observe }).handler(anArrival(ask));
    expect(observations(counts.appends)).toBe(3);
  });
});

describe("the pipeline", () => {
  it("counts every request once, whatever its outcome", async () => {
    const counts = new Counts();
    const { handler } = aLine({ observe: counts.observe });
    const asks = [
      { target: "/phones/4155550100?req=DoNotCall" },
      { target: "/phones/4155550100?req=DoNotCall", as: "" },
      { target: "/nothing" },
      { target: "/campaigngroups/208?req=Load" },
      { target: "/lists/Alpha%20List?req=AddRecord", body: "{" },
    ];
    for (const ask of asks) await handler(anArrival(ask));
    expect([...counts.requests()].reduce((sum, { count }) => sum + count, 0)).toBe(asks.length);
    expect(
      Object.fromEntries([...counts.refusals()].map(({ tenant, code, count }) => [`${tenant} ${code}`, count])),
    ).toEqual({
      "none OCSGW-2001": 1,
      "none OCSGW-1001": 1,
      "Alpha Tenant OCSGW-2104": 1,
      "Alpha Tenant OCSGW-1003": 1,
    });
  });
});

describe("a request that ended with a code", () => {
  it.each([
    ["4101", "sent-no-answer", false],
    ["4102", "sent-no-answer", false],
    ["4103", "sent-no-answer", false],
    ["5900", "sent-no-answer", false],
    ["5900", "not-sent", true],
    ["4001", "not-sent", true],
  ] as const)("OCSGW-%s and delivery %s counts as a refusal: %s", (number, delivery, isRefused) => {
    const counts = new Counts();
    const code = `OCSGW-${number}`;
    counts.observe(seen("Alpha", "DoNotCall"), { status: 504, code, delivery });
    const row = [{ tenant: "Alpha", code, count: 1 }];
    expect([[...counts.refusals()], [...counts.noAnswers()]]).toEqual(isRefused ? [row, []] : [[], row]);
  });
});
