import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Demand } from "../../../src/cluster/leases/lanes/holder.ts";
import { expiresAfter } from "../../../src/cluster/leases/lanes/holder.ts";
import { targetsOf, type Claim } from "../../../src/cluster/leases/lanes/targets.ts";
import { FakeGateway, FakeRows } from "./fake-lanes.ts";

const need = (lanes: number, tenant = "A", share = 1): Demand => ({ tenant, share, lanes });
const claim = (name: string, demands: readonly Demand[] = [], held = 0): Claim => ({
  node: name,
  instance: name,
  held,
  demands,
});
const GRACE_MS = 17_000;
const EXPIRES_MS = expiresAfter({ grace: GRACE_MS });

describe("targets of lanes", () => {
  it.each<[string, number, Claim[], number[]]>([
    ["all to one alone", 5, [claim("a")], [5]],
    ["evenly without demand", 8, [claim("a"), claim("b")], [4, 4]],
    ["an odd one stays where it is", 5, [claim("a", [], 2), claim("b", [], 3)], [2, 3]],
    ["by demand", 8, [claim("a", [need(30)]), claim("b", [need(10)])], [6, 2]],
    ["at least one", 8, [claim("a", [need(1000)]), claim("b")], [7, 1]],
    ["unneeded ones evenly", 9, [claim("a", [need(4)]), claim("b"), claim("c", [need(2)])], [5, 1, 3]],
    [
      "by tenants' shares, so that a flood takes none from a tenant of another gateway",
      8,
      [claim("a", [need(5000, "flood")]), claim("b", [need(20, "other")])],
      [4, 4],
    ],
    ["by their weights", 9, [claim("a", [need(50, "one", 2)]), claim("b", [need(50, "other", 1)])], [6, 3]],
    [
      "what a small tenant does not need goes to the others",
      8,
      [claim("a", [need(5000, "flood")]), claim("b", [need(2, "other")])],
      [6, 2],
    ],
    [
      "the holders first where there are fewer lanes than gateways",
      2,
      [claim("a"), claim("b", [], 1), claim("c", [], 1)],
      [0, 1, 1],
    ],
    ["none where there is none", 0, [claim("a", [], 1), claim("b")], [0, 0]],
  ])("are %s", (_what, total, claims, expected) => {
    const targets = targetsOf(claims, total);
    expect(claims.map(({ instance }) => targets.get(instance))).toEqual(expected);
  });

  it("add up to the total and give each gateway at least one lane", () => {
    const claims = fc
      .array(
        fc.record({
          held: fc.nat(20),
          demands: fc.array(
            fc.record({
              tenant: fc.constantFrom("A", "B", "C"),
              share: fc.constantFrom(0.5, 1, 3),
              lanes: fc.double({ min: 0.01, max: 500, noNaN: true }),
            }),
            { maxLength: 3 },
          ),
        }),
        { minLength: 1, maxLength: 5 },
      )
      .map((each) => each.map((one, at) => ({ ...one, node: `n${at}`, instance: `n${at}` })));
    fc.assert(
      fc.property(claims, fc.integer({ min: 1, max: 64 }), (all, total) => {
        const targets = [...targetsOf(all, total).values()];
        expect(targets.reduce((sum, each) => sum + each, 0)).toBe(total);
        expect(Math.min(...targets)).toBeGreaterThanOrEqual(total >= all.length ? 1 : 0);
      }),
    );
  });
});

/** Some seconds of all, one after the other. */
const seconds = async (count: number, ...gateways: readonly FakeGateway[]): Promise<void> => {
  for (let second = 0; second < count; second++) for (const gateway of gateways) await gateway.second();
};
const openOf = (...gateways: readonly FakeGateway[]): number[] => gateways.map(({ open }) => open);

describe("lanes of several gateways", () => {
  it("are all at a gateway alone at once, and divided when another comes", async () => {
    const rows = new FakeRows();
    const a = new FakeGateway(rows, "a");
    await a.leases.renew();
    expect(openOf(a)).toEqual([8]);
    const b = new FakeGateway(rows, "b");
    await b.leases.renew();
    expect(openOf(a, b)).toEqual([8, 0]);
    await seconds(1, a, b);
    expect(openOf(a, b)).toEqual([4, 4]);
  });

  it("follow the demand within two seconds, and never leave a gateway without one", async () => {
    const rows = new FakeRows();
    const [a, b] = [new FakeGateway(rows, "a"), new FakeGateway(rows, "b")];
    await seconds(2, a, b);
    a.demands = [need(100)];
    await seconds(2, b, a);
    expect(openOf(a, b)).toEqual([7, 1]);
    [a.demands, b.demands] = [[], [need(100)]];
    await seconds(8, a, b);
    expect(openOf(a, b)).toEqual([1, 7]);
  });

  it("are given back only when the surplus is closed", async () => {
    const rows = new FakeRows();
    const a = new FakeGateway(rows, "a");
    await a.leases.renew();
    a.isBusy = true;
    const b = new FakeGateway(rows, "b");
    await seconds(3, b, a);
    expect([a.limit, a.surplus, rows.held("a"), b.open]).toEqual([4, 4, 8, 0]);
    a.surplus = 1;
    await seconds(1, a, b);
    expect([rows.held("a"), b.open]).toEqual([5, 3]);
    a.surplus = 0;
    await seconds(1, a, b);
    expect([rows.held("a"), b.open]).toEqual([4, 4]);
  });

  it("are given back by a gateway that stops, and those of an upstream that it no longer has", async () => {
    const rows = new FakeRows();
    const [a, b] = [new FakeGateway(rows, "a"), new FakeGateway(rows, "b")];
    await seconds(2, a, b);
    a.leases.remove("ocs", a.board);
    await a.leases.close();
    await seconds(1, b);
    expect([rows.held("a"), b.open]).toEqual([0, 8]);
  });

  it("fall to one at a gateway that is cut off; others take the rest when it has surely closed them", async () => {
    const rows = new FakeRows();
    const [a, b] = [new FakeGateway(rows, "a"), new FakeGateway(rows, "b")];
    await seconds(2, a, b);
    a.link.fault = "cut";
    a.isBusy = true;
    await seconds(9, a, b);
    expect([openOf(a, b), a.events]).toEqual([[4, 4], []]);
    await seconds(1, a, b);
    expect([a.limit, a.surplus, a.events]).toEqual([1, 3, ["lane-lease-lost"]]);
    await seconds(17, a, b);
    expect(openOf(a, b)).toEqual([1, 4]);
    await seconds(Math.ceil((EXPIRES_MS - 26_000) / 1000), a, b);
    expect(openOf(a, b)).toEqual([1, 7]);
    expect(b.leases.states()).toEqual([{ upstream: "ocs", held: 7, total: 8, reserved: 1, isLeased: true }]);
    a.link.fault = "none";
    await seconds(3, a, b);
    expect([openOf(a, b), a.events]).toEqual([
      [4, 4],
      ["lane-lease-lost", "lane-lease-regained"],
    ]);
  });

  it("are not used after their lease by a process that was stopped meanwhile", async () => {
    const rows = new FakeRows();
    const [a, b] = [new FakeGateway(rows, "a"), new FakeGateway(rows, "b")];
    await seconds(2, a, b);
    await seconds(60, b);
    a.clock += 60_000;
    a.isBusy = true;
    expect(openOf(a, b)).toEqual([4, 7]);
    a.leases.check();
    expect([a.limit, a.surplus]).toEqual([1, 0]);
  });

  it("stay at one each while the database is away from all, and come back with it", async () => {
    const rows = new FakeRows();
    const [a, b] = [new FakeGateway(rows, "a"), new FakeGateway(rows, "b")];
    await seconds(2, a, b);
    [a.link.fault, b.link.fault] = ["cut", "cut"];
    await seconds(600, a, b);
    expect(openOf(a, b)).toEqual([1, 1]);
    [a.link.fault, b.link.fault] = ["none", "none"];
    await seconds(2, a, b);
    expect(openOf(a, b)).toEqual([4, 4]);
  });

  it.each([
    ["forgotten", (rows: FakeRows) => void rows.nodes.delete("a")],
    ["noted as stopped", (rows: FakeRows) => void (rows.nodes.get("a")!.isStopped = true)],
    ["replaced by another run", (rows: FakeRows) => void rows.nodes.set("a", { instance: "a-2", isStopped: false })],
  ])("of a dead gateway are all free once it is %s, but not before its lease has ended", async (_what, end) => {
    const rows = new FakeRows();
    const [a, b] = [new FakeGateway(rows, "a"), new FakeGateway(rows, "b")];
    await seconds(2, a, b);
    end(rows);
    await seconds(27, b);
    expect(b.open).toBe(4);
    await seconds(5, b);
    expect(b.open).toBe(8);
  });

  it.each([
    ["all, if the former process is over for certain", "journal", "journal", 4],
    ["the one of the name, if it may still run", "journal", "another journal", 1],
    ["the one of the name, without a lock", undefined, undefined, 1],
  ])("of a killed gateway go to the next run of its name: %s", async (_what, before, after, expected) => {
    const rows = new FakeRows();
    const [a, b] = [new FakeGateway(rows, "a", { ...(before && { lock: before }) }), new FakeGateway(rows, "b")];
    await seconds(2, a, b);
    const again = new FakeGateway(rows, "a", { instance: "a-2", ...(after && { lock: after }) });
    await again.leases.renew();
    expect([again.open, rows.sum]).toEqual([expected, 8]);
    await seconds(32, again, b);
    expect(openOf(again, b)).toEqual([4, 4]);
  });

  it("keep to the smallest number of the gateways that live", async () => {
    const rows = new FakeRows();
    const [a, b] = [new FakeGateway(rows, "a"), new FakeGateway(rows, "b")];
    await seconds(2, a, b);
    a.leases.configure("ocs", { total: 4, grace: GRACE_MS });
    await seconds(2, a, b);
    expect(openOf(a, b)).toEqual([2, 2]);
    b.leases.configure("ocs", { total: 4, grace: GRACE_MS });
    a.leases.configure("ocs", { total: 6, grace: GRACE_MS });
    await seconds(2, a, b);
    expect(openOf(a, b)).toEqual([2, 2]);
    b.leases.configure("ocs", { total: 6, grace: GRACE_MS });
    await seconds(2, a, b);
    expect(openOf(a, b)).toEqual([3, 3]);
  });

  it("are refused to a gateway for which none is left, and it says so once", async () => {
    const rows = new FakeRows();
    const [a, b] = [new FakeGateway(rows, "a", { total: 1 }), new FakeGateway(rows, "b", { total: 1 })];
    await seconds(4, a, b);
    expect([openOf(a, b), b.events]).toEqual([[1, 0], ["no-lane-left"]]);
  });

  it("are claimed again, and not more, when the database has lost its rows", async () => {
    const rows = new FakeRows();
    const [a, b] = [new FakeGateway(rows, "a"), new FakeGateway(rows, "b")];
    await seconds(2, a, b);
    [rows.version, rows.holders] = [0n, []];
    await seconds(3, a, b);
    expect([openOf(a, b), rows.sum]).toEqual([[4, 4], 8]);
    a.demands = [need(100)];
    await seconds(25, a, b);
    expect(openOf(a, b)).toEqual([7, 1]);
  });
});

describe("the sum of lanes", () => {
  type Step = { readonly at: number; readonly what: string; readonly by: number };
  const steps = fc.array(
    fc.record({
      at: fc.nat(2),
      what: fc.constantFrom("second", "second", "second", "late", "cut", "heal", "busy", "ended", "demand", "sleep"),
      by: fc.nat(40),
    }),
    { minLength: 20, maxLength: 120 },
  );

  const act = async (gateway: FakeGateway, all: readonly FakeGateway[], { what, by }: Step): Promise<void> => {
    if (what === "late" || what === "cut") gateway.link.fault = what;
    if (what === "heal") gateway.link.fault = "none";
    if (what === "busy") gateway.isBusy = by % 2 === 0;
    if (what === "ended") gateway.surplus = 0;
    if (what === "demand") gateway.demands = [need(by, ["A", "B"][by % 2])];
    // All clocks go on; this gateway alone does nothing meanwhile, and others may.
    if (what === "sleep") for (const each of all) each.clock += by * 100;
    if (what === "second") {
      for (const each of all) each.clock += 1000;
      // Processes that run check their lease ten times a second.
      for (const each of all) each.leases.sample();
      await gateway.leases.renew();
      if (by % 3 === 0) for (const each of all) await each.leases.renew();
    }
  };

  it("never exceeds the total, in the rows and at OCS, whatever is cut, late, busy or asleep", async () => {
    let most = 0;
    await fc.assert(
      fc.asyncProperty(steps, fc.integer({ min: 3, max: 9 }), async (all, total) => {
        const rows = new FakeRows();
        const gateways = ["a", "b", "c"].map((name) => new FakeGateway(rows, name, { total }));
        for (const step of all) {
          await act(gateways[step.at]!, gateways, step);
          const open = gateways.reduce((sum, gateway) => sum + gateway.open, 0);
          most = Math.max(most, open);
          expect(rows.sum).toBeLessThanOrEqual(total);
          if (step.what !== "sleep") expect(open).toBeLessThanOrEqual(total);
        }
      }),
      { numRuns: 150 },
    );
    expect(most).toBeGreaterThan(3);
  });
});
