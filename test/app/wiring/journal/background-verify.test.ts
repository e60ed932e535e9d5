/** How a running gateway verifies old entries on a worker thread: it writes a mark, and raises an alarm for damage. */
import { existsSync } from "node:fs";
import { mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { startBackgroundVerify, type BackgroundVerify } from "../../../../src/app/wiring/journal/background-verify.ts";
import { events } from "../../../../src/common/log/events.ts";
import { runShutdown, type ShutdownSteps } from "../../../../src/app/shutdown.ts";
import { nodeDisk } from "../../../../src/journal/disk.ts";
import { readEntries } from "../../../../src/journal/read/read-entries.ts";
import { readMark } from "../../../../src/journal/integrity/background-verify/verified-mark.ts";
import {
  ORIGIN,
  aJournal,
  aKey,
  aQuickDirectory,
  openWithCheckpoints,
  removeDirectory,
  type Opened,
} from "../../../journal/kit.ts";

const key = aKey();
const signer = { key, origin: ORIGIN };
let dir: string;
let opened: Opened;
let stops: ShutdownSteps;
beforeEach(async () => {
  dir = await aQuickDirectory();
  stops = [];
  await aJournal(dir, key, { size: 11, checkpointsAt: [5, 11], segmentBytes: 1000 });
});
afterEach(async () => {
  await runShutdown(stops);
  await opened.close();
  await removeDirectory(dir);
  vi.restoreAllMocks();
});

const start = async (times: { readonly retryMs?: number } = {}): Promise<BackgroundVerify> => {
  opened = await openWithCheckpoints(dir, key, { segmentBytes: 1000 });
  return startBackgroundVerify({ ...opened, signer, published: [], firstMs: 0, ...times }, stops);
};

const flip = async (): Promise<void> => {
  const path = join(dir, "segments", "000000000003.jsonl");
  const bytes = await readFile(path);
  bytes[60]! ^= 4;
  await writeFile(path, bytes);
};

describe("while the gateway serves", () => {
  it("old entries are verified again, and a mark says up to which entry they match what was signed", async () => {
    const rereading = await start();
    expect(opened.journal.openedFrom.at).toBe(11);
    await expect.poll(rereading.verified, { timeout: 20_000 }).toMatchObject({ size: 11 });
    await expect.poll(() => readMark({ disk: nodeDisk, dir }, signer)).toMatchObject({ size: 11, segment: 9 });
    expect(rereading.damage()).toEqual([]);
  }, 30_000);

  it("a flipped bit does not prevent the start, raises one alarm, and removes the mark", async () => {
    const first = await start();
    await expect.poll(first.verified, { timeout: 20_000 }).toMatchObject({ size: 11 });
    await runShutdown(stops);
    stops = [];
    await opened.close();
    await flip();
    // Without the mark, as after a day, all entries are read again.
    await writeFile(join(dir, "verified"), "");
    const rereading = await start();
    expect(opened.journal.openedFrom.at).toBe(11);
    await expect
      .poll(rereading.damage, { timeout: 20_000 })
      .toEqual(["line 1 of 000000000003.jsonl differs from what checkpoint 5 signed"]);
    await expect.poll(() => existsSync(join(dir, "verified"))).toBe(false);
    expect(rereading.verified()).toBeUndefined();
    await opened.journal.head();
    const alarms = (await Array.fromAsync(readEntries(dir, { from: 11 }))).filter(({ kind }) => kind === "alarm");
    expect(alarms).toMatchObject([
      {
        reason: "the journal is damaged below its last checkpoint",
        detail: "line 1 of 000000000003.jsonl differs from what checkpoint 5 signed",
      },
    ]);
  }, 60_000);

  it("a mark that could not be removed after damage is removed once possible, and reported until then", async () => {
    await flip();
    // A folder is no file to remove, for any user.
    await mkdir(join(dir, "verified"));
    const reported = vi.spyOn(events, "verifiedMarkNotRemoved").mockReturnValue();
    const rereading = await start({ retryMs: 50 });
    await expect.poll(rereading.damage, { timeout: 20_000 }).toHaveLength(1);
    await expect.poll(() => reported.mock.calls.length, { timeout: 10_000 }).toBeGreaterThan(1);
    await rm(join(dir, "verified"), { recursive: true });
    await writeFile(join(dir, "verified"), "the earlier mark");
    await expect.poll(() => existsSync(join(dir, "verified")), { timeout: 10_000 }).toBe(false);
  }, 40_000);
});
