import { readdir, readFile, writeFile } from "node:fs/promises";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { Keep } from "../../../../src/journal/segments/retention/due-segments.ts";
import { leaveRemainders } from "../../../../src/journal/segments/retention/remainder.ts";
import { startRetention, type Retention } from "../../../../src/app/wiring/journal/retention.ts";
import { runShutdown, type ShutdownSteps } from "../../../../src/app/shutdown.ts";
import { events } from "../../../../src/common/log/events.ts";
import { type Journal } from "../../../../src/journal/journal.ts";
import { openJournal } from "../../../../src/journal/write/open-journal.ts";
import { createCheckpoints } from "../../../../src/journal/integrity/checkpoints/checkpoint.ts";
import { OpenDoNotCalls } from "../../../../src/journal/open-dnc/open-dnc-counter.ts";
import { readEntries } from "../../../../src/journal/read/read-entries.ts";
import type { Settings } from "../../../../src/settings/schema/schema.ts";
import {
  ORIGIN,
  aDirectory,
  aKey,
  anIntent,
  aRefusal,
  checkpointsOf,
  removeDirectory,
  segmentsOf,
} from "../../../journal/kit.ts";

const HOUR = 3_600_000;
const DAY = 24 * HOUR;
const START = Date.parse("2026-01-01T12:00:00Z");
let dir: string;
let journal: Journal;
let retention: Retention;
let known: boolean;
let [wall, steady] = [START, 0];
let failed: ReturnType<typeof vi.spyOn>;
const stops: ShutdownSteps = [];
const key = aKey();

/** `fromState`: reads the entries above the newest start state, as a gateway does. */
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
/** Advances both clocks, and runs what becomes due. */
const pass = async (ms: number): Promise<void> => {
  const [until, ahead] = [steady + ms, wall - steady];
  while (next && next.at <= until) {
    const { run, at } = next;
    [steady, wall, next] = [at, at + ahead, undefined];
    await run();
  }
  [steady, wall] = [until, until + ahead];
};
/** Starts a gateway one day later; the last entry is from the day before. */
const start = async (keep: Keep = { default: 30 * DAY }): Promise<void> => {
  const checkpoints = await createCheckpoints(journal, { key, origin: ORIGIN, everyMs: HOUR });
  stops.push(() => checkpoints.stop());
  await journal.append({ kind: "start", format: 2, version: "1", pid: 1 });
  const openDoNotCalls = new OpenDoNotCalls();
  await openDoNotCalls.start({ size: journal.status().size, count: 0, tenants: [], rows: "" });
  const current = () =>
    ({
      audit: { retention: keep, legal_hold: [], checkpoint: { every: 60_000 } },
    }) as unknown as Settings;
  retention = await startRetention(
    { journal, checkpoints, openDoNotCalls, known: () => Promise.resolve(known), current, later },
    stops,
  );
};

/** One segment for each of 40 days; those of the first nine or ten days are older than 30 days. */
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
  await runShutdown(stops);
  await journal.close();
  await removeDirectory(dir);
  vi.restoreAllMocks();
});

describe("retention of a running gateway", () => {
  it("deletes nothing in the first hour, then at most as many days as have passed and one", async () => {
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

  it("deletes everything that is due after a user confirmed the clock, and journals the user", async () => {
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
    "deletes nothing after a start with the clock %s ahead (%i ms), nor after a restart %s, until a user confirms it",
    async (_what, ahead, _from, fromState) => {
      const all = (await segmentsOf(dir)).length;
      wall += ahead;
      await start();
      await pass(13 * HOUR);
      expect((await segmentsOf(dir)).length).toBeGreaterThanOrEqual(all);
      expect(retention.warnings()).toEqual([expect.stringContaining("ocsgw audit retention -c FILE --confirm-clock")]);
      expect(failed).toHaveBeenCalledWith({ reason: expect.stringContaining("the clock jumped from") as string });
      await runShutdown(stops);
      await journal.close();
      await open({ fromState });
      expect(journal.openedFrom.at > 0, JSON.stringify(journal.openedFrom)).toBe(fromState);
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

  it("deletes nothing after the clock jumped forward, until it is set back", async () => {
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

  it("deletes nothing while the open Do-Not-Calls are unknown, and tries again soon", async () => {
    known = false;
    await start();
    await pass(2 * HOUR);
    expect(await segmentsOf(dir)).toContain("000000000000.jsonl");
    expect(retention.warnings()).toEqual([expect.stringContaining("the open Do-Not-Calls are unknown")]);
    known = true;
    await pass(HOUR);
    expect(await segmentsOf(dir)).not.toContain("000000000000.jsonl");
    expect(retention.warnings()).toEqual([]);
  });

  it("logs no failure when the open Do-Not-Calls become unknown during a deletion, and looks again soon", async () => {
    await start();
    const below = vi.spyOn(OpenDoNotCalls.prototype, "below").mockReturnValue(undefined);
    await pass(2 * HOUR);
    expect(await segmentsOf(dir)).toContain("000000000000.jsonl");
    expect(retention.warnings()).toEqual([expect.stringContaining("not known yet which Do-Not-Calls are open")]);
    below.mockRestore();
    await pass(HOUR);
    expect(await segmentsOf(dir)).not.toContain("000000000000.jsonl");
    expect(failed).not.toHaveBeenCalled();
  });

  it("deletes entries of a kind with a shorter time first, at most as many days as have passed and one", async () => {
    await journal.close();
    await removeDirectory(dir);
    [wall, steady] = [START, 0];
    await open();
    for (let day = 0; day < 12; day++) {
      for (const entry of [anIntent(2 * day), aRefusal(day), anIntent(2 * day + 1)]) await journal.append(entry);
      [wall, steady] = [wall + DAY - 1000, steady + DAY - 1000];
    }
    await journal.close();
    wall -= DAY / 2;
    await open();
    await start({ default: 400 * DAY, refusal: 5 * DAY });
    await pass(HOUR - 1000);
    expect(retention.deleted()).toBe(0);
    await pass(2000);
    expect(retention.deleted()).toBe(1);
    await pass(12 * HOUR);
    expect(retention.deleted()).toBe(3);
    expect((await segmentsOf(dir)).slice(0, 2)).toEqual(["000000000009.jsonl", "000000000012.jsonl"]);
    expect(failed).not.toHaveBeenCalled();
  });

  it("deletes expired segments although a later one, whose entries of a kind were to go, is damaged", async () => {
    await journal.close();
    await removeDirectory(dir);
    [wall, steady] = [START, 0];
    await open();
    for (let day = 0; day < 12; day++) {
      for (const entry of [anIntent(2 * day), aRefusal(day), anIntent(2 * day + 1)]) await journal.append(entry);
      [wall, steady] = [wall + DAY - 1000, steady + DAY - 1000];
    }
    const checkpoints = await createCheckpoints(journal, { key, origin: ORIGIN, everyMs: HOUR });
    let asked = 0;
    const isStopped = (): boolean => ++asked > 3;
    const keep = { default: 400 * DAY, refusal: 5 * DAY };
    await leaveRemainders({ journal, checkpoints, keep, holds: [], now: () => wall, isStopped });
    await checkpoints.stop();
    expect(journal.lastDeleted()!.entry.remainders!.map(({ from }) => from)).toEqual([0, 3, 6]);
    const path = `${dir}/segments/000000000006.jsonl`;
    await writeFile(path, (await readFile(path, "utf8")).replace("OCSGW-2001", "OCSGW-2004"));
    await start({ default: 10.5 * DAY, refusal: 5 * DAY });
    await pass(HOUR + 1000);
    expect((await readdir(`${dir}/segments`)).filter((name) => name.includes(".jsonl")).slice(0, 2)).toEqual([
      "000000000003.jsonl.zst",
      "000000000006.jsonl",
    ]);
    expect(failed.mock.lastCall).toMatchObject([{ reason: expect.stringContaining("line 2 of 000000000006.jsonl") }]);
  });

  it("keeps every checkpoint while the clock is not trusted", async () => {
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
