import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { FairQueue } from "../../src/upstream/fair-queue.ts";

describe("FairQueue", () => {
  it("gives tenants turns and keeps the order within a tenant", () => {
    const queue = new FairQueue<string>(10);
    for (const item of ["a1", "a2", "a3", "b1", "c1", "c2"]) queue.push(item[0]!, item);
    expect(Array.from({ length: 6 }, () => queue.next())).toEqual(["a1", "b1", "c1", "a2", "c2", "a3"]);
    expect(queue.next()).toBeUndefined();
  });

  it("stays with a tenant when asked to", () => {
    const queue = new FairQueue<string>(10);
    for (const item of ["a1", "a2", "b1"]) queue.push(item[0]!, item);
    expect([queue.next("b"), queue.next("a"), queue.next()]).toEqual(["b1", "a1", "a2"]);
  });

  it("bounds each tenant by itself", () => {
    const queue = new FairQueue<number>(2);
    expect([queue.push("a", 1), queue.push("a", 2), queue.push("a", 3), queue.push("b", 4)]).toEqual([true, true, false, true]);
  });

  it("loses nothing, doubles nothing and never lets a tenant wait for more than one turn of each other", () => {
    const step = fc.oneof(
      fc.record({ kind: fc.constant("push" as const), tenant: fc.integer({ min: 0, max: 4 }) }),
      fc.record({ kind: fc.constant("next" as const) }),
      fc.record({ kind: fc.constant("remove" as const), at: fc.nat(30) }),
    );
    fc.assert(fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
      const queue = new FairQueue<{ tenant: number; id: number }>(20);
      const waiting: { tenant: number; id: number }[] = [];
      const servedSince = new Map<number, number>();
      let id = 0;
      for (const each of steps) {
        if (each.kind === "push") {
          const item = { tenant: each.tenant, id: id++ };
          if (queue.push(String(each.tenant), item)) waiting.push(item);
        } else if (each.kind === "remove") {
          const [item] = waiting.splice(each.at, 1);
          if (item) queue.remove(String(item.tenant), item);
        } else {
          const item = queue.next();
          const oldest = waiting.find(({ tenant }) => tenant === item?.tenant);
          expect(item).toBe(waiting.length === 0 ? undefined : oldest);
          if (!item) continue;
          waiting.splice(waiting.indexOf(item), 1);
          servedSince.set(item.tenant, 0);
          for (const tenant of new Set(waiting.map((each) => each.tenant))) {
            if (tenant === item.tenant) continue;
            servedSince.set(tenant, (servedSince.get(tenant) ?? 0) + 1);
            expect(servedSince.get(tenant)!).toBeLessThanOrEqual(9);
          }
        }
        expect(queue.size).toBe(waiting.length);
      }
    }), { numRuns: 300 });
  });
});
