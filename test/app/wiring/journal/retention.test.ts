import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { startRetention, type Retention } from "../../src/assemble/retention.ts";
import { undo, type Stops } from "../../src/assemble/stops.ts";
import { events } from "../../src/events.ts";
import { openJournal, type Journal } from "../../src/journal/append.ts";
import { createCheckpoints } from "../../src/journal/checkpoint.ts";
import { OpenDoNotCalls } from "../../src/journal/open-do-not-calls.ts";
import { readEntries } from "../../src/journal/read.ts";
import type { Settings } from "../../src/settings/schema.ts";
import { ORIGIN, aDirectory, aKey, anIntent, checkpointsOf, removeDirectory, segmentsOf } from "../journal/kit.ts";

const HOUR = 3_600_000;
const DAY = 24 * HOUR;
const START = Date.parse("2026-01-01T12:00:00Z");
let dir: string;
let journal: Journal;
let retention: Retention;
let known: boolean;
let [wall, steady] = [START, 0];
let failed: ReturnType<typeof vi.spyOn>;
const stops: Stops = [];
const key = aKey();

/** `fromState`: as a gateway does, which reads what is above the newest start state. */
const open = async ({ fromState = false } = {}): Promise<void> => {
  journal = await openJournal({
    dir,
    durability: "os",
    ...(fromState && { states: { key, origin: ORIGIN } }),
    clocks: { wall: () => wall * 1000, steady: () => steady * 1000 },
  });
};
let next: { readonly run: () => Promise<void>; readonly at: number } | undefined;
const later = (run: () => Promise<void>, ms: number): (() => void) => {
  const own = (next = { run, at: steady + ms });
  return () => void (next = next === own ? undefined : next);
};
/** Time passes, on both clocks, with the looks that are due in it. */
const pass = async (ms: number): Promise<void> => {
  const [until, ahead] = [steady + ms, wall - steady];
  while (next && next.at <= until) {
    const { run, at } = next;
    [steady, wall, next] = [at, at + ahead, undefined];
    await run();
  }
  [steady, wall] = [until, until + ahead];
};
/** The gateway of a day later, of which the last entry is from the day before. */
const start = async (days = 30): Promise<void> => {
  const checkpoints = await createCheckpoints(journal, { key, origin: ORIGIN, everyMs: HOUR });
  stops.push(() => checkpoints.stop());
  await journal.append({ kind: "start", format: 2, version: "1", pid: 1 });
  const openDoNotCalls = new OpenDoNotCalls();
  await openDoNotCalls.start({ size: journal.status().size, count: 0, tenants: [], rows: "" });
  const current = () =>
    ({
      audit: { retention: { default: days * DAY }, legal_hold: [], checkpoint: { every: 60_000 } },
    }) as unknown as Settings;
  retention = await startRetention(
    { journal, checkpoints, openDoNotCalls, known: () => Promise.resolve(known), current, later },
    stops,
  );
};

/** A segment of each of 40 days; those of the first nine or ten are older than 30 days. */
beforeEach(async () => {
  [wall, steady, known, next] = [START, 0, true, undefined];
  failed = vi.spyOn(events, "retentionFailed").mockImplementation(() => undefined);
  dir = await aDirectory();
  await open();
  for (let day = 0; day < 40; day++) {
    await journal.append(anIntent(day));
    [wall, steady] = [wall + DAY - 1000, steady + DAY - 1000];
  }
  await journal.close();
  wall -= DAY / 2;
  await open();
});
afterEach(async () => {
  await undo(stops);
  await journal.close();
  await removeDirectory(dir);
  vi.restoreAllMocks();
});

describe("retention of a running gateway", () => {
  it("deletes nothing in the first hour, then no more than the time that passed explains", async () => {
    await start();
    const all = (await segmentsOf(dir)).length;
    await pass(HOUR - 1000);
    expect(await segmentsOf(dir)).toHaveLength(all);
    await pass(2000);
    expect((await segmentsOf(dir))[0]).toBe("000000000001.jsonl");
    await pass(6 * HOUR);
    expect((await segmentsOf(dir))[0]).toBe("000000000002.jsonl");
    expect(failed).not.toHaveBeenCalled();
  });

  it("deletes all that is due once somebody has confirmed the clock, with an entry of who", async () => {
    await start();
    const all = (await segmentsOf(dir)).length;
    expect(await retention.confirmClock("maria")).toMatchObject({ believed: true, waits: null });
    await pass(HOUR + 1000);
    expect((await segmentsOf(dir)).length).toBeLessThan(all - 5);
    expect((await Array.fromAsync(readEntries(dir))).filter(({ kind }) => kind === "clock")).toMatchObject([
      { confirmed_by: "maria", step_ms: 0 },
    ]);
  });

  it.each<[string, number, string, boolean]>(
    (
      [
        ["a day", DAY],
        ["40 days", 40 * DAY],
        ["six years", 6 * 365 * DAY],
      ] as const
    ).flatMap(([what, ahead]) => [
      [what, ahead, "from the first line", false],
      [what, ahead, "from a start state", true],
    ]),
  )(
    "deletes nothing after a start with the clock %s ahead (%i ms), nor after another one %s, until it is confirmed",
    async (_what, ahead, _from, fromState) => {
      const all = (await segmentsOf(dir)).length;
      wall += ahead;
      await start();
      await pass(13 * HOUR);
      expect((await segmentsOf(dir)).length).toBeGreaterThanOrEqual(all);
      expect(retention.warnings()).toEqual([expect.stringContaining("ocsgw audit retention --confirm-clock")]);
      expect(failed).toHaveBeenCalledWith(expect.stringContaining("the clock went from"));
      await undo(stops);
      await journal.close();
      await open({ fromState });
      expect(journal.begun.at > 0, JSON.stringify(journal.begun)).toBe(fromState);
      await start();
      await pass(13 * HOUR);
      expect(await segmentsOf(dir)).toContain("000000000000.jsonl");
      expect(retention.state()).toMatchObject({
        believed: false,
        doubt: { from: expect.stringMatching(/^2026-02-/) as string },
      });
      await retention.confirmClock("maria");
      await pass(1000);
      expect(await segmentsOf(dir)).not.toContain("000000000000.jsonl");
      expect(retention.warnings()).toEqual([]);
    },
  );

  it("deletes nothing once the clock was set forward while it ran, until it goes back", async () => {
    await start();
    await pass(2 * HOUR);
    const left = await segmentsOf(dir);
    wall += 400 * DAY;
    await journal.append(anIntent(900));
    await pass(13 * HOUR);
    expect(await segmentsOf(dir)).toEqual(expect.arrayContaining(left));
    expect(retention.state().believed).toBe(false);
    wall -= 400 * DAY;
    await journal.append(anIntent(901));
    expect(retention.state()).toMatchObject({ believed: true, waits: null });
    await pass(7 * HOUR);
    expect(await segmentsOf(dir)).not.toContain(left[0]);
  });

  it("deletes nothing while it is not known which Do-Not-Calls are open, and looks again soon", async () => {
    known = false;
    await start();
    await pass(2 * HOUR);
    expect(await segmentsOf(dir)).toContain("000000000000.jsonl");
    expect(retention.warnings()).toEqual([expect.stringContaining("not known which Do-Not-Calls are open")]);
    known = true;
    await pass(HOUR);
    expect(await segmentsOf(dir)).not.toContain("000000000000.jsonl");
    expect(retention.warnings()).toEqual([]);
  });

  it("thins no checkpoints out while the clock is not believed", async () => {
    await start();
    for (let number = 0; number < 5; number++) {
      await journal.append(anIntent(1000 + number));
      await journal.head();
    }
    const before = await checkpointsOf(dir);
    wall += 4000 * DAY;
    await journal.append(anIntent(999));
    await pass(13 * HOUR);
    expect(await checkpointsOf(dir)).toEqual(before);
  });
});
