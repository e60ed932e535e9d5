import { describe, expect, it } from "vitest";
import { atLeast, atMost } from "./report.ts";
import { jain, median, quantile } from "./statistics.ts";

describe("statistics", () => {
  it("takes a quantile by nearest rank, whatever the order", () => {
    const values = Array.from({ length: 100 }, (_, index) => 100 - index);
    expect([quantile(values, 0.5), quantile(values, 0.99), quantile(values, 1), quantile([7], 0.99)]).toEqual([50, 99, 100, 7]);
    expect(quantile([], 0.5)).toBeNaN();
  });

  it("takes the middle of an odd count, and the mean of the two in the middle of an even one", () => {
    expect([median([9, 1, 5]), median([4, 1, 3, 2]), median([6])]).toEqual([5, 2.5, 6]);
    expect(median([])).toBeNaN();
  });

  it("gives 1 for equal shares and 1/n where one has everything", () => {
    expect([jain([3, 3, 3, 3]), jain([8, 0, 0, 0])]).toEqual([1, 0.25]);
    expect(jain([2, 1])).toBeCloseTo(0.9);
  });
});

describe("a goal", () => {
  it("is met up to its limit and not beyond", () => {
    expect([atMost("cost", 0.6, 0.6).met, atMost("cost", 0.61, 0.6).met, atLeast("index", 0.99, 0.99).met, atLeast("index", 0.98, 0.99).met]).toEqual([true, false, true, false]);
  });

  it("is not met by what could not be measured", () => {
    expect([atMost("cost", Number.NaN, 1).met, atLeast("index", Number.NaN, 0).met]).toEqual([false, false]);
  });
});
