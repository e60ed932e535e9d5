/** What a running gateway does about old entries: on a thread of its own it reads them again, leaves a mark, and raises an alarm when one is damaged. */
import { existsSync } from "node:fs";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { startRereading, type Rereading } from "../../src/assemble/rereading.ts";
import { undo, type Stops } from "../../src/assemble/stops.ts";
import { nodeDisk } from "../../src/journal/disk.ts";
import { readEntries } from "../../src/journal/read.ts";
import { readMark } from "../../src/journal/reread/mark.ts";
import {
  ORIGIN,
  aJournal,
  aKey,
  aQuickDirectory,
  openWithCheckpoints,
  removeDirectory,
  type Opened,
} from "../journal/kit.ts";

const key = aKey();
const signer = { key, origin: ORIGIN };
let dir: string;
let opened: Opened;
let stops: Stops;
beforeEach(async () => {
  dir = await aQuickDirectory();
  stops = [];
  await aJournal(dir, key, { size: 11, checkpointsAt: [5, 11], segmentBytes: 1000 });
});
afterEach(async () => {
  await undo(stops);
  await opened.close();
  await removeDirectory(dir);
});

const start = async (): Promise<Rereading> => {
  opened = await openWithCheckpoints(dir, key, { segmentBytes: 1000 });
  return startRereading({ ...opened, signer, published: [], firstMs: 0 }, stops);
};

const flip = async (): Promise<void> => {
  const path = join(dir, "segments", "000000000003.jsonl");
  const bytes = await readFile(path);
  bytes[60]! ^= 4;
  await writeFile(path, bytes);
};

describe("while the gateway serves", () => {
  it("old entries are read again, and a mark says up to where they are as they were signed", async () => {
    const rereading = await start();
    expect(opened.journal.begun.at).toBe(11);
    await expect.poll(rereading.verified, { timeout: 20_000 }).toMatchObject({ size: 11 });
    await expect.poll(() => readMark({ disk: nodeDisk, dir }, signer)).toMatchObject({ size: 11, segment: 9 });
    expect(rereading.damage()).toEqual([]);
  }, 30_000);

  it("a flipped bit prevents no start: it is told as an alarm, once, and takes the mark away", async () => {
    const first = await start();
    await expect.poll(first.verified, { timeout: 20_000 }).toMatchObject({ size: 11 });
    await undo(stops);
    stops = [];
    await opened.close();
    await flip();
    // As if the day were over, after which all is read again.
    await writeFile(join(dir, "verified"), "");
    const rereading = await start();
    expect(opened.journal.begun.at).toBe(11);
    await expect
      .poll(rereading.damage, { timeout: 20_000 })
      .toEqual(["000000000003.jsonl line 1 is not as it was written, by checkpoint 5"]);
    await expect.poll(() => existsSync(join(dir, "verified"))).toBe(false);
    expect(rereading.verified()).toBeUndefined();
    await opened.journal.head();
    const alarms = (await Array.fromAsync(readEntries(dir, { from: 11 }))).filter(({ kind }) => kind === "alarm");
    expect(alarms).toMatchObject([
      {
        reason: "the journal is damaged below its last checkpoint",
        detail: "000000000003.jsonl line 1 is not as it was written, by checkpoint 5",
      },
    ]);
  }, 60_000);
});
