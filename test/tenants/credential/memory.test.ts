import { describe, expect, it } from "vitest";
import { createMemory } from "../../../src/tenants/credential/memory.ts";

const identity = { client: "ors-main", credential: { kind: "jwt", id: "one" } } as const;
const MINUTE = 60_000;

const aMemory = (capacity?: number) => {
  const clock = { now: 1_000_000 };
  return { clock, ...createMemory({ now: () => clock.now, ...(capacity !== undefined && { capacity }) }) };
};

describe("the memory of verified tokens", () => {
  it("holds for a minute", () => {
    const { clock, keep, recall } = aMemory();
    keep("a", identity, clock.now + 10 * MINUTE);
    clock.now += MINUTE - 1;
    expect(recall("a")).toBe(identity);
    clock.now += 1;
    expect(recall("a")).toBeUndefined();
  });

  it("never holds past exp", () => {
    const { clock, keep, recall } = aMemory();
    keep("a", identity, clock.now + 5000);
    clock.now += 4999;
    expect(recall("a")).toBe(identity);
    clock.now += 1;
    expect(recall("a")).toBeUndefined();
  });

  it("does not take up a token that lives by the skew alone", () => {
    const { clock, keep, recall } = aMemory();
    keep("a", identity, clock.now);
    expect(recall("a")).toBeUndefined();
  });

  it("forgets when the clock is set back, and stays so", () => {
    const { clock, keep, recall } = aMemory();
    keep("a", identity, clock.now + 10 * MINUTE);
    clock.now -= 1;
    expect(recall("a")).toBeUndefined();
    clock.now += 1;
    expect(recall("a")).toBeUndefined();
  });

  it("drops the oldest when it is full", () => {
    const { clock, keep, recall } = aMemory(3);
    for (const name of ["a", "b", "c", "a", "d"]) keep(name, identity, clock.now + MINUTE);
    expect(["a", "b", "c", "d"].map((name) => recall(name) !== undefined)).toEqual([true, false, true, true]);
  });

  it("can be emptied", () => {
    const { clock, keep, recall, clear } = aMemory();
    keep("a", identity, clock.now + MINUTE);
    clear();
    expect(recall("a")).toBeUndefined();
  });
});
