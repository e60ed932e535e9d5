import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { openJournal } from "../../../../src/journal/write/open-journal.ts";
import { ClockTrust, type Doubt } from "../../../../src/journal/write/clock/clock-trust.ts";
import { nodeDisk } from "../../../../src/journal/disk.ts";
import { lastEntry } from "../../../../src/journal/read/last-entry.ts";
import { readEntries } from "../../../../src/journal/read/read-entries.ts";
import { readMicros, writeMicros } from "../../../../src/journal/time.ts";
import { verifyJournal } from "../../../../src/journal/verify/verify.ts";
import { createCheckpoints } from "../../../../src/journal/integrity/checkpoints/checkpoint.ts";
import { ORIGIN, aDirectory, aKey, anIntent, removeDirectory, segmentsOf } from "../../kit.ts";

const SECOND = 1_000_000;
const DAY = 86_400 * SECOND;
const NOON = readMicros("2026-11-22T12:00:00.000000Z");

const key = aKey();
let dir: string;
beforeEach(async () => {
  dir = await aDirectory();
});
afterEach(() => removeDirectory(dir));

/** One entry at each of these moments on the wall clock, a tenth of a second apart on the steady one. */
const written = async (walls: readonly number[]): Promise<string[]> => {
  let [wall, steady] = [walls[0]!, 0];
  const journal = await openJournal({ dir, durability: "os", clocks: { wall: () => wall, steady: () => steady } });
  const checkpoints = await createCheckpoints(journal, { key, origin: ORIGIN, everyMs: 3_600_000 });
  for (const [number, next] of walls.entries()) {
    [wall, steady] = [next, steady + SECOND / 10];
    await journal.append(anIntent(number));
  }
  await checkpoints.stop();
  await journal.close();
  expect(await verifyJournal(dir, { vkey: checkpoints.verifierKey })).toMatchObject({ verdict: "ok", findings: [] });
  return (await Array.fromAsync(readEntries(dir))).map(
    (entry) => `${entry.kind === "clock" ? `clock ${entry.step_ms} ` : ""}${entry.time}`,
  );
};

describe("the times of entries", () => {
  it("do not advance while the clock is adjusted back in small steps", async () => {
    expect(await written([NOON, NOON + SECOND / 10, NOON - SECOND / 2, NOON + 1])).toEqual(
      [NOON, NOON + SECOND / 10, NOON + SECOND / 10, NOON + SECOND / 10].map(writeMicros),
    );
  });

  it("follow a clock that is set, after an entry about it", async () => {
    const [back, ahead] = [NOON - 3600 * SECOND, NOON + 3600 * SECOND];
    expect(await written([NOON, back, ahead])).toEqual([
      writeMicros(NOON),
      `clock -3600100 ${writeMicros(back)}`,
      writeMicros(back),
      `clock 7199900 ${writeMicros(ahead)}`,
      writeMicros(ahead),
    ]);
  });

  it.each([
    ["1970", 1],
    ["before 1970", -5 * SECOND + 7],
    ["2038", readMicros("2038-01-19T03:14:08.000000Z")],
  ])("follow a jump to %s and back", async (_year, far) => {
    const lines = await written([NOON, far, far + SECOND / 10, NOON]);
    expect(lines.filter((line) => line.startsWith("clock"))).toHaveLength(2);
    expect(lines.filter((line) => !line.startsWith("clock"))).toEqual(
      [NOON, far, far + SECOND / 10, NOON].map(writeMicros),
    );
  });
});

describe("each UTC day", () => {
  it("begins a segment, also after the journal is opened again", async () => {
    const midnight = NOON + DAY / 2;
    await written([NOON, midnight - 2 * SECOND, midnight - 1, midnight]);
    const days = async (): Promise<string[]> => {
      const firsts = new Set((await segmentsOf(dir)).map((name) => Number(name.slice(0, 12))));
      return (await Array.fromAsync(readEntries(dir)))
        .filter(({ index }) => firsts.has(index))
        .map(({ time }) => time.slice(0, 10));
    };
    expect(await days()).toEqual(["2026-11-22", "2026-11-23"]);
    await written([midnight + SECOND, midnight + 2 * SECOND]);
    expect(await days()).toEqual(["2026-11-22", "2026-11-23"]);
    await written([midnight + 3 * DAY]);
    expect(await days()).toEqual(["2026-11-22", "2026-11-23", "2026-11-26"]);
  });
});

describe("the trusted time", () => {
  const HOUR = 3600 * SECOND;
  type Run = { readonly wall: number; readonly entries: number };
  let [wall, steady] = [0, 0];
  const open = () => openJournal({ dir, durability: "os", clocks: { wall: () => wall, steady: () => steady } });
  const pass = (micros: number): void => void ([wall, steady] = [wall + micros, steady + micros]);
  const ran = async ({ wall: at, entries }: Run): Promise<void> => {
    wall = at;
    const journal = await open();
    for (let number = 0; number < entries; number++) {
      await journal.append(anIntent(number));
      pass(SECOND);
    }
    await journal.close();
  };

  it.each<[string, number, boolean]>([
    ["an hour later", HOUR, false],
    ["23 hours later", 23 * HOUR, false],
    ["a day later", DAY, true],
    ["six years later", 6 * 365 * DAY, true],
    ["an hour earlier", -HOUR, false],
    ["ten years earlier", -3650 * DAY, false],
  ])("is checked if the first entry is %s than the previous run's last one", async (_when, by, isDoubted) => {
    await ran({ wall: NOON, entries: 2 });
    wall = NOON + SECOND + by;
    const journal = await open();
    await journal.append(anIntent(5));
    expect(journal.believed().doubt).toEqual(isDoubted ? { from: NOON + SECOND, to: NOON + SECOND + by } : undefined);
    const entries = (await Array.fromAsync(readEntries(dir))).filter(({ kind }) => kind === "clock");
    expect(entries).toMatchObject(
      isDoubted ? [{ unconfirmed: true, step_ms: by / 1000 }] : by < 0 ? [{ step_ms: by / 1000 }] : [],
    );
    expect(entries.some((entry) => "unconfirmed" in entry)).toBe(isDoubted);
    pass(2 * HOUR);
    expect(journal.believed().now).toBe(isDoubted ? NOON + SECOND + 2 * HOUR : wall);
    await journal.close();
  });

  it("continues from the last entry in the first hour, and is the clock's time after that", async () => {
    await ran({ wall: NOON, entries: 1 });
    wall = NOON + 20 * HOUR;
    const journal = await open();
    pass(HOUR - 1);
    expect(journal.believed()).toMatchObject({ now: NOON + HOUR - 1, ran: 3_600_000 - 0.001 });
    pass(1);
    expect(journal.believed().now).toBe(NOON + 21 * HOUR);
    await journal.close();
  });

  it("stays in doubt over runs until confirmed, even if the clock agrees with the entries in doubt", async () => {
    for (const run of [
      { wall: NOON, entries: 1 },
      { wall: NOON + 2000 * DAY, entries: 1 },
      { wall: NOON + 2000 * DAY + HOUR, entries: 1 },
    ])
      await ran(run);
    const journal = await open();
    expect(journal.believed().doubt).toMatchObject({ from: NOON });
    await journal.append({
      kind: "clock",
      from: writeMicros(wall),
      to: writeMicros(wall),
      step_ms: 0,
      confirmed_by: "maria",
    });
    expect(journal.believed().doubt).toBeUndefined();
    await journal.close();
    const again = await open();
    expect(again.believed().doubt).toBeUndefined();
    await again.close();
  });

  it.each<[string, number, boolean]>([
    ["where it should be", 3 * DAY, false],
    ["somewhere else in the past", -900 * DAY, true],
    ["to another time ahead", 700 * DAY, true],
  ])("is in doubt or not after the clock was set %s", async (_where, to, isDoubted) => {
    await ran({ wall: NOON, entries: 1 });
    wall = NOON + 2000 * DAY;
    const journal = await open();
    await journal.append(anIntent(1));
    pass(3 * DAY);
    wall = NOON + to;
    await journal.append(anIntent(2));
    expect(journal.believed().doubt !== undefined).toBe(isDoubted);
    await journal.close();
  });

  it("is found after a last line of any length, and if the last segment is empty", async () => {
    wall = NOON;
    const journal = await open();
    await journal.append({ ...anIntent(0, { TEXT: "x".repeat(300_000) }) });
    await journal.close();
    expect(await lastEntry(nodeDisk, dir)).toMatchObject({ index: 0, time: NOON });
    await writeFile(join(dir, "segments/000000000001.jsonl"), "");
    expect(await lastEntry(nodeDisk, dir)).toMatchObject({ index: 0, time: NOON });
  });

  it("is restored from a start state", () => {
    const [before, after] = [new ClockTrust(), new ClockTrust()];
    before.take({ from: writeMicros(NOON), to: writeMicros(NOON + 9 * DAY), unconfirmed: true });
    after.restore(JSON.parse(JSON.stringify(before.save())) as Doubt | null);
    expect(after.doubt).toEqual({ from: NOON, to: NOON + 9 * DAY });
    after.restore(new ClockTrust().save());
    expect(after.doubt).toBeUndefined();
  });

  it("does not change when an outage writes a kept clock entry again", () => {
    const trust = new ClockTrust();
    for (let time = 0; time < 2; time++)
      trust.take({ from: writeMicros(NOON), to: writeMicros(NOON + 9 * DAY), unconfirmed: true });
    expect(trust.doubt).toEqual({ from: NOON, to: NOON + 9 * DAY });
  });
});
