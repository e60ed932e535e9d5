import { describe, expect, it } from "vitest";
import { longTime, shortTime, spanOf } from "../../src/console/time.ts";

describe("a time", () => {
  const now = Date.parse("2026-11-22T13:00:00Z");
  it("of today is a clock; of another day it has the day", () => {
    expect(shortTime("2026-11-22T12:09:03.187421Z", true, now)).toBe("12:09:03.1");
    expect(shortTime("2026-11-21T12:09:03.187421Z", true, now)).toBe("2026-11-21 12:09:03.1");
    expect(shortTime("nonsense", true, now)).toBe("");
  });

  it("in full says its zone", () =>
    expect(longTime("2026-11-22T12:08:41.003Z", true)).toBe("2026-11-22 12:08:41.003 UTC"));
});

describe("a span", () => {
  it.each([
    [0.34, "0.3 ms"],
    [38.2, "38 ms"],
    [999.4, "999 ms"],
    [1234, "1.2 s"],
    [40_000, "40 s"],
    [240_000, "4 min"],
    [7_500_000, "2 h 05 min"],
    [273_600_000, "3 d 4 h"],
  ])("of %d ms is %s", (ms, text) => expect(spanOf(ms)).toBe(text));
});
