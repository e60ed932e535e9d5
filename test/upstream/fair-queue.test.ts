import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { FairQueue, QUANTUM, type Turn, type Waiting } from "../../src/upstream/fair-queue.ts";

type Item = Waiting & { readonly id: string };
const item = (id: string, over: Partial<Item> = {}): Item => ({ id, tenant: id[0]!, bytes: 10, urgent: false, ...over });
const queueOf = (ids: readonly string[], shares: Readonly<Record<string, number>> = {}): FairQueue<Item> => {
  const queue = new FairQueue<Item>({ max: 1000, maxBytes: 1e6 }, (tenant) => shares[tenant] ?? 1);
  for (const id of ids) queue.push(item(id));
  return queue;
};
const many = (tenant: string, count: number): string[] => Array.from({ length: count }, (_, index) => `${tenant}${index}`);

/** Serves whole turns, one after the other, as a single lane would. */
const serve = (queue: FairQueue<Item>, count: number): string[] => {
  const served: string[] = [];
  while (served.length < count) {
    const turn = queue.nextTurn();
    if (!turn) break;
    for (; turn.allowance > 0 && served.length < count; turn.allowance--) {
      const next = queue.take(turn.tenant);
      if (!next) break;
      served.push(next.id);
    }
  }
  return served;
};

describe("turns", () => {
  it("go round the tenants, a quantum each, first come first served within one", () => {
    const served = serve(queueOf([...many("a", 10), ...many("b", 3), ...many("c", 10)]), 23);
    expect(served.slice(0, QUANTUM + 3 + QUANTUM)).toEqual([...many("a", QUANTUM), ...many("b", 3), ...many("c", QUANTUM)]);
    expect(served).toHaveLength(23);
  });

  it.each([[2, 1], [3, 1], [1, 0.5], [5, 2], [0.1, 0.3]])("give shares of %d to %d their ratio", (a, b) => {
    const served = serve(queueOf([...many("a", 900), ...many("b", 900)], { a, b }), 600);
    const ratio = served.filter((id) => id.startsWith("a")).length / served.filter((id) => id.startsWith("b")).length;
    expect(Math.abs(ratio / (a / b) - 1)).toBeLessThan(0.03);
  });

  it("are given first to who comes after an idle round", () => {
    const queue = queueOf(many("a", 100));
    serve(queue, 8);
    expect(queue.hasFresh).toBe(false);
    queue.push(item("b0"));
    expect([queue.hasFresh, queue.nextTurn()?.tenant, queue.take("b")?.id]).toEqual([true, "b", "b0"]);
  });

  it("are not given first to who only pauses between its requests", () => {
    const queue = queueOf([...many("a", 100), "b0"]);
    expect(serve(queue, QUANTUM + 1).at(-1)).toBe("b0");
    queue.push(item("b1"));
    expect(queue.hasFresh).toBe(false);
    expect(queue.nextTurn()?.tenant).toBe("a");
  });

  it("are not given twice to who has begun anew since its turn was broken off", () => {
    const queue = queueOf(["a0"]);
    const broken = queue.nextTurn()!;
    queue.take("a");
    for (const id of ["b0", "b1"]) {
      queue.push(item(id));
      expect(serve(queue, 1)).toEqual([id]);
    }
    queue.push(item("a1"));
    queue.giveBack(broken);
    expect(serve(queue, 9)).toEqual(["a1"]);
    for (const id of ["b2", "a2", "a3"]) {
      queue.push(item(id));
      expect([serve(queue, 9), queue.size]).toEqual([[id], 0]);
    }
  });

  it("that were broken off are continued next", () => {
    const queue = queueOf([...many("a", 20), ...many("b", 20)]);
    serve(queue, 2 * QUANTUM);
    const turn = queue.nextTurn()!;
    queue.take("a");
    turn.allowance--;
    queue.giveBack(turn);
    expect(queue.nextTurn()).toEqual({ tenant: "a", allowance: QUANTUM - 1 });
    expect(queue.nextTurn()).toEqual({ tenant: "b", allowance: QUANTUM });
  });
});

describe("within a tenant", () => {
  it("what is urgent goes first, and what could not be sent goes back to its place", () => {
    const queue = queueOf(["a0", "a1"]);
    queue.push(item("a2", { urgent: true }));
    const first = queue.take("a")!;
    expect(first.id).toBe("a2");
    queue.putBack(first);
    expect(serve(queue, 3)).toEqual(["a2", "a0", "a1"]);
  });

  it("requests and bytes are bounded, each tenant's by itself", () => {
    const queue = new FairQueue<Item>({ max: 2, maxBytes: 25 });
    expect([queue.push(item("a0")), queue.push(item("a1")), queue.push(item("a2"))]).toEqual([true, true, false]);
    expect([queue.push(item("b0", { bytes: 20 })), queue.push(item("b1", { bytes: 6 })), queue.push(item("b1", { bytes: 5 }))]).toEqual([true, false, true]);
    queue.remove(queue.take("a")!);
    expect(queue.push(item("a3"))).toBe(true);
  });
});

describe("a fair queue", () => {
  it("loses nothing, doubles nothing, keeps each tenant's order, and lets nobody starve", () => {
    const step = fc.oneof(
      { weight: 3, arbitrary: fc.record({ kind: fc.constant("push" as const), tenant: fc.constantFrom("a", "b", "c", "d", "e"), urgent: fc.boolean() }) },
      { weight: 2, arbitrary: fc.record({ kind: fc.constant("turn" as const), use: fc.nat(6) }) },
      { weight: 1, arbitrary: fc.record({ kind: fc.constant("remove" as const), at: fc.nat(50) }) },
    );
    fc.assert(fc.property(fc.array(step, { maxLength: 300 }), (steps) => {
      const queue = new FairQueue<Item>({ max: 50, maxBytes: 1e6 }, (tenant) => (tenant === "a" ? 2 : 1));
      const waiting: Item[] = [];
      const passed = new Map<string, number>();
      const outstanding: Turn[] = [];
      steps.forEach((each, index) => {
        if (each.kind === "push") {
          const made = item(`${each.tenant}${index}`, { urgent: each.urgent });
          if (queue.push(made)) waiting.push(made);
        } else if (each.kind === "remove") {
          const [gone] = waiting.splice(each.at, 1);
          if (gone) queue.remove(gone);
        } else {
          const turn = queue.nextTurn();
          expect(turn === undefined).toBe(waiting.length === 0);
          if (!turn) return;
          for (let used = 0; used < each.use && turn.allowance > 0; used++, turn.allowance--) {
            const mine = waiting.filter(({ tenant }) => tenant === turn.tenant);
            const expected = mine.find(({ urgent }) => urgent) ?? mine[0];
            const taken = queue.take(turn.tenant);
            expect(taken).toBe(expected);
            if (!taken) break;
            waiting.splice(waiting.indexOf(taken), 1);
          }
          outstanding.push(turn);
          if (outstanding.length > 2) queue.giveBack(outstanding.shift()!);
          passed.delete(turn.tenant);
          for (const tenant of new Set(waiting.map(({ tenant }) => tenant))) {
            if (tenant !== turn.tenant) passed.set(tenant, (passed.get(tenant) ?? 0) + 1);
          }
          // Five tenants, each of which can go before its round once: and have a broken turn continued: nobody is passed more often than that.
          for (const turns of passed.values()) expect(turns).toBeLessThanOrEqual(20);
        }
        expect(queue.size).toBe(waiting.length);
      });
      expect(serve(queue, 1e6)).toHaveLength(waiting.length);
    }), { numRuns: 300 });
  });
});
