import { mkdir, mkdtemp, rename, rm, utimes, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { nodeDisk } from "../../../src/journal/disk.ts";
import { compressedName, paths, segmentName } from "../../../src/journal/paths.ts";
import { SegmentList } from "../../../src/journal/segments/segment-list.ts";

let dir: string;
let folder: string;
let list: SegmentList;

beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), "ocsgw-"));
  folder = paths(dir).segments;
  await mkdir(folder);
  list = new SegmentList(dir);
});
afterEach(async () => {
  vi.restoreAllMocks();
  vi.useRealTimers();
  await rm(dir, { recursive: true });
});

const make = (name: string): Promise<void> => writeFile(join(folder, name), "");

/** As if the folder's last change were an hour ago. */
const waitAnHour = (): void => void vi.useFakeTimers({ toFake: ["Date"], now: Date.now() + 3_600_000 });

describe("the list of segments", () => {
  it("says which are sealed, and which between them were set aside", async () => {
    for (const first of [0, 10, 30]) await make(segmentName(first));
    await make("000000000020.hashes");
    expect(await list.read()).toMatchObject({
      firsts: [0, 10, 30],
      sealed: [
        { first: 0, end: 10 },
        { first: 10, end: 20 },
      ],
      holes: [20],
    });
    expect(await list.sealedBelow(15, new Set())).toMatchObject([{ first: 0, end: 10 }]);
    expect(await list.sealedBelow(20, new Set([0]))).toMatchObject([{ first: 10, end: 20 }]);
  });

  it("is read once while the folder stays as it is", async () => {
    await make(segmentName(0));
    waitAnHour();
    const reading = vi.spyOn(nodeDisk, "list");
    for (let time = 0; time < 5; time++) expect((await list.read()).firsts).toEqual([0]);
    expect(reading).toHaveBeenCalledTimes(1);
  });

  it("is read each time after a change that its clock may not tell from the next one", async () => {
    await make(segmentName(0));
    const reading = vi.spyOn(nodeDisk, "list");
    await list.read();
    await list.read();
    expect(reading).toHaveBeenCalledTimes(2);
  });

  it("is read each time while the folder's time lies ahead of the clock", async () => {
    await make(segmentName(0));
    vi.useFakeTimers({ toFake: ["Date"], now: Date.now() - 3_600_000 });
    const reading = vi.spyOn(nodeDisk, "list");
    await list.read();
    await list.read();
    expect(reading).toHaveBeenCalledTimes(2);
  });

  it.each<[what: string, change: () => Promise<void>, firsts: readonly number[]]>([
    ["a new segment", () => make(segmentName(20)), [0, 10, 20]],
    ["a deleted one", () => rm(join(folder, segmentName(0))), [10]],
    [
      "a compressed one that replaces its plain form",
      async () => {
        await make(compressedName(0));
        await rm(join(folder, segmentName(0)));
      },
      [0, 10],
    ],
    ["one that was moved away", () => rename(join(folder, segmentName(10)), join(dir, "away")), [0]],
    [
      "another folder in its place",
      async () => {
        await rename(folder, join(dir, "old"));
        await mkdir(folder);
        await make(segmentName(7));
      },
      [7],
    ],
    [
      "a change after which somebody set the folder's time back",
      async () => {
        await make(segmentName(20));
        await utimes(folder, 1_600_000_000, 1_600_000_000);
      },
      [0, 10, 20],
    ],
  ])("notices %s", async (_, change, firsts) => {
    for (const first of [0, 10]) await make(segmentName(first));
    await utimes(folder, 1_600_000_000, 1_600_000_000);
    waitAnHour();
    expect((await list.read()).firsts).toEqual([0, 10]);
    await change();
    expect((await list.read()).firsts).toEqual(firsts);
  });

  it("fails while there is no folder, and is right when it is back", async () => {
    await make(segmentName(0));
    waitAnHour();
    await list.read();
    await rename(folder, join(dir, "away"));
    await expect(list.read()).rejects.toThrow(/ENOENT/);
    await rename(join(dir, "away"), folder);
    await make(segmentName(10));
    expect((await list.read()).firsts).toEqual([0, 10]);
  });
});
