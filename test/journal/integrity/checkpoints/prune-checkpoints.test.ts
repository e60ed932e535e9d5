import { utimes, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { nodeDisk } from "../../../../src/journal/disk.ts";
import {
  superfluous,
  pruneCheckpoints,
  type Dated,
} from "../../../../src/journal/integrity/checkpoints/prune-checkpoints.ts";
import { verifyJournal } from "../../../../src/journal/verify/verify.ts";
import { aDirectory, aJournal, aKey, checkpointsOf, removeDirectory } from "../../kit.ts";

const MINUTE = 60_000;
const DAY = 1440 * MINUTE;
const NOW = Date.parse("2026-11-22T12:00:30Z");

describe("pruning a year of checkpoints, one per minute,", () => {
  /** Thinned once a day, as it goes. */
  const afterDays = (days: number): readonly Dated[] => {
    let left: Dated[] = [];
    let size = 0;
    for (let day = 0; day < days; day++) {
      const began = NOW - (days - day) * DAY;
      left.push(...Array.from({ length: 1440 }, (_, minute) => ({ size: ++size, at: began + minute * MINUTE })));
      const gone = new Set(superfluous(left, began + DAY));
      left = left.filter((one) => !gone.has(one.size));
    }
    return left;
  };

  it("keeps all of two days, one per hour of ninety days, one per day before, and always the newest", () => {
    const left = afterDays(365);
    const within = (from: number, to: number): number =>
      left.filter(({ at }) => at >= NOW - to * DAY && at < NOW - from * DAY).length;
    expect(within(0, 2)).toBeGreaterThanOrEqual(2879);
    expect(within(2, 90)).toBeGreaterThanOrEqual(88 * 24);
    expect(within(2, 90)).toBeLessThan(89 * 24 + 2);
    expect(within(90, 365)).toBeLessThan(278);
    expect(left.at(-1)!.size).toBe(365 * 1440);
    expect(superfluous(left, NOW)).toEqual([]);
  });
});

describe("pruning checkpoints with cosignatures or timestamps", () => {
  const at = (minute: number, day = 3): number => Math.floor((NOW - day * DAY) / DAY) * DAY + minute * MINUTE;
  it("keeps the last one, the last cosigned one and the last timestamped one of each span", () => {
    const hour = [
      { size: 1, at: at(0), isCosigned: true, isStamped: true },
      { size: 2, at: at(1), isStamped: true },
      { size: 3, at: at(2), isCosigned: true },
      { size: 4, at: at(3), isCosigned: true },
      { size: 5, at: at(4) },
      { size: 6, at: at(5) },
      { size: 7, at: at(61), isCosigned: true },
      { size: 8, at: at(62) },
    ];
    expect(superfluous(hour, NOW)).toEqual([1, 3, 5]);
    expect(
      superfluous(
        hour.map((each) => ({ ...each, at: each.at - 100 * DAY })),
        NOW,
      ),
    ).toEqual([1, 3, 4, 5, 6]);
    expect(
      superfluous(
        hour.map((each) => ({ ...each, at: each.at + 3 * DAY })),
        NOW,
      ),
    ).toEqual([]);
  });

  it("deletes their cosignatures and timestamps with them", async () => {
    const dir = await aDirectory();
    try {
      await aJournal(dir, aKey(), { size: 6, checkpointsAt: [2, 4, 6] });
      const old = NOW - 3 * DAY;
      for (const size of [2, 4, 6]) {
        const path = join(dir, "checkpoints", String(size).padStart(12, "0"));
        for (const ending of [".cosigned", ".tsr"]) await writeFile(path + ending, "");
        await utimes(path, new Date(old), new Date(old + size));
      }
      expect(await pruneCheckpoints({ disk: nodeDisk, dir }, NOW)).toBe(2);
      expect((await checkpointsOf(dir)).toSorted()).toEqual([
        "000000000006",
        "000000000006.cosigned",
        "000000000006.tsr",
      ]);
    } finally {
      await removeDirectory(dir);
    }
  });
});

describe("pruning", () => {
  it("deletes files, and the remaining ones still verify everything", async () => {
    const dir = await aDirectory();
    try {
      const vkey = await aJournal(dir, aKey(), { size: 12, checkpointsAt: [2, 4, 6, 8, 10, 12] });
      const old = new Date(NOW - 3 * DAY);
      for (const size of [2, 4, 6, 8])
        await utimes(
          join(dir, "checkpoints", String(size).padStart(12, "0")),
          old,
          new Date(old.getTime() + size * 1000),
        );
      expect(await pruneCheckpoints({ disk: nodeDisk, dir }, NOW)).toBe(3);
      expect((await checkpointsOf(dir)).toSorted().map(Number)).toEqual([8, 10, 12]);
      expect(await verifyJournal(dir, { vkey })).toMatchObject({ verdict: "ok", covered: 12, findings: [] });
    } finally {
      await removeDirectory(dir);
    }
  });
});
