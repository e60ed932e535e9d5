import { describe, expect, it } from "vitest";
import { bytesText, DiskWatch, fillingUp, type DiskUse } from "../../../src/journal/segments/disk-use.ts";

const MINUTE = 60_000;
const GB = 1e9;

type Measurement = readonly [minutes: number, journal: number, free: number];

/** The use after these measurements. */
const after = (...measured: readonly Measurement[]): DiskUse | undefined => {
  let now = 0;
  const watch = new DiskWatch(() => now);
  for (const [minutes, journal, free] of measured) {
    now = minutes * MINUTE;
    watch.add({ journal, free });
  }
  return watch.use;
};

describe("the use of the disk", () => {
  it("is unknown before the first measurement, and its rate for the first ten minutes", () => {
    expect(after()).toBeUndefined();
    expect(after([0, GB, 10 * GB], [9, 2 * GB, 9 * GB])).toEqual({
      journal: 2 * GB,
      free: 9 * GB,
      perHour: undefined,
      fullInMs: undefined,
    });
  });

  it.each<[string, readonly Measurement[], number, number | undefined]>([
    [
      "the journal grows",
      [
        [0, 0, 12 * GB],
        [60, 2 * GB, 10 * GB],
      ],
      2 * GB,
      5,
    ],
    [
      "other programs fill the disk",
      [
        [0, 0, 12 * GB],
        [60, 0, 8 * GB],
      ],
      4 * GB,
      2,
    ],
    [
      "the journal grows and other programs free space",
      [
        [0, 0, 8 * GB],
        [30, GB, 8 * GB],
      ],
      2 * GB,
      4,
    ],
    [
      "nothing changes",
      [
        [0, 5, GB],
        [60, 5, GB],
      ],
      0,
      undefined,
    ],
    [
      "retention deletes more than is written",
      [
        [0, 5 * GB, GB],
        [60, 3 * GB, 3 * GB],
      ],
      0,
      undefined,
    ],
    [
      "it was faster more than an hour ago",
      [
        [0, 0, 100 * GB],
        [60, 80 * GB, 20 * GB],
        [120, 81 * GB, 19 * GB],
      ],
      GB,
      19,
    ],
  ])("is projected from the last hour: %s", (_what, measured, perHour, hours) => {
    const use = after(...measured);
    expect(use?.perHour).toBeCloseTo(perHour, -3);
    expect(use?.fullInMs).toBe(hours === undefined ? undefined : hours * 60 * MINUTE);
  });

  it("keeps the measurements of one hour only", () => {
    const minutes = Array.from({ length: 1000 }, (_, minute) => [minute, minute * 1e6, GB - minute * 1e5] as const);
    expect(after(...minutes)?.perHour).toBeCloseTo(60e6, 0);
  });

  it("causes a warning within a day of a full disk, and only then", () => {
    expect(fillingUp(undefined)).toBeUndefined();
    expect(fillingUp(after([0, 0, 26 * GB], [60, GB, 25 * GB]))).toBeUndefined();
    expect(fillingUp(after([0, 0, 25 * GB], [60, 1.1 * GB, 23.9 * GB]))).toBe(
      "the journal's disk is full in 21 h if this goes on: 24 GB are free, and 1.1 GB an hour are written",
    );
    expect(fillingUp(after([0, 0, 2 * GB], [60, GB, GB]))).toContain("full in 60 min");
    expect(fillingUp(after([0, 0, 0]))).toBe("the journal's disk is full");
  });

  it.each([
    [0, "0 B"],
    [999, "999 B"],
    [1000, "1.0 kB"],
    [12_345_678, "12 MB"],
    [1.2e9, "1.2 GB"],
    [3.4e12, "3.4 TB"],
  ])("prints %d bytes as %s", (bytes, text) => expect(bytesText(bytes)).toBe(text));
});
