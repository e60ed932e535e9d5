import { describe, expect, it } from "vitest";
import { atLeast, atMost } from "./report.ts";
import { jain, median, momentsOf, pooled, quantile, welch } from "./statistics.ts";

describe("statistics", () => {
  it("takes a quantile by nearest rank, whatever the order", () => {
    const values = Array.from({ length: 100 }, (_, index) => 100 - index);
    expect([quantile(values, 0.5), quantile(values, 0.99), quantile(values, 1), quantile([7], 0.99)]).toEqual([
      50, 99, 100, 7,
    ]);
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

describe("two samples", () => {
  const sampleOf = (values: readonly number[]) => ({ n: values.length, ...momentsOf(values) });

  it("have the mean and the variance of one when they are pooled", () => {
    const [one, other] = [
      [1, 2, 3, 4],
      [10, 20, 60],
    ];
    const all = sampleOf([...one, ...other]);
    const both = pooled(sampleOf(one), sampleOf(other));
    expect([both.n, both.mean.toFixed(9), both.variance.toFixed(9)]).toEqual([
      7,
      all.mean.toFixed(9),
      all.variance.toFixed(9),
    ]);
  });

  it("are distinguished by Welch's t, in the unit of what chance would do", () => {
    // By hand: means 3 and 5, variances 2.5 and 2.5, five values each.
    expect(welch(sampleOf([1, 2, 3, 4, 5]), sampleOf([3, 4, 5, 6, 7]))).toBeCloseTo(-2, 9);
    expect(welch(sampleOf([1, 2, 3]), sampleOf([1, 2, 3]))).toBe(0);
  });
});

describe("a goal", () => {
  it("is met up to its limit and not beyond", () => {
    expect([
      atMost("cost", 0.6, 0.6).met,
      atMost("cost", 0.61, 0.6).met,
      atLeast("index", 0.99, 0.99).met,
      atLeast("index", 0.98, 0.99).met,
    ]).toEqual([true, false, true, false]);
  });

  it("is not met by what could not be measured", () => {
    expect([atMost("cost", Number.NaN, 1).met, atLeast("index", Number.NaN, 0).met]).toEqual([false, false]);
  });
});
