import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { FairQueue, IDLE_TURN, type QueueItem } from "../../src/upstream/fair-queue.ts";

type Item = QueueItem & { readonly id: string };
const item = (id: string, over: Partial<Item> = {}): Item => ({
  id,
  tenant: id[0]!,
  bytes: 10,
  urgent: false,
  ...over,
});
const queueOf = (ids: readonly string[], shares: Readonly<Record<string, number>> = {}): FairQueue<Item> => {
  const queue = new FairQueue<Item>({ max: 1000, maxBytes: 1e6 }, (tenant) => shares[tenant] ?? 1);
  for (const id of ids) queue.push(item(id));
  return queue;
};
const many = (tenant: string, count: number): string[] =>
  Array.from({ length: count }, (_, index) => `${tenant}${index}`);

/** Serves one request after the other, as a single lane without connections would. */
const serve = (queue: FairQueue<Item>, count: number): string[] => {
  const served: string[] = [];
  for (let next = queue.nextTenant(); next !== undefined && served.length < count; next = queue.nextTenant())
    served.push(queue.take(next)!.id);
  return served;
};
const countOf = (served: readonly string[], tenant: string): number =>
  served.filter((id) => id.startsWith(tenant)).length;

describe("the number of requests that would be served before a new one", () => {
  const rows: readonly (readonly [string, readonly string[], Readonly<Record<string, number>>, string, number])[] = [
    ["of a tenant without others", [], {}, "b", 0],
    ["of the only tenant", many("a", 5), {}, "a", 5],
    ["of a new tenant beside two other new ones", [...many("a", 90), "c1"], {}, "b", 2],
    ["of a new tenant with a tiny share beside a flood", many("a", 90), { b: 0.001 }, "b", 1],
    ["of a tenant with as much as another", [...many("a", 10), ...many("b", 3)], {}, "b", 3 + 4],
    ["of a tenant with half the share", [...many("a", 90), ...many("b", 3)], { b: 0.5 }, "b", 3 + 7],
    ["of a tenant with twice the share", [...many("a", 90), ...many("b", 3)], { b: 2 }, "b", 3 + 2],
  ];
  it.each(rows)("%s", (_of, waiting, shares, tenant, expected) => {
    expect(queueOf(waiting, shares).countBefore(tenant, false)).toBe(expected);
  });

  it("is correct at any shares while all tenants keep sending", () => {
    const share = fc.constantFrom(0.01, 0.1, 0.5, 1, 1, 3, 20);
    const settings = fc.record({
      a: share,
      b: share,
      c: share,
      ahead: fc.integer({ min: 0, max: 5 }),
      earlier: fc.nat(60),
    });
    fc.assert(
      fc.property(settings, ({ ahead, earlier, ...shares }) => {
        const queue = queueOf([...many("a", 900), ...many("b", ahead + 1), ...many("c", 900)], shares);
        // Nobody is new any more.
        for (const tenant of ["a", "b", "c"]) queue.take(tenant);
        serve(queue, earlier);
        const expected = queue.countBefore("b", false);
        fc.pre(expected < 800);
        queue.push(item("b-last"));
        const served = serve(queue, 2000).indexOf("b-last");
        expect(Math.abs(served - expected)).toBeLessThanOrEqual(2);
      }),
      { numRuns: 500 },
    );
  });
});

describe("the next tenant", () => {
  it("is the one that has had the least service; its requests keep their order", () => {
    const served = serve(queueOf([...many("a", 10), ...many("b", 3), ...many("c", 10)]), 23);
    expect(served.slice(0, 9)).toEqual(["a0", "b0", "c0", "a1", "b1", "c1", "a2", "b2", "c2"]);
    expect(served).toHaveLength(23);
  });

  it.each([
    [2, 1],
    [3, 1],
    [1, 0.5],
    [5, 2],
    [0.1, 0.3],
  ])("keeps shares of %d to %d in their ratio", (a, b) => {
    const served = serve(queueOf([...many("a", 900), ...many("b", 900)], { a, b }), 600);
    expect(Math.abs(countOf(served, "a") / countOf(served, "b") / (a / b) - 1)).toBeLessThan(0.03);
  });

  it("is once, before all others, a tenant that was idle during a turn of the others", () => {
    const queue = queueOf(many("a", 100));
    serve(queue, 8);
    expect(queue.sparseTenants).toBe(0);
    for (const id of ["b0", "b1", "c0"]) queue.push(item(id));
    expect([queue.sparseTenants, queue.isSparse("b"), queue.inOrder()]).toEqual([2, true, ["b", "c", "a"]]);
    expect([
      queue.take("b")?.id,
      queue.isSparse("b"),
      queue.nextTenant(),
      queue.take("c")?.id,
      queue.sparseTenants,
    ]).toEqual(["b0", false, "c", "c0", 0]);
  });

  it("is not before its time a tenant that only pauses between its requests", () => {
    const queue = queueOf(many("a", 100));
    for (let round = 0; round < 5; round++) {
      queue.push(item(`b${round}`));
      expect(queue.isSparse("b")).toBe(round === 0);
      expect(countOf(serve(queue, IDLE_TURN - 1), "b")).toBe(1);
    }
    serve(queue, IDLE_TURN);
    queue.push(item("b5"));
    expect(queue.isSparse("b")).toBe(true);
  });

  it("is soon again a tenant that had all lanes while it was alone", () => {
    const queue = queueOf(many("a", 900));
    serve(queue, 500);
    for (const id of many("b", 200)) queue.push(item(id));
    const served = serve(queue, 200);
    expect(Math.abs(countOf(served, "a") - countOf(served, "b"))).toBeLessThanOrEqual(1);
  });

  it("is not charged for a request that was put back", () => {
    const queue = queueOf([...many("a", 5), ...many("b", 5)]);
    serve(queue, 2);
    for (let round = 0; round < 20; round++) queue.putBack(queue.take("a")!);
    expect(serve(queue, 8)).toEqual(["a1", "b1", "a2", "b2", "a3", "b3", "a4", "b4"]);
  });
});

describe("the requests of one tenant", () => {
  it("are taken urgent ones first, and return to their place when they could not be sent", () => {
    const queue = queueOf(["a0", "a1"]);
    queue.push(item("a2", { urgent: true }));
    const first = queue.take("a")!;
    expect(first.id).toBe("a2");
    queue.putBack(first);
    expect(serve(queue, 3)).toEqual(["a2", "a0", "a1"]);
  });

  it("are limited in number and bytes, for each tenant separately", () => {
    const queue = new FairQueue<Item>({ max: 2, maxBytes: 25 });
    expect([queue.push(item("a0")), queue.push(item("a1")), queue.push(item("a2"))]).toEqual([true, true, false]);
    expect([
      queue.push(item("b0", { bytes: 20 })),
      queue.push(item("b1", { bytes: 6 })),
      queue.push(item("b1", { bytes: 5 })),
    ]).toEqual([true, false, true]);
    queue.remove(queue.take("a")!);
    expect(queue.push(item("a3"))).toBe(true);
  });
});

describe("a fair queue", () => {
  it("loses and duplicates no request, keeps each tenant's order, and lets no tenant starve", () => {
    const step = fc.oneof(
      {
        weight: 3,
        arbitrary: fc.record({
          kind: fc.constant("push" as const),
          tenant: fc.constantFrom("a", "b", "c", "d", "e"),
          urgent: fc.boolean(),
        }),
      },
      { weight: 2, arbitrary: fc.record({ kind: fc.constant("take" as const), use: fc.nat(6), fails: fc.boolean() }) },
      { weight: 1, arbitrary: fc.record({ kind: fc.constant("remove" as const), at: fc.nat(50) }) },
      { weight: 1, arbitrary: fc.constant({ kind: "retune" as const }) },
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 300 }), (steps) => {
        const shareOf = (tenant: string): number => (tenant === "a" ? 2 : 1);
        const bounds = { max: 50, maxBytes: 1e6 };
        const queue = new FairQueue<Item>(bounds, shareOf);
        const waiting: Item[] = [];
        const passed = new Map<string, number>();
        const expectedOf = (tenant: string): Item | undefined => {
          const mine = waiting.filter((each) => each.tenant === tenant);
          return mine.find(({ urgent }) => urgent) ?? mine[0];
        };
        steps.forEach((each, index) => {
          if (each.kind === "push") {
            const made = item(`${each.tenant}${index}`, { urgent: each.urgent });
            if (queue.push(made)) waiting.push(made);
          } else if (each.kind === "remove") {
            const [gone] = waiting.splice(each.at, 1);
            if (gone) queue.remove(gone);
          } else if (each.kind === "retune") {
            queue.retune(bounds, shareOf);
          } else {
            const tenant = queue.nextTenant();
            expect(tenant === undefined).toBe(waiting.length === 0);
            if (tenant === undefined) return;
            expect(new Set(queue.inOrder())).toEqual(new Set(waiting.map((one) => one.tenant)));
            expect([queue.inOrder()[0], queue.tenants]).toEqual([
              tenant,
              new Set(waiting.map((one) => one.tenant)).size,
            ]);
            for (let used = 0; used <= each.use && queue.isWaiting(tenant); used++) {
              const expected = expectedOf(tenant)!;
              expect(queue.take(tenant)).toBe(expected);
              if (each.fails) queue.putBack(expected);
              else waiting.splice(waiting.indexOf(expected), 1);
            }
            if (each.fails) return;
            passed.delete(tenant);
            for (const other of new Set(waiting.map((one) => one.tenant)))
              if (other !== tenant) passed.set(other, (passed.get(other) ?? 0) + 1);
            for (const times of passed.values()) expect(times).toBeLessThanOrEqual(5 * 7 * IDLE_TURN);
          }
          expect(queue.size).toBe(waiting.length);
        });
        expect(serve(queue, 1e6)).toHaveLength(waiting.length);
      }),
      { numRuns: 300 },
    );
  });
});
