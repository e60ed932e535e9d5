import { afterEach, describe, expect, it, vi } from "vitest";
import { ServiceTime } from "../../src/upstream/service-time.ts";

const DAY_MS = 86_400_000;
afterEach(() => void vi.restoreAllMocks());

describe("the service time of lanes", () => {
  it("distinguishes two requests that begin at the same instant", () => {
    const now = vi.spyOn(performance, "now").mockReturnValue(400 * DAY_MS);
    const pace = new ServiceTime();
    for (let round = 0; round < 8; round++) {
      const [one, other] = [pace.begin(), pace.begin()];
      now.mockReturnValue(performance.now() + 100);
      pace.end(one, true);
      pace.end(other, true);
    }
    expect(pace.perRequest).toBeCloseTo(100);
  });

  it("rises with the age of the oldest request in flight", () => {
    const now = vi.spyOn(performance, "now").mockReturnValue(0);
    const pace = new ServiceTime();
    for (let round = 0; round < 16; round++) pace.end(pace.begin(), true);
    expect(pace.perRequest).toBe(0);
    pace.begin();
    const younger = pace.begin();
    now.mockReturnValue(3000);
    pace.end(younger, false);
    expect(pace.perRequest).toBe(1500);
  });

  it.each([
    ["a pause of this process for half a second is ignored", 500, 10],
    ["so does one that is as short as a second", 999, 10],
    ["what runs for longer is a sign", 1000, 500],
  ])("is the measured one while requests in flight are young: %s", (_what, age, expected) => {
    const now = vi.spyOn(performance, "now").mockReturnValue(0);
    const pace = new ServiceTime();
    for (let round = 0; round < 16; round++) {
      const started = pace.begin();
      now.mockReturnValue(performance.now() + 10);
      pace.end(started, true);
    }
    for (let lane = 0; lane < 4; lane++) pace.begin();
    now.mockReturnValue(performance.now() + age);
    expect(pace.perRequest).toBeCloseTo(expected);
  });

  it("is not determined by one stuck lane while others are quick, but is when all are stuck", () => {
    const now = vi.spyOn(performance, "now").mockReturnValue(0);
    const pace = new ServiceTime();
    for (let round = 0; round < 16; round++) {
      const started = pace.begin();
      now.mockReturnValue(performance.now() + 10);
      pace.end(started, true);
    }
    pace.begin();
    now.mockReturnValue(performance.now() + 12_000);
    for (let lane = 0; lane < 3; lane++) pace.begin();
    expect(pace.perRequest).toBeLessThan(15);
    now.mockReturnValue(performance.now() + 12_000);
    expect(pace.perRequest).toBeGreaterThan(5000);
  });
});
