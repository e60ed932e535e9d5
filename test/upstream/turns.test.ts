import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { model, type Asking, type Model, type Modelled } from "./turns-model.ts";

/** Numbers from 0 to below 1, the same ones each time. */
const seeded = (seed: number) => (): number => {
  seed = (Math.imul(seed, 1_664_525) + 1_013_904_223) >>> 0;
  return seed / 2 ** 32;
};
const alike = (tenants: number, clients: number): Asking[] =>
  Array.from({ length: tenants }, (_, index) => ({ tenant: `T${index}`, clients }));
const run = (over: Partial<Model> & Pick<Model, "asking">): Modelled =>
  model({ lanes: 4, connect: 3, exchange: 5, requests: 10_000, random: seeded(1), ...over });
const ratio = (one: number | undefined, other: number | undefined): number => (one ?? 0) / (other ?? 0);

describe("with no more active tenants than lanes", () => {
  const evenly = [
    [2, 1],
    [2, 2],
    [2, 8],
    [2, 64],
    [4, 1],
    [4, 7],
    [4, 64],
    [1, 64],
  ] as const;
  it.each(evenly)("%d tenants with %d clients each keep their lanes", (tenants, clients) => {
    const { connections, served } = run({ asking: alike(tenants, clients), requests: 960 });
    expect(connections).toBe(Math.min(4, tenants * clients));
    expect(Math.max(...served.values()) - Math.min(...served.values())).toBeLessThanOrEqual(16);
  });

  it("tenants with different demand have the same number of lanes", () => {
    const asking = [100, 50, 25, 12].map((clients, index) => ({ tenant: `T${index}`, clients }));
    const { connections, served } = run({ asking });
    expect(connections).toBe(4);
    expect(Math.max(...served.values()) / Math.min(...served.values())).toBeLessThan(1.05);
  });

  it("a quiet tenant beside a flood keeps its lane and never waits for another's connection", () => {
    const asking = [
      { tenant: "flood", clients: 100 },
      { tenant: "quiet", clients: 1, think: 50 },
    ];
    const { connected, longest } = run({ asking });
    expect([connected.get("flood"), connected.get("quiet")]).toEqual([4, 1]);
    expect(longest.get("quiet")).toBeLessThan(6);
  });

  it("a later tenant gets its share of the lanes, and then all keep theirs", () => {
    const asking = [
      { tenant: "early", clients: 32 },
      { tenant: "late", clients: 32, think: 1000 },
    ];
    const { connected, served } = run({ asking, exchange: 50 });
    expect(connected.get("early")).toBe(4);
    expect(connected.get("late")).toBeLessThanOrEqual(4);
    expect(ratio(served.get("early"), served.get("late"))).toBeLessThan(1.5);
  });

  const unevenly = [
    [2, 1, 4],
    [3, 1, 2],
    [1, 0.5, 4],
    [5, 2, 3],
  ] as const;
  it.each(unevenly)("shares of %d to %d on %d lanes are kept with few connections", (one, other, lanes) => {
    const asking = [
      { tenant: "one", clients: 50, share: one },
      { tenant: "other", clients: 50, share: other },
    ];
    const { served, perHundred } = run({ asking, lanes });
    expect(Math.abs(ratio(served.get("one"), served.get("other")) / (one / other) - 1)).toBeLessThan(0.03);
    expect(perHundred).toBeLessThan(5);
  });
});

describe("with more tenants than lanes", () => {
  it.each([
    [8, 32, 3],
    [32, 8, 3],
    [32, 32, 3],
    [5, 16, 3],
    [8, 32, 20],
    [8, 32, 0.5],
    [32, 8, 0.5],
    [200, 20, 3],
  ] as const)(
    "%d of %d clients, at %d ms a connection: at most 8 connections per 100 requests, and 1.4 times the p99 wait",
    (tenants, clients, connect) => {
      const asking = alike(tenants, clients);
      const requests = 100 * tenants * Math.max(4, clients / 8);
      const without = run({ asking, connect, requests, onePerTenant: false });
      const { perHundred, p99, served, left } = run({ asking, connect, requests });
      expect(left).toBe(0);
      expect(perHundred).toBeLessThanOrEqual(8);
      expect(p99 / without.p99).toBeLessThanOrEqual(1.4);
      expect(Math.max(...served.values()) - Math.min(...served.values())).toBeLessThanOrEqual(6 * 16);
    },
  );

  it("turns are longer with costlier connections and longer queues, and shorter with a short max_wait", () => {
    const [asking, requests] = [alike(8, 100), 20_000];
    const [cheap, dear] = [run({ asking, requests, connect: 1 }), run({ asking, requests, connect: 25 })];
    const hurried = run({ asking, requests, connect: 25, maxWait: 400 });
    const fewer = run({ asking: alike(8, 20), requests, connect: 25 });
    expect(fewer.perHundred).toBeGreaterThan(2 * dear.perHundred);
    expect(cheap.perHundred).toBeGreaterThan(2 * dear.perHundred);
    expect(hurried.perHundred).toBeGreaterThan(2 * dear.perHundred);
  });

  it("lanes do not spend more time connecting than serving, however costly a connection is", () => {
    const { perHundred } = run({ asking: alike(32, 4), connect: 300, exchange: 5, requests: 20_000 });
    expect((perHundred / 100) * 300).toBeLessThan(1.1 * 5);
  });

  it("shares are kept", () => {
    const { served } = run({ asking: [...alike(5, 30), { tenant: "twice", clients: 60, share: 2 }], requests: 20_000 });
    for (const { tenant } of alike(5, 1)) {
      expect(Math.abs(ratio(served.get("twice"), served.get(tenant)) / 2 - 1)).toBeLessThan(0.05);
    }
  });

  it("a tenant that rarely sends is served first and does not wait for a whole turn", () => {
    const seldom = Array.from({ length: 2 }, (_, index) => ({ tenant: `seldom ${index}`, clients: 1, think: 400 }));
    const { longest } = run({ asking: [...alike(6, 100), ...seldom], requests: 20_000 });
    // A turn takes 75 ms and more.
    for (const { tenant } of seldom) expect(longest.get(tenant)).toBeLessThan(20);
  });
});

describe("every tenant, at any rate and any share", () => {
  it("is served, and does not wait forever while lanes are free", () => {
    const anyone = fc.record({
      clients: fc.integer({ min: 1, max: 12 }),
      share: fc.constantFrom(0.1, 0.5, 1, 1, 1, 3),
      think: fc.constantFrom(0, 0, 1, 40, 700, 3000),
    });
    const settings = fc.record({
      those: fc.array(anyone, { minLength: 1, maxLength: 12 }),
      lanes: fc.integer({ min: 1, max: 6 }),
      connect: fc.constantFrom(0.2, 3, 50),
      exchange: fc.constantFrom(0.3, 5, 200),
      onePerTenant: fc.boolean(),
      seed: fc.nat(),
    });
    fc.assert(
      fc.property(settings, ({ those, seed, ...rest }) => {
        const asking = those.map((each, index) => ({ tenant: `T${index}`, ...each }));
        const { left, served } = run({ asking, ...rest, requests: 400, random: seeded(seed) });
        expect(left).toBe(0);
        expect([...served.values()].reduce((sum, count) => sum + count, 0)).toBe(400);
      }),
      { numRuns: 300 },
    );
  });
});
