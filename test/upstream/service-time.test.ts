import { afterEach, describe, expect, it, vi } from "vitest";
import { Pace } from "../../src/upstream/pace.ts";

const DAY_MS = 86_400_000;
afterEach(() => void vi.restoreAllMocks());

describe("the pace of lanes", () => {
  it("tells two apart that begin in one instant, however long the gateway has been up", () => {
    const now = vi.spyOn(performance, "now").mockReturnValue(400 * DAY_MS);
    const pace = new Pace();
    for (let round = 0; round < 8; round++) {
      const [one, other] = [pace.start(), pace.start()];
      now.mockReturnValue(performance.now() + 100);
      pace.end(one, true);
      pace.end(other, true);
    }
    expect(pace.perRequest).toBeCloseTo(100);
  });

  it("takes the one that has been under way the longest for a sign of what comes", () => {
    const now = vi.spyOn(performance, "now").mockReturnValue(0);
    const pace = new Pace();
    for (let round = 0; round < 16; round++) pace.end(pace.start(), true);
    expect(pace.perRequest).toBe(0);
    pace.start();
    const younger = pace.start();
    now.mockReturnValue(3000);
    pace.end(younger, false);
    expect(pace.perRequest).toBe(1500);
  });

  it.each([
    ["half a second in which this process stood still says nothing", 500, 10],
    ["so does one that is as short as a second", 999, 10],
    ["what runs for longer is a sign", 1000, 500],
  ])("is what was seen while requests are young: %s", (_what, age, expected) => {
    const now = vi.spyOn(performance, "now").mockReturnValue(0);
    const pace = new Pace();
    for (let round = 0; round < 16; round++) {
      const started = pace.start();
      now.mockReturnValue(performance.now() + 10);
      pace.end(started, true);
    }
    for (let lane = 0; lane < 4; lane++) pace.start();
    now.mockReturnValue(performance.now() + age);
    expect(pace.perRequest).toBeCloseTo(expected);
  });

  it("is not that of the one lane that is stuck while others are quick, and is where all are", () => {
    const now = vi.spyOn(performance, "now").mockReturnValue(0);
    const pace = new Pace();
    for (let round = 0; round < 16; round++) {
      const started = pace.start();
      now.mockReturnValue(performance.now() + 10);
      pace.end(started, true);
    }
    pace.start();
    now.mockReturnValue(performance.now() + 12_000);
    for (let lane = 0; lane < 3; lane++) pace.start();
    expect(pace.perRequest).toBeLessThan(15);
    now.mockReturnValue(performance.now() + 12_000);
    expect(pace.perRequest).toBeGreaterThan(5000);
  });
});
