import { readFile, readdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { startSegmentUpkeep } from "../../src/assemble/segment-upkeep.ts";
import { undo, type Stops } from "../../src/assemble/stops.ts";
import { events } from "../../src/events.ts";
import { openJournal, type Journal } from "../../src/journal/append.ts";
import { createCheckpoints } from "../../src/journal/checkpoint.ts";
import { audit } from "../../src/settings/schema-audit.ts";
import type { Settings } from "../../src/settings/schema.ts";
import { aDirectory, aKey, anIntent, ORIGIN, removeDirectory } from "../journal/kit.ts";

const DAY = 86_400_000;
/** On a machine that has other things to do; after each segment nine times as long is waited. */
const SOON = { timeout: 30_000 };
let dir: string;
let journal: Journal;
let stops: Stops;

/** A segment of each of these days. */
beforeEach(async () => {
  dir = await aDirectory();
  stops = [];
  let now = 0;
  journal = await openJournal({ dir, durability: "os", clocks: { wall: () => now * 1000, steady: () => now * 1000 } });
  for (const days of [4, 3, 2, 0]) {
    now = Date.now() - days * DAY;
    await journal.append(anIntent(days));
  }
});
afterEach(async () => {
  await undo(stops);
  await journal.close();
  await removeDirectory(dir);
  vi.restoreAllMocks();
});

const formsOf = async (): Promise<string[]> =>
  (await readdir(join(dir, "segments")))
    .filter((name) => !name.endsWith(".hashes"))
    .toSorted()
    .map((name) => name.slice(13));
const current = (compress_after: number | "never") => (): Settings =>
  ({ audit: { compress_after } }) as unknown as Settings;

describe("upkeep of the segments of a running gateway", () => {
  it("takes the segments that are old enough, and leaves the others", { timeout: 40_000 }, async () => {
    const compressed = vi.spyOn(events, "segmentsCompressed").mockImplementation(() => undefined);
    startSegmentUpkeep({ journal, current: current(2.5 * DAY) }, stops);
    await expect.poll(() => compressed.mock.calls, SOON).toEqual([[1, expect.any(Number), expect.any(Number)]]);
    expect(await formsOf()).toEqual(["jsonl.zst", "jsonl", "jsonl", "jsonl"]);
  });

  it(
    "gives each sealed segment an index of its own, and removes those of deleted ones",
    { timeout: 40_000 },
    async () => {
      const indexes = async (): Promise<string[]> =>
        (await readdir(join(dir, "index")).catch(() => [])).filter((name) => /^\d{12}\.sqlite$/.test(name)).toSorted();
      startSegmentUpkeep({ journal, current: current("never") }, stops);
      await expect.poll(indexes, SOON).toEqual(["000000000000.sqlite", "000000000001.sqlite", "000000000002.sqlite"]);
      await undo(stops.splice(0));
      for (const ending of ["jsonl", "hashes"]) await rm(join(dir, `segments/000000000000.${ending}`));
      startSegmentUpkeep({ journal, current: current("never") }, stops);
      await expect.poll(indexes, SOON).toEqual(["000000000001.sqlite", "000000000002.sqlite"]);
    },
  );

  it("compresses nothing where the config says never", async () => {
    startSegmentUpkeep({ journal, current: current("never") }, stops);
    await undo(stops.splice(0));
    expect(await formsOf()).toEqual(["jsonl", "jsonl", "jsonl", "jsonl"]);
  });

  it("names a segment whose lines were changed, and goes on with the others", { timeout: 40_000 }, async () => {
    const path = join(dir, "segments/000000000001.jsonl");
    await writeFile(path, (await readFile(path, "utf8")).replace("alpha-crm", "alpha-crl"));
    const failed = vi.spyOn(events, "compressionFailed").mockImplementation(() => undefined);
    const compressed = vi.spyOn(events, "segmentsCompressed").mockImplementation(() => undefined);
    startSegmentUpkeep({ journal, current: current(1) }, stops);
    await expect.poll(() => compressed.mock.calls.length, SOON).toBe(1);
    expect(failed.mock.calls).toEqual([
      [expect.stringContaining("000000000001.jsonl line 1 is not what its leaf hash says")],
    ]);
    expect(await formsOf()).toEqual(["jsonl.zst", "jsonl", "jsonl.zst", "jsonl"]);
  });

  it("extends the tree above the leaf hashes up to the last checkpoint", async () => {
    await Promise.all(Array.from({ length: 600 }, (_, number) => journal.append(anIntent(100 + number))));
    const checkpoints = await createCheckpoints(journal, { key: aKey(), origin: ORIGIN, everyMs: 3_600_000 });
    await checkpoints.stop();
    startSegmentUpkeep({ journal, current: current("never") }, stops);
    await expect.poll(async () => (await readFile(join(dir, "tiles/1")).catch(() => "")).length, SOON).toBe(2 * 32);
  }, 40_000);

  it("says when the leaf hashes do not lead to the signed root, and compresses all the same", async () => {
    const failed = vi.spyOn(events, "tilesFailed").mockImplementation(() => undefined);
    vi.spyOn(events, "compressionFailed").mockImplementation(() => undefined);
    vi.spyOn(events, "segmentsCompressed").mockImplementation(() => undefined);
    const checkpoints = await createCheckpoints(journal, { key: aKey(), origin: ORIGIN, everyMs: 3_600_000 });
    await checkpoints.stop();
    await writeFile(join(dir, "segments/000000000001.hashes"), Buffer.alloc(32));
    startSegmentUpkeep({ journal, current: current(1) }, stops);
    await expect
      .poll(() => failed.mock.calls, SOON)
      .toEqual([[expect.stringContaining("do not have the root that checkpoint 4 signed")]]);
    await expect.poll(async () => (await formsOf())[0], SOON).toBe("jsonl.zst");
  }, 40_000);

  it("ends at once when the gateway stops", async () => {
    startSegmentUpkeep({ journal, current: current(1) }, stops);
    await undo(stops.splice(0));
    expect((await formsOf()).some((form) => form.endsWith(".tmp"))).toBe(false);
  });
});

describe("audit.compress_after", () => {
  it.each([
    ["12h", DAY / 2],
    ["never", "never"],
  ])("%s is taken", (given, read) => expect(audit.shape.compress_after.parse(given)).toBe(read));
  it.each(["always", "0s", ""])("%j is not", (given) => {
    expect(audit.shape.compress_after.safeParse(given).error?.issues[0]?.message).toBe(
      "expected a duration, as in 1d, or never",
    );
  });
  it("is a day when it is left out", () => expect(audit.shape.compress_after.parse(undefined)).toBe(DAY));
});
