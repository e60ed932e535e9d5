/** What a crash leaves half written beside the journal's small files. */
import { mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { nodeDisk, type Disk } from "../../src/journal/disk.ts";
import { openJournal } from "../../src/journal/append.ts";
import { aDirectory, aJournal, aKey, removeDirectory } from "./kit.ts";

let dir: string;
beforeEach(async () => {
  dir = await aDirectory();
  await aJournal(dir, aKey(), { size: 5, checkpointsAt: [3, 5] });
  await mkdir(join(dir, "states"), { recursive: true });
});
afterEach(() => removeDirectory(dir));

const HALF_WRITTEN = [
  "checkpoints/000000000005.tmp",
  "checkpoints/000000000005.cosigned.tmp",
  "checkpoints/000000000005.tsr.tmp",
  "states/000000000005.tmp",
  "checkpoint.pub.tmp",
  "verified.tmp",
  "index-keys.json.tmp",
];
/** Not what a gateway writes there. */
const OTHERS = ["checkpoints/notes.tmp", "checkpoints/000000000005.tmp.txt", "mine.tmp"];

const there = async (): Promise<string[]> =>
  (await readdir(dir, { recursive: true })).filter((name) => [...HALF_WRITTEN, ...OTHERS].includes(name)).toSorted();

it("is removed by the next start, and nothing else is", async () => {
  for (const name of [...HALF_WRITTEN, ...OTHERS]) await writeFile(join(dir, name), "half");
  const checkpoint = await readFile(join(dir, "checkpoints/000000000005"), "utf8");
  await (await openJournal({ dir, durability: "flush" })).close();
  expect(await there()).toEqual(OTHERS.toSorted());
  expect(await readFile(join(dir, "checkpoints/000000000005"), "utf8")).toBe(checkpoint);
});

it("prevents no start where it cannot be removed", async () => {
  for (const name of HALF_WRITTEN) await writeFile(join(dir, name), "half");
  const disk: Disk = {
    ...nodeDisk,
    remove: (path) => (path.endsWith(".tmp") ? Promise.reject(new Error("no permission")) : nodeDisk.remove(path)),
  };
  await (await openJournal({ dir, durability: "flush", disk })).close();
  expect(await there()).toEqual(HALF_WRITTEN.toSorted());
});
