import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { LimitLeases } from "../../../src/cluster/leases/limits/limit-leases.ts";
import { limitStore } from "../../../src/cluster/leases/limits/limit-store.ts";
import { createQuota, type Charge } from "../../../src/tenancy/quota.ts";
import { RateWindow, type Window } from "../../../src/tenancy/rate-window.ts";
import type { Limit } from "../../../src/tenancy/registry.ts";
import { aTenant } from "../../kit/line.ts";
import { describeWithPostgres, testSchema } from "../../kit/postgres.ts";
import { FakeWindows } from "./fake-limits.ts";

describe("a limit that gateways count together", () => {
  beforeEach(
    () =>
      void vi.useFakeTimers({ now: 1_700_000_000_000, toFake: ["Date", "setTimeout", "clearTimeout", "performance"] }),
  );
  afterEach(() => void vi.useRealTimers());

  type Gateway = { readonly window: Window; readonly leases: LimitLeases; allowed: number; refused: number };
  /** Gateways that count one limit. */
  const gateways = (count: number, limit: Limit, database: FakeWindows, alive = count): Gateway[] =>
    Array.from({ length: count }, () => {
      const leases = new LimitLeases({ store: database.store(), gateways: () => alive });
      return { leases, window: leases.windowFor("tenant", limit, () => new RateWindow(limit)), allowed: 0, refused: 0 };
    });
  const ask = (gateway: Gateway): void =>
    void gateway.window.take().then(({ left }) => (left < 0 ? gateway.refused++ : gateway.allowed++));
  const run = async (ms: number, each: (at: number) => void): Promise<void> => {
    for (let at = 0; at < ms; at++) {
      each(at);
      await vi.advanceTimersByTimeAsync(1);
    }
  };
  const allowedBy = (all: readonly Gateway[]): number => all.reduce((sum, { allowed }) => sum + allowed, 0);
  const afresh = (all: readonly Gateway[]): void =>
    all.forEach((each) => Object.assign(each, { allowed: 0, refused: 0 }));

  it.each<[string, Limit, readonly number[]]>([
    ["1000 a second, asked evenly", { points: 1000, seconds: 1 }, [1, 1]],
    ["1000 a second, asked by one alone", { points: 1000, seconds: 1 }, [2]],
    ["1000 a second, asked by three unevenly", { points: 1000, seconds: 1 }, [3, 0.5, 0.1]],
    ["50 a second, asked by two", { points: 50, seconds: 1 }, [0.2, 0.1]],
    ["5 in 2 seconds, asked by two", { points: 5, seconds: 2 }, [0.02, 0.01]],
  ])("is fully used and never exceeded: %s", async (_what, limit, rates) => {
    const database = new FakeWindows();
    const all = gateways(rates.length, limit, database);
    const asked = rates.map(() => 0);
    let windows = 0;
    for (let second = 0; second < 6; second++) {
      await run(1000, () =>
        rates.forEach((rate, at) => {
          for (asked[at]! += rate; asked[at]! >= 1; asked[at]!--) ask(all[at]!);
        }),
      );
      windows = Math.ceil((second + 1) / limit.seconds);
      expect(allowedBy(all)).toBeLessThanOrEqual(limit.points * (windows + 1));
    }
    expect(allowedBy(all)).toBeGreaterThanOrEqual(limit.points * (windows - 0.1));
    const row = database.rows.get("tenant")!;
    expect(row.taken).toBeLessThanOrEqual(limit.points);
  });

  it("allows exactly its points in one window, wherever they are asked", async () => {
    const all = gateways(3, { points: 100, seconds: 60 }, new FakeWindows());
    await run(2000, (at) => ask(all[at % 3]!));
    expect(allowedBy(all)).toBe(100);
    expect(all.map(({ allowed }) => allowed > 20)).toEqual([true, true, true]);
  });

  it("is at the disposal of another gateway within some leases when the demand moves", async () => {
    const all = gateways(2, { points: 1000, seconds: 1 }, new FakeWindows());
    await run(1050, () => (ask(all[0]!), ask(all[0]!)));
    afresh(all);
    await run(1000, () => (ask(all[1]!), ask(all[1]!)));
    expect(all[1]!.allowed).toBeGreaterThanOrEqual(900);
  });

  it("costs at most ten statements a second while it is used often, and none when it is not used", async () => {
    const database = new FakeWindows();
    const [one] = gateways(1, { points: 1_000_000, seconds: 60 }, database);
    await run(2000, () => ask(one!));
    const { statements } = database;
    expect(statements).toBeLessThan(32);
    expect(one!.allowed).toBeGreaterThan(1990);
    await vi.advanceTimersByTimeAsync(1200);
    const before = database.statements;
    expect(one!.leases.state()).toMatchObject({ limits: 0, inHand: 0 });
    expect(database.rows.get("tenant")!.taken).toBe(2000);
    await vi.advanceTimersByTimeAsync(5000);
    expect(database.statements).toBe(before);
  });

  it("states what is left, and when its window ends", async () => {
    const all = gateways(2, { points: 3, seconds: 60 }, new FakeWindows());
    const took: unknown[] = [];
    for (const at of [0, 1, 0, 1]) {
      void all[at]!.window.take().then(({ left, ms }) => took.push([left, Math.ceil(ms / 1000)]));
      await vi.advanceTimersByTimeAsync(20);
    }
    expect(took).toEqual([
      [2, 60],
      [1, 60],
      [0, 60],
      [-1, 60],
    ]);
    expect(all.map(({ window }) => window.used)).toEqual([1, 1]);
  });

  it("gives the point of a request that another limit refused back", async () => {
    const all = gateways(2, { points: 1, seconds: 60 }, new FakeWindows());
    void all[0]!.window.take().then(() => all[0]!.window.giveBack());
    await vi.advanceTimersByTimeAsync(300);
    ask(all[1]!);
    await vi.advanceTimersByTimeAsync(20);
    expect(all[1]!.allowed).toBe(1);
  });

  it("keeps to the smaller numbers where configs differ", async () => {
    const database = new FakeWindows();
    const [small] = gateways(1, { points: 10, seconds: 60 }, database);
    const [large] = gateways(1, { points: 50, seconds: 1 }, database);
    await run(400, () => (ask(large!), ask(small!)));
    expect(small!.allowed + large!.allowed).toBeLessThanOrEqual(10 + 8);
    afresh([small!, large!]);
    await run(4000, () => (ask(large!), ask(small!)));
    expect(small!.allowed + large!.allowed).toBe(0);
  });

  it.each([
    [100, 2, 50],
    [100, 3, 33],
    [1, 2, 1],
  ])("of %d points is divided by %d while the database does not answer", async (points, alive, expected) => {
    const database = new FakeWindows();
    database.isCut = true;
    const [one] = gateways(1, { points, seconds: 60 }, database, alive);
    await run(500, () => ask(one!));
    expect([one!.allowed, one!.leases.state().isShared]).toEqual([expected, false]);
    await run(60_100, (at) => void (at % 10 === 0 && ask(one!)));
    expect(one!.allowed).toBe(2 * expected);
  });

  it("loses the database in a window without exceeding its points, and reports what it allowed", async () => {
    const database = new FakeWindows();
    const all = gateways(2, { points: 100, seconds: 60 }, database);
    await run(200, (at) => void (at % 5 === 0 && all.forEach(ask)));
    database.isCut = true;
    await run(2000, () => all.forEach(ask));
    expect(allowedBy(all)).toBeLessThanOrEqual(100);
    expect(allowedBy(all)).toBeGreaterThanOrEqual(85);
    database.isCut = false;
    await run(2000, () => all.forEach(ask));
    expect(allowedBy(all)).toBeLessThanOrEqual(100);
    expect(all.map(({ leases }) => leases.state().isShared)).toEqual([true, true]);
  });

  it("lets a request wait 250 ms for a database that hangs, not longer", async () => {
    const database = new FakeWindows();
    database.delay = 60_000;
    const [one] = gateways(1, { points: 10, seconds: 60 }, database);
    ask(one!);
    await vi.advanceTimersByTimeAsync(249);
    expect(one!.allowed).toBe(0);
    await vi.advanceTimersByTimeAsync(2);
    expect(one!.allowed).toBe(1);
    one!.leases.close();
  });

  it("of less than a second is shared as a rate, and each gateway keeps to its burst", async () => {
    const all = gateways(2, { points: 10, seconds: 0.1 }, new FakeWindows());
    await run(50, () => all.forEach(ask));
    expect(all.map(({ allowed }) => allowed)).toEqual([10, 10]);
    await run(2950, () => all.forEach(ask));
    expect(allowedBy(all)).toBeLessThanOrEqual(400);
    expect(allowedBy(all)).toBeGreaterThanOrEqual(270);
  });

  it("is asked for together with the other limits of a request", async () => {
    const database = new FakeWindows();
    const leases = new LimitLeases({ store: database.store(), gateways: () => 1 });
    const limit = { points: 5, seconds: 60 };
    const tenant = aTenant({ limits: { requests: limit, actions: new Map([["AddRecord" as const, limit]]) } });
    const charges: Charge[] = [];
    void Promise.resolve(createQuota([tenant], undefined, leases.windowFor).charge(tenant, "alpha", "AddRecord")).then(
      (charge) => charges.push(charge),
    );
    await vi.advanceTimersByTimeAsync(3);
    expect([database.statements, charges[0]?.headers]).toEqual([
      1,
      [
        ["RateLimit-Policy", '"tenant";q=5;w=60, "AddRecord";q=5;w=60'],
        ["RateLimit", '"tenant";r=4;t=60, "AddRecord";r=4;t=60'],
      ],
    ]);
  });
});

describeWithPostgres("limits in PostgreSQL", async () => {
  const { open } = await testSchema();

  it("are counted by one statement for all, in windows of the database's clock", async () => {
    const { exchange } = limitStore(open());
    const some = { points: 10, seconds: 60, window: "", back: 0, need: 0, want: 0, extra: 0 };
    const [b, a] = await exchange([
      { ...some, key: "b", need: 2 },
      { ...some, key: "a", need: 3, want: 9 },
    ]);
    expect([a, b]).toMatchObject([
      { given: 6, rest: 4 },
      { given: 2, rest: 8 },
    ]);
    expect(a!.ms).toBeGreaterThan(59_000);
    const again = async (over: object): Promise<unknown> => {
      const [{ given, rest } = { given: 0, rest: 0 }] = await exchange([{ ...some, key: "a", ...over }]);
      return [given, rest];
    };
    expect(await again({ window: a!.window, back: 3 })).toEqual([0, 7]);
    expect(await again({ window: "1", back: 3 })).toEqual([0, 7]);
    expect(await again({ extra: 2, want: 3 })).toEqual([2, 3]);
    expect(await again({ points: 8, need: 3 })).toEqual([1, 0]);
    expect(await again({ need: 3, extra: 5 })).toEqual([0, 0]);
    expect(await exchange([{ ...some, key: "unused", want: 5, back: 1 }])).toMatchObject([{ given: 0, ms: 0 }]);
    expect(await exchange([{ ...some, key: "short", seconds: 0.05, need: 10 }])).toMatchObject([{ given: 10 }]);
    await open().query({ text: "SELECT pg_sleep(0.06)" });
    expect(await exchange([{ ...some, key: "short", need: 1 }])).toMatchObject([{ given: 1, rest: 9 }]);
  });

  it("allow two gateways exactly their points", async () => {
    const limit = { points: 60, seconds: 60 };
    const windows = [open(), open()].map((database) =>
      new LimitLeases({ store: limitStore(database), gateways: () => 2 }).windowFor(
        "both",
        limit,
        () => new RateWindow(limit),
      ),
    );
    const took = await Promise.all(Array.from({ length: 200 }, (_, at) => windows[at % 2]!.take()));
    expect(took.filter(({ left }) => left >= 0)).toHaveLength(60);
  });
});
