/** The files of snapshots: readable by their owner alone, and limited in number. */
import { mkdtemp, readdir, rm, stat, utimes, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { snapshotAt, snapshotsIn, writeSnapshot } from "../../../../src/app/config/view/snapshot-files.ts";
import type { Snapshot } from "../../../../src/settings/view/snapshot.ts";

const hashOf = (number: number): string => number.toString(16).padStart(64, "0");
const aSnapshot = (number: number, settings: unknown = {}): Snapshot => ({
  format: 1,
  hash: hashOf(number),
  settings,
  files: [],
});

describe("the files of snapshots", () => {
  let parent: string;
  let dir: string;
  beforeEach(async () => {
    parent = await mkdtemp(join(tmpdir(), "ocsgw-snapshots-"));
    dir = join(parent, "configs");
  });
  afterEach(() => rm(parent, { recursive: true }));

  it("are read as they were written, and by their owner alone", async () => {
    await writeSnapshot(dir, aSnapshot(1, { first: true }));
    await writeSnapshot(dir, aSnapshot(1, { first: false }));
    expect(await snapshotAt(dir, hashOf(1))).toEqual(aSnapshot(1, { first: false }));
    const [name, ...others] = await readdir(dir);
    expect(others).toEqual([]);
    expect((await stat(join(dir, name!))).mode & 0o777).toBe(0o600);
    expect((await stat(dir)).mode & 0o777).toBe(0o700);
  });

  it("are the newest hundred", async () => {
    for (let number = 0; number < 102; number++) {
      await writeSnapshot(dir, aSnapshot(number));
      const at = new Date(Date.UTC(2026, 0, 1, 0, number));
      await utimes(join(dir, `${hashOf(number)}.json.zst`), at, at);
    }
    await writeSnapshot(dir, aSnapshot(200));
    const kept = await snapshotsIn(dir);
    expect(kept.size).toBe(100);
    expect([hashOf(2), hashOf(3), hashOf(101), hashOf(200)].map((hash) => kept.has(hash))).toEqual([
      false,
      true,
      true,
      true,
    ]);
  });

  it("are found by a hash only, and a damaged one is none", async () => {
    await writeSnapshot(dir, aSnapshot(1));
    await writeFile(join(dir, `${hashOf(2)}.json.zst`), "damaged");
    await writeFile(join(parent, "outside.json.zst"), "x");
    for (const hash of [hashOf(2), hashOf(3), "../outside", ""]) expect(await snapshotAt(dir, hash)).toBeUndefined();
    expect(await snapshotsIn(join(parent, "missing"))).toEqual(new Set());
  });

  it("leave nothing of an interrupted writing", async () => {
    await writeSnapshot(dir, aSnapshot(1));
    await writeFile(join(dir, `${hashOf(2)}.json.zst.new`), "half");
    await writeFile(join(dir, "of-somebody-else.new"), "stays");
    await writeSnapshot(dir, aSnapshot(3));
    expect((await readdir(dir)).toSorted()).toEqual([
      `${hashOf(1)}.json.zst`,
      `${hashOf(3)}.json.zst`,
      "of-somebody-else.new",
    ]);
  });
});
