import { describe, expect, it } from "vitest";
import { createTokenCache } from "../../src/identity/token-cache.ts";

const identity = { client: "ors-main", credential: { kind: "jwt", id: "one" } } as const;
const MINUTE = 60_000;

const aMemory = (capacity?: number) => {
  const clock = { now: 1_000_000 };
  return { clock, ...createTokenCache({ now: () => clock.now, ...(capacity !== undefined && { capacity }) }) };
};

describe("the token cache", () => {
  it("keeps a token for a minute", () => {
    const { clock, set, get } = aMemory();
    set("a", identity, clock.now + 10 * MINUTE);
    clock.now += MINUTE - 1;
    expect(get("a")).toBe(identity);
    clock.now += 1;
    expect(get("a")).toBeUndefined();
  });

  it("keeps no token past its exp", () => {
    const { clock, set, get } = aMemory();
    set("a", identity, clock.now + 5000);
    clock.now += 4999;
    expect(get("a")).toBe(identity);
    clock.now += 1;
    expect(get("a")).toBeUndefined();
  });

  it("does not keep a token that is valid only because of the clock skew", () => {
    const { clock, set, get } = aMemory();
    set("a", identity, clock.now);
    expect(get("a")).toBeUndefined();
  });

  it("drops a token permanently when the clock is set back", () => {
    const { clock, set, get } = aMemory();
    set("a", identity, clock.now + 10 * MINUTE);
    clock.now -= 1;
    expect(get("a")).toBeUndefined();
    clock.now += 1;
    expect(get("a")).toBeUndefined();
  });

  it("drops the oldest token when it is full", () => {
    const { clock, set, get } = aMemory(3);
    for (const name of ["a", "b", "c", "a", "d"]) set(name, identity, clock.now + MINUTE);
    expect(["a", "b", "c", "d"].map((name) => get(name) !== undefined)).toEqual([true, false, true, true]);
  });

  it("can be emptied", () => {
    const { clock, set, get, clear } = aMemory();
    set("a", identity, clock.now + MINUTE);
    clear();
    expect(get("a")).toBeUndefined();
  });
});
