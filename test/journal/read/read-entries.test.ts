import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { openJournal } from "../../../src/journal/write/open-journal.ts";
import { readEntries } from "../../../src/journal/read/read-entries.ts";
import { aDirectory, aJournal, aKey, anIntent, removeDirectory, segmentsOf } from "../kit.ts";

let dir: string;
beforeEach(async () => {
  dir = await aDirectory();
});
afterEach(() => removeDirectory(dir));

const indexes = async (from?: number, to?: number): Promise<number[]> =>
  (
    await Array.fromAsync(readEntries(dir, { ...(from !== undefined && { from }), ...(to !== undefined && { to }) }))
  ).map(({ index }) => index);

describe("reading entries", () => {
  it.each([
    [0, 10],
    [3, 5],
    [4, 4],
    [9, 100],
    [0, 1],
    [12, 20],
  ])("gives those from %d to %d, across segments", async (from, to) => {
    await aJournal(dir, aKey(), { size: 10, checkpointsAt: [], segmentBytes: 1000 });
    expect((await segmentsOf(dir)).length).toBe(4);
    expect(await indexes(from, to)).toEqual(
      Array.from({ length: 10 }, (_, index) => index).filter((index) => index >= from && index < to),
    );
  });

  it("reads more than its buffer holds, each entry once and in order", async () => {
    const journal = await openJournal({ dir, durability: "os" });
    await Promise.all(Array.from({ length: 7001 }, (_, number) => journal.append(anIntent(number))));
    await journal.close();
    const read = await indexes();
    expect(read).toHaveLength(7001);
    expect(read.every((index, at) => index === at)).toBe(true);
    expect(await indexes(1999, 2002)).toEqual([1999, 2000, 2001]);
  });

  it("leaves out an incomplete line", async () => {
    await aJournal(dir, aKey(), { size: 2, checkpointsAt: [] });
    await writeFile(join(dir, "segments", "000000000000.jsonl"), '{"index":2', { flag: "a" });
    expect(await indexes()).toEqual([0, 1]);
  });

  it("keeps big integers exact", async () => {
    const journal = await openJournal({ dir, durability: "os" });
    await journal.append(anIntent(0, { CHAIN: 9_007_199_254_740_993n }));
    await journal.close();
    expect((await Array.fromAsync(readEntries(dir)))[0]).toMatchObject({ body: { CHAIN: 9_007_199_254_740_993n } });
  });

  it("names the line that it cannot read", async () => {
    await aJournal(dir, aKey(), { size: 2, checkpointsAt: [] });
    await writeFile(join(dir, "segments", "000000000000.jsonl"), "no line\n", { flag: "a" });
    await expect(Array.fromAsync(readEntries(dir))).rejects.toThrow("000000000000.jsonl line 3: not JSON");
  });
});
