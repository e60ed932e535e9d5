import { describe, expect, it } from "vitest";
import { timeOfUlid, ulid } from "../../src/common/ulid.ts";

describe("ulid", () => {
  it.each([
    // The example of the specification (github.com/ulid/spec), and both ends of 48 bits.
    [1_469_918_176_385, "01ARYZ6S41"],
    [0, "0000000000"],
    [2 ** 48 - 1, "7ZZZZZZZZZ"],
  ])("encodes millisecond %i as %s, and gives it back", (now, digits) => {
    expect(ulid(now)).toMatch(new RegExp(`^${digits}[0-9A-HJKMNP-TV-Z]{16}$`));
    expect(timeOfUlid(ulid(now))).toBe(now);
  });

  it("sorts by time, regardless of the order of calls", () => {
    const times = [5, 3, 4, 3, 1_700_000_000_000, 5];
    const ids = times.map((now) => ulid(now));
    expect(ids.map((id) => id.slice(0, 10)).toSorted()).toEqual(
      times.toSorted((a, b) => a - b).map((now) => ulid(now).slice(0, 10)),
    );
  });

  it("is unique, also within a millisecond and over many refills of the random pool", () => {
    expect(new Set(Array.from({ length: 10_000 }, () => ulid(1))).size).toBe(10_000);
  });
});
