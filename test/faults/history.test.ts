import { describe, expect, it } from "vitest";
import { run } from "./run.ts";

/** FAULT_SEED runs a failed run again. */
const seed = Number(process.env.FAULT_SEED ?? Date.now() % 1_000_000);
const REQUESTS = 20_000;

describe("a gateway under fire", () => {
  it(
    "loses no acknowledgement, runs nothing twice and mixes nobody up in 20,000 requests",
    { timeout: 240_000 },
    async () => {
      const { violations, figures } = await run({ requests: REQUESTS, seed, think: 150 });
      console.log(`seed ${seed}: ${JSON.stringify(figures, undefined, 1)}`);
      expect(violations.slice(0, 20), `FAULT_SEED=${seed}`).toEqual([]);
      expect(figures.requests).toBe(REQUESTS);
      expect(
        Object.values(figures.faults).reduce((sum, count) => sum + count, 0),
        "faults that struck",
      ).toBeGreaterThanOrEqual(8);
      expect(figures.outcomes["no reply"] ?? 0, "requests without a reply").toBe(0);
      expect(figures.calm.asked, "requests in calm").toBeGreaterThan(100);
      expect(figures.calm.answered / figures.calm.asked, `answered in calm, FAULT_SEED=${seed}`).toBeGreaterThanOrEqual(
        0.99,
      );
    },
  );

  it("is seen through when tenants share connections", { timeout: 60_000 }, async () => {
    const { violations } = await run({ requests: 600, seed, think: 5, laneIsolation: "none" });
    expect(violations).not.toEqual([]);
    expect(
      violations.filter((each) => !/^H3: shared's connection \d+ served the tenants 10\d and 10\d/.test(each)),
    ).toEqual([]);
  });
});
