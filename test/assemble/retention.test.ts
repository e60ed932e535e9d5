import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { startRetention } from "../../src/assemble/retention.ts";
import { undo, type Stops } from "../../src/assemble/stops.ts";
import { events } from "../../src/events.ts";
import { openJournal, type Journal } from "../../src/journal/append.ts";
import { createCheckpoints } from "../../src/journal/checkpoint.ts";
import type { Settings } from "../../src/settings/schema.ts";
import { ORIGIN, aDirectory, aKey, anIntent, removeDirectory, segmentsOf } from "../journal/kit.ts";

const HOUR = 3_600_000;
const DAY = 24 * HOUR;
let dir: string;
let journal: Journal;
const stops: Stops = [];

/** A segment of each of these days. It grows old when the next one does. */
beforeEach(async () => {
  dir = await aDirectory();
  let now = 0;
  journal = await openJournal({ dir, durability: "os", clocks: { wall: () => now * 1000, steady: () => now * 1000 } });
  for (const days of [60, 40, 2, 0]) {
    now = Date.now() - days * DAY;
    await journal.append(anIntent(days));
  }
  vi.useFakeTimers({ toFake: ["Date", "setInterval", "clearInterval"] });
});
afterEach(async () => {
  vi.useRealTimers();
  await undo(stops);
  await journal.close();
  await removeDirectory(dir);
  vi.restoreAllMocks();
});

describe("retention of a running gateway", () => {
  it("deletes at the start and later, but nothing, and says so, once the clock was set forward by a day", async () => {
    const failed = vi.spyOn(events, "retentionFailed").mockImplementation(() => undefined);
    const checkpoints = await createCheckpoints(journal, { key: aKey(), origin: ORIGIN, everyMs: HOUR });
    stops.push(() => checkpoints.stop());
    const all = await segmentsOf(dir);
    expect(all).toHaveLength(4);
    let days = 30;
    await startRetention({ journal, checkpoints, current: () => ({ audit: { retention: { default: days * DAY }, legal_hold: [] } }) as unknown as Settings }, stops);
    await expect.poll(() => segmentsOf(dir)).toEqual(all.slice(1));

    vi.setSystemTime(Date.now() + 40 * DAY);
    vi.advanceTimersByTime(6 * HOUR);
    await expect.poll(() => failed.mock.calls).toEqual([[expect.stringContaining("the clock was set forward by a day or more")]]);
    expect(await segmentsOf(dir)).toEqual(all.slice(1));

    vi.setSystemTime(Date.now() - 40 * DAY);
    days = 1;
    vi.advanceTimersByTime(6 * HOUR);
    await expect.poll(() => segmentsOf(dir)).toEqual(all.slice(2));
    expect(failed.mock.calls).toHaveLength(1);
  });
});
