import { describe, expect, it } from "vitest";
import { soonFrom } from "../../../src/common/x509/life.ts";

const DAY = 86_400_000;

describe("soonFrom", () => {
  it.each([
    ["two weeks before the end of a year", 365, 351],
    ["two weeks before the end of six weeks", 42, 28],
    ["at two thirds of three days", 3, 2],
    ["at two thirds of an hour", 1 / 24, 2 / 72],
  ])("is %s", (_what, days, from) => {
    expect(soonFrom(0, days * DAY)).toBeCloseTo(from * DAY);
  });
});
