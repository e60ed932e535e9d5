import fc from "fast-check";
import { afterEach, describe, expect, it, vi } from "vitest";
import { chooseLimit } from "../../../src/dry-run/learn/choose-limit.ts";
import { LimitReplay, RateMeter, WINDOWS } from "../../../src/dry-run/learn/rate-meter.ts";
import { RateWindow } from "../../../src/tenancy/rate-window.ts";

const metered = (times: readonly number[]): RateMeter => {
  const meter = new RateMeter();
  for (const at of times) meter.add(at);
  return meter;
};

/** `count` requests, one every `gap` milliseconds. */
const steady = (count: number, gap: number, from = 0): number[] =>
  Array.from({ length: count }, (_, at) => from + at * gap);

/** The most requests in a window of this length that begins with one of them. */
const exactly = (times: readonly number[], seconds: number): number =>
  Math.max(...times.map((from) => times.filter((at) => at >= from && at < from + seconds * 1000).length));

const traffic = fc
  .array(
    fc.oneof(
      { weight: 5, arbitrary: fc.integer({ min: 0, max: 400 }) },
      { weight: 1, arbitrary: fc.integer({ min: 0, max: 900_000 }) },
    ),
    { minLength: 1, maxLength: 200 },
  )
  .map((gaps) => {
    let at = 1_700_000_000_000;
    return gaps.map((gap) => (at += gap));
  });

afterEach(() => vi.useRealTimers());

describe("the rates of a stream of requests", () => {
  it("are at least the most in any window, and at most those of a window 5 % longer", () => {
    fc.assert(
      fc.property(traffic, fc.constantFrom(...WINDOWS), (times, seconds) => {
        const most = metered(times).most(seconds);
        expect(most).toBeGreaterThanOrEqual(exactly(times, seconds));
        expect(most).toBeLessThanOrEqual(exactly(times, seconds * 1.05));
      }),
      { numRuns: 200 },
    );
  });

  it("leave out the rarest thousandth", () => {
    const calm = steady(10_000, 1000);
    const meter = metered([...calm, ...steady(5, 1, calm.at(-1)! + 60_000)]);
    expect([meter.perSecond, meter.most(1)]).toEqual([2, 5]);
    expect(meter.requests).toBe(10_005);
  });

  it("know no window that they do not measure", () => {
    expect(() => metered([1]).most(7)).toThrow("no window of 7 s is measured");
    const more = new RateMeter([7]);
    more.add(1);
    expect(more.most(7)).toBe(1);
  });

  it("count a request that is written late at the oldest part of the window", () => {
    const meter = metered([100_000, 100_000, 40_000]);
    expect(meter.most(1)).toBe(3);
  });
});

describe("a limit that is chosen from what was seen", () => {
  it("refuses nothing of it in the gateway's own limiter, wherever the window begins", async () => {
    await fc.assert(
      fc.asyncProperty(traffic, fc.integer({ min: 0, max: 7_200_000 }), async (times, before) => {
        const { burst, seconds } = chooseLimit(metered(times))!;
        vi.useFakeTimers({ toFake: ["performance"] });
        const window = new RateWindow({ points: burst, seconds });
        // An earlier request lets the window begin at another time.
        await window.take();
        let now = times[0]! - before - (before % 2 === 0 ? 0 : 1);
        const left: number[] = [];
        for (const at of times) {
          vi.advanceTimersByTime(at - now);
          now = at;
          left.push((await window.take()).left);
        }
        vi.useRealTimers();
        // The earlier request itself may be in the first window.
        expect(Math.min(...left)).toBeGreaterThanOrEqual(-1);
        if (before > seconds * 1000) expect(Math.min(...left)).toBeGreaterThanOrEqual(0);
      }),
      { numRuns: 150 },
    );
  });

  it.each([
    ["a busy client", steady(20_000, 20), { rate: "80/s", burst: 160, seconds: 2 }],
    ["a quiet client", steady(1000, 10_000), { rate: "11/m", burst: 22, seconds: 120 }],
    ["a client with one request", [5], { rate: "10/m", burst: 20, seconds: 120 }],
    ["a batch once", steady(600, 10), { rate: "158/s", burst: 316, seconds: 2 }],
    ["nothing", [], undefined],
  ])("fits %s", (_, times, limit) => {
    expect(chooseLimit(metered(times))).toEqual(limit);
  });

  it("has a burst for what 0.1 % of the requests exceed", () => {
    const calm = steady(100_000, 6000);
    const batch = steady(90, 10, calm.at(-1)! + 3_600_000);
    expect(chooseLimit(metered([...calm, ...batch]))).toEqual({ rate: "17/m", burst: 170, seconds: 600 });
  });
});

describe("a limit of the config, replayed", () => {
  it("counts what it would have refused, as the limiter does", async () => {
    await fc.assert(
      fc.asyncProperty(traffic, fc.integer({ min: 1, max: 9 }), async (times, points) => {
        const limit = { points, seconds: 2 };
        const replay = new LimitReplay(limit);
        vi.useFakeTimers({ toFake: ["performance"] });
        const window = new RateWindow(limit);
        let [now, refused] = [times[0]!, 0];
        for (const at of times) {
          vi.advanceTimersByTime(at - now);
          now = at;
          replay.add(at);
          if ((await window.take()).left < 0) refused++;
        }
        vi.useRealTimers();
        expect(replay.refused).toBe(refused);
      }),
      { numRuns: 100 },
    );
  });
});
