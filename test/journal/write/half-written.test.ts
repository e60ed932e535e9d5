/** What a crash leaves half written beside the journal's small files. */
import { mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { nodeDisk, type Disk } from "../../../src/journal/disk.ts";
import { openJournal } from "../../../src/journal/write/open-journal.ts";
import { aDirectory, aJournal, aKey, removeDirectory } from "../kit.ts";

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

it("the next start removes the partial files of a crash, and no other files", async () => {
  for (const name of [...HALF_WRITTEN, ...OTHERS]) await writeFile(join(dir, name), "half");
  const checkpoint = await readFile(join(dir, "checkpoints/000000000005"), "utf8");
  await (await openJournal({ dir, durability: "flush" })).close();
  expect(await there()).toEqual(OTHERS.toSorted());
  expect(await readFile(join(dir, "checkpoints/000000000005"), "utf8")).toBe(checkpoint);
});

it("a partial file that cannot be removed does not prevent a start", async () => {
  for (const name of HALF_WRITTEN) await writeFile(join(dir, name), "half");
  const disk: Disk = {
    ...nodeDisk,
    remove: (path) => (path.endsWith(".tmp") ? Promise.reject(new Error("no permission")) : nodeDisk.remove(path)),
  };
  await (await openJournal({ dir, durability: "flush", disk })).close();
  expect(await there()).toEqual(HALF_WRITTEN.toSorted());
});
