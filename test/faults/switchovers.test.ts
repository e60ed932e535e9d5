import { expect, it } from "vitest";
import { switchOverAndOver } from "./switchovers.ts";

it("twenty switchovers under load: nothing runs twice or is lost without a code, and OCS is found again", async () => {
  const { requests, violations, unsaid, gaps } = await switchOverAndOver({ times: 20, seed: 20_261_122, every: 150 });
  expect(violations).toEqual([]);
  expect(unsaid).toBe(0);
  expect(gaps).toHaveLength(20);
  expect(gaps.every(Number.isFinite)).toBe(true);
  expect(requests).toBeGreaterThan(500);
}, 60_000);
