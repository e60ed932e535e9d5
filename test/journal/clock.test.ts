import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { openJournal } from "../../src/journal/append.ts";
import { readEntries } from "../../src/journal/read.ts";
import { readMicros, writeMicros } from "../../src/journal/time.ts";
import { verifyJournal } from "../../src/journal/verify.ts";
import { createCheckpoints } from "../../src/journal/checkpoint.ts";
import { ORIGIN, aDirectory, aKey, anIntent, removeDirectory, segmentsOf } from "./kit.ts";

const SECOND = 1_000_000;
const DAY = 86_400 * SECOND;
const NOON = readMicros("2026-11-22T12:00:00.000000Z");

const key = aKey();
let dir: string;
beforeEach(async () => { dir = await aDirectory(); });
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
  return (await Array.fromAsync(readEntries(dir))).map((entry) => `${entry.kind === "clock" ? `clock ${entry.step_ms} ` : ""}${entry.time}`);
};

describe("the times of entries", () => {
  it("stand still while the clock is put right in small steps back", async () => {
    expect(await written([NOON, NOON + SECOND / 10, NOON - SECOND / 2, NOON + 1])).toEqual([NOON, NOON + SECOND / 10, NOON + SECOND / 10, NOON + SECOND / 10].map(writeMicros));
  });

  it("follow a clock that is set, behind an entry that says so", async () => {
    const [back, ahead] = [NOON - 3600 * SECOND, NOON + 3600 * SECOND];
    expect(await written([NOON, back, ahead])).toEqual([
      writeMicros(NOON), `clock -3600100 ${writeMicros(back)}`, writeMicros(back), `clock 7199900 ${writeMicros(ahead)}`, writeMicros(ahead),
    ]);
  });

  it.each([["1970", 1], ["before 1970", -5 * SECOND + 7], ["2038", readMicros("2038-01-19T03:14:08.000000Z")]])("go to %s and come back", async (_year, far) => {
    const lines = await written([NOON, far, far + SECOND / 10, NOON]);
    expect(lines.filter((line) => line.startsWith("clock"))).toHaveLength(2);
    expect(lines.filter((line) => !line.startsWith("clock"))).toEqual([NOON, far, far + SECOND / 10, NOON].map(writeMicros));
  });
});

describe("each UTC day", () => {
  it("has segments of its own, also after opening again", async () => {
    const midnight = NOON + DAY / 2;
    await written([NOON, midnight - 2 * SECOND, midnight - 1, midnight]);
    const days = async (): Promise<string[]> => {
      const firsts = new Set((await segmentsOf(dir)).map((name) => Number(name.slice(0, 12))));
      return (await Array.fromAsync(readEntries(dir))).filter(({ index }) => firsts.has(index)).map(({ time }) => time.slice(0, 10));
    };
    expect(await days()).toEqual(["2026-11-22", "2026-11-23"]);
    await written([midnight + SECOND, midnight + 2 * SECOND]);
    expect(await days()).toEqual(["2026-11-22", "2026-11-23"]);
    await written([midnight + 3 * DAY]);
    expect(await days()).toEqual(["2026-11-22", "2026-11-23", "2026-11-26"]);
  });
});
