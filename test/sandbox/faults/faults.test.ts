import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { createFaults, type Faults, type FaultSpec } from "../../../src/sandbox/faults/faults.ts";
import type { World } from "../../../src/sandbox/world/world.ts";
import { subjectOf, type Subject } from "../../../src/sandbox/faults/subject.ts";
import { bytesOf } from "../../../src/common/message.ts";
import { aWorld, NOON } from "../support.ts";

let world: World;
let faults: Faults;
beforeEach(() => {
  world = aWorld();
  faults = createFaults(world);
});
afterEach(() => {
  faults.clear();
  world.close();
});

const ALPHA = { dbid: 101, name: "Alpha Tenant" };
const about = (target: string, method = "POST"): { subject: () => Subject } => ({
  subject: () => subjectOf(world, { method, target, body: bytesOf("") }),
});
const stand = (spec: FaultSpec): string => faults.add(spec, false).id;
/** Which of so many requests it strikes, as 1 and 0. */
const pattern = (turns: number, place = about("/records/15?req=RecordProcessed")): string =>
  Array.from({ length: turns }, () => (faults.strike("lost-reply", place) ? "1" : "0")).join("");

describe("a fault", () => {
  it("without selectors, strikes every request of its kind", () => {
    stand({ kind: "lost-reply" });
    expect([pattern(5), faults.strike("stall", about("/records/15?req=RecordProcessed"))]).toEqual([
      "11111",
      undefined,
    ]);
  });

  it("is reported to followers when it is added, and not when it strikes", () => {
    const followed: unknown[] = [];
    faults.follow((fault) => followed.push(fault));
    stand({ kind: "lost-reply", count: 1 });
    pattern(2);
    expect(followed).toEqual([{ id: "f1", kind: "lost-reply" }]);
  });

  it("strikes at most `count` times, and shows how many times remain", () => {
    stand({ kind: "lost-reply", count: 2 });
    expect([faults.list()[0], pattern(4), faults.list()[0]]).toMatchObject([
      { remaining: 2, state: "on" },
      "1100",
      { remaining: 0, state: "spent", fired: 2 },
    ]);
  });

  it("strikes by action and by tenant", () => {
    stand({ kind: "lost-reply", action: "RecordProcessed", tenant: ALPHA });
    const places = [
      "/records/15?req=RecordProcessed",
      "/records/15?req=RecordReject",
      "/records/41?req=RecordProcessed",
      "/nowhere",
    ];
    expect(places.map((target) => pattern(1, about(target)))).toEqual(["1", "0", "0", "0"]);
  });

  it("never strikes with probability 0, always with 1", () => {
    stand({ kind: "lost-reply", probability: { of: 0, seed: 1 } });
    expect(pattern(500)).not.toContain("1");
    stand({ kind: "lost-reply", probability: { of: 1, seed: 1 } });
    expect(pattern(500)).not.toContain("0");
  });

  it("strikes about as often as its probability says, and the same ones for the same seed", () => {
    const patterns = [7, 7, 8].map((seed) => {
      faults.clear();
      stand({ kind: "lost-reply", probability: { of: 0.3, seed } });
      return pattern(400);
    });
    expect(patterns[0]).toBe(patterns[1]);
    expect(patterns[0]).not.toBe(patterns[2]);
    const struck = patterns[0]!.replaceAll("0", "").length;
    expect(struck).toBeGreaterThan(90);
    expect(struck).toBeLessThan(150);
  });

  it("uses its probability only for requests that match its selectors", () => {
    const spec: FaultSpec = { kind: "lost-reply", action: "RecordProcessed", probability: { of: 0.5, seed: 3 } };
    stand(spec);
    const plain = pattern(40);
    faults.clear();
    stand(spec);
    expect(
      Array.from({ length: 40 }, () => pattern(1, about("/records/15?req=RecordReject")) + pattern(1)).join(""),
    ).toBe(plain.replaceAll(/./g, "0$&"));
  });

  it("lets the next fault of its kind strike when it is spent or its probability fails", () => {
    const [first, second] = [
      stand({ kind: "slow", value: { given: "1s", read: 1000 }, count: 1 }),
      stand({ kind: "slow", value: { given: "2s", read: 2000 } }),
    ];
    const place = about("/records/15?req=RecordProcessed");
    expect([faults.strike("slow", place), faults.strike("slow", place)]).toMatchObject([
      { id: first, value: 1000 },
      { id: second, value: 2000 },
    ]);
  });

  it("lists time and place of its last hundred firings", () => {
    stand({ kind: "lost-reply" });
    faults.strike("lost-reply", { instance: "backup", connection: 4, ...about("/records/15?req=RecordProcessed") });
    expect(faults.list()[0]!.firings).toEqual([
      {
        time: new Date(NOON).toISOString(),
        instance: "backup",
        connection: 4,
        action: "RecordProcessed",
        tenant: "Alpha Tenant",
      },
    ]);
    pattern(150);
    expect(faults.list()[0]).toMatchObject({ fired: 151 });
    expect(faults.list()[0]!.firings).toHaveLength(100);
  });

  it("releases stalled requests when it expires", async () => {
    stand({ kind: "stall", for: { given: "20ms", ms: 20 } });
    const held = faults.strike("stall", about("/records/15?req=RecordProcessed"))!;
    expect(held.over.aborted).toBe(false);
    await expect.poll(() => held.over.aborted).toBe(true);
    expect([faults.list()[0]!.state, faults.strike("stall", about("/records/15?req=RecordProcessed"))]).toEqual([
      "over",
      undefined,
    ]);
  });

  it("releases stalled requests when it is removed, but not when it is only spent", () => {
    const id = stand({ kind: "stall", count: 1 });
    const held = faults.strike("stall", about("/records/15?req=RecordProcessed"))!;
    expect([held.over.aborted, faults.remove(id), held.over.aborted, faults.remove(id), faults.list()]).toEqual([
      false,
      true,
      true,
      false,
      [],
    ]);
  });

  it("never reuses an id", () => {
    stand({ kind: "stall" });
    expect([faults.clear(), stand({ kind: "stall" }), faults.clear(), faults.clear()]).toEqual([1, "f2", 1, 0]);
  });
});

describe("an event without selectors", () => {
  it("has fired when it is added, and strikes no request", () => {
    const { firing } = faults.add({ kind: "both-down" }, true);
    expect([
      firing!.over.aborted,
      faults.strike("both-down", about("/records/15?req=RecordProcessed")),
      faults.list(),
    ]).toMatchObject([false, undefined, [{ fired: 1, state: "on" }]]);
  });

  it("is over at once when it has no duration of its own", () => {
    faults.add({ kind: "close-idle" }, true);
    faults.add({ kind: "switchover" }, true);
    expect(faults.list().map(({ state }) => state)).toEqual(["over", "over"]);
  });
});
