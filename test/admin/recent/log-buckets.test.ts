import { describe, expect, it } from "vitest";
import { bucketOf, BUCKETS, quantile } from "../../../src/admin/recent/log-buckets.ts";

const bucketsOf = (...all: readonly number[]): number[] => {
  const buckets = Array.from({ length: BUCKETS }, () => 0);
  for (const ms of all) buckets[bucketOf(ms)]!++;
  return buckets;
};

describe("a quantile", () => {
  it("is undefined without any duration, because 0 ms would be a claim", () => {
    expect(quantile(bucketsOf(), 0.95)).toBeUndefined();
  });

  it.each([0.7, 1, 3, 12, 38, 120, 999, 4000, 15_999])("of equal durations of %f ms is at most a fifth off", (ms) => {
    const found = quantile(bucketsOf(...Array.from({ length: 100 }, () => ms)), 0.5)!;
    expect(Math.abs(found / ms - 1)).toBeLessThan(0.2);
  });

  it("divides the durations: of ten short ones and one long one the median is short and the highest long", () => {
    const buckets = bucketsOf(...Array.from({ length: 10 }, () => 2), 800);
    expect(quantile(buckets, 0.5)).toBeLessThan(3);
    expect(quantile(buckets, 0.99)).toBeGreaterThan(700);
  });

  it.each([
    [0, 0],
    [0.49, 0],
    [0.5, 1],
    [0.8, 2],
    [1, 3],
    [16_383, BUCKETS - 2],
    [16_384, BUCKETS - 1],
    [Number.MAX_SAFE_INTEGER, BUCKETS - 1],
  ])("has %f ms in bucket %i", (ms, bucket) => {
    expect(bucketOf(ms)).toBe(bucket);
  });
});
