import { readFile, readdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { startSegmentMaintenance } from "../../../../src/app/wiring/journal/segment-maintenance.ts";
import { runShutdown, type ShutdownSteps } from "../../../../src/app/shutdown.ts";
import { events } from "../../../../src/common/log/events.ts";
import { type Journal } from "../../../../src/journal/journal.ts";
import { openJournal } from "../../../../src/journal/write/open-journal.ts";
import { createCheckpoints } from "../../../../src/journal/integrity/checkpoints/checkpoint.ts";
import { audit } from "../../../../src/settings/schema/audit.ts";
import type { Settings } from "../../../../src/settings/schema/schema.ts";
import { aDirectory, aKey, anIntent, ORIGIN, removeDirectory } from "../../../journal/kit.ts";

const DAY = 86_400_000;
/** Enough for a busy machine; the gateway rests nine times as long as it worked on each segment. */
const SOON = { timeout: 30_000 };
let dir: string;
let journal: Journal;
let stops: ShutdownSteps;

/** One segment for each of these days. */
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
  await runShutdown(stops);
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

describe("the segment maintenance of a running gateway", () => {
  it("compresses the segments that are old enough, and leaves the others", { timeout: 40_000 }, async () => {
    const compressed = vi.spyOn(events, "segmentsCompressed").mockImplementation(() => undefined);
    startSegmentMaintenance({ journal, current: current(2.5 * DAY) }, stops);
    await expect
      .poll(() => compressed.mock.calls, SOON)
      .toEqual([[{ segments: 1, before: expect.any(Number), after: expect.any(Number) }]]);
    expect(await formsOf()).toEqual(["jsonl.zst", "jsonl", "jsonl", "jsonl"]);
  });

  it(
    "gives each sealed segment an index of its own, and removes those of deleted ones",
    { timeout: 40_000 },
    async () => {
      const indexes = async (): Promise<string[]> =>
        (await readdir(join(dir, "index")).catch(() => [])).filter((name) => /^\d{12}\.sqlite$/.test(name)).toSorted();
      startSegmentMaintenance({ journal, current: current("never") }, stops);
      await expect.poll(indexes, SOON).toEqual(["000000000000.sqlite", "000000000001.sqlite", "000000000002.sqlite"]);
      await runShutdown(stops.splice(0));
      for (const ending of ["jsonl", "hashes"]) await rm(join(dir, `segments/000000000000.${ending}`));
      startSegmentMaintenance({ journal, current: current("never") }, stops);
      await expect.poll(indexes, SOON).toEqual(["000000000001.sqlite", "000000000002.sqlite"]);
    },
  );

  it("compresses nothing if the config says never", async () => {
    startSegmentMaintenance({ journal, current: current("never") }, stops);
    await runShutdown(stops.splice(0));
    expect(await formsOf()).toEqual(["jsonl", "jsonl", "jsonl", "jsonl"]);
  });

  it("names a segment whose lines were changed, and continues with the others", { timeout: 40_000 }, async () => {
    const path = join(dir, "segments/000000000001.jsonl");
    await writeFile(path, (await readFile(path, "utf8")).replace("alpha-crm", "alpha-crl"));
    const failed = vi.spyOn(events, "compressionFailed").mockImplementation(() => undefined);
    const compressed = vi.spyOn(events, "segmentsCompressed").mockImplementation(() => undefined);
    startSegmentMaintenance({ journal, current: current(1) }, stops);
    await expect.poll(() => compressed.mock.calls.length, SOON).toBe(1);
    expect(failed.mock.calls).toEqual([
      [{ reason: expect.stringContaining("000000000001.jsonl line 1 does not match its leaf hash") }],
    ]);
    expect(await formsOf()).toEqual(["jsonl.zst", "jsonl", "jsonl.zst", "jsonl"]);
  });

  it("extends the tree above the leaf hashes up to the last checkpoint", async () => {
    await Promise.all(Array.from({ length: 600 }, (_, number) => journal.append(anIntent(100 + number))));
    const checkpoints = await createCheckpoints(journal, { key: aKey(), origin: ORIGIN, everyMs: 3_600_000 });
    await checkpoints.stop();
    startSegmentMaintenance({ journal, current: current("never") }, stops);
    await expect.poll(async () => (await readFile(join(dir, "tiles/1")).catch(() => "")).length, SOON).toBe(2 * 32);
  }, 40_000);

  it("reports leaf hashes that do not match the signed root, and still compresses", async () => {
    const failed = vi.spyOn(events, "hashTilesNotWritten").mockImplementation(() => undefined);
    vi.spyOn(events, "compressionFailed").mockImplementation(() => undefined);
    vi.spyOn(events, "segmentsCompressed").mockImplementation(() => undefined);
    const checkpoints = await createCheckpoints(journal, { key: aKey(), origin: ORIGIN, everyMs: 3_600_000 });
    await checkpoints.stop();
    await writeFile(join(dir, "segments/000000000001.hashes"), Buffer.alloc(32));
    startSegmentMaintenance({ journal, current: current(1) }, stops);
    await expect
      .poll(() => failed.mock.calls, SOON)
      .toEqual([[{ reason: expect.stringContaining("do not have the root that checkpoint 4 signed") }]]);
    await expect.poll(async () => (await formsOf())[0], SOON).toBe("jsonl.zst");
  }, 40_000);

  it("stops at once when the gateway stops", async () => {
    startSegmentMaintenance({ journal, current: current(1) }, stops);
    await runShutdown(stops.splice(0));
    expect((await formsOf()).some((form) => form.endsWith(".tmp"))).toBe(false);
  });
});

describe("audit.compress_after", () => {
  it.each([
    ["12h", DAY / 2],
    ["never", "never"],
  ])("accepts %s", (given, read) => expect(audit.shape.compress_after.parse(given)).toBe(read));
  it.each(["always", "0s", ""])("rejects %j", (given) => {
    expect(audit.shape.compress_after.safeParse(given).error?.issues[0]?.message).toBe(
      "expected a duration, for example 1d, or never",
    );
  });
  it("is one day by default", () => expect(audit.shape.compress_after.parse(undefined)).toBe(DAY));
});
