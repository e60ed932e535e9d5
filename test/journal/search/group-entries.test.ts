import { describe, expect, it } from "vitest";
import type { Entry } from "../../../src/journal/entry.ts";
import type { Line } from "../../../src/journal/read/read-entries.ts";
import { groupEntries } from "../../../src/journal/search/group-entries.ts";
import { aDoNotCall, anIntent, anOutcome } from "../kit.ts";

const numbered = async function* (entries: readonly Entry[]): AsyncGenerator<Line> {
  for (const [index, entry] of entries.entries())
    yield { entry: { ...entry, index, time: "2026-11-22T12:00:00.000000Z" }, text: "" };
};
const grouped = async (entries: readonly Entry[], most?: number): Promise<unknown[]> =>
  (await Array.fromAsync(groupEntries(numbered(entries), most))).map(({ at, entries: own }) => [
    at,
    ...own.map(({ index }) => index),
  ]);

describe("grouping entries into transactions", () => {
  it("gives transactions in the order in which they began, whatever the order of their ends", async () => {
    expect(
      await grouped([
        anIntent(0),
        anIntent(1),
        anOutcome(anIntent(1).id),
        { kind: "stop", reason: "x" },
        anOutcome(anIntent(0).id),
      ]),
    ).toEqual([
      [0, 0, 4],
      [1, 1, 2],
      [3, 3],
    ]);
  });

  it("includes an intent without an outcome, and an outcome without its intent", async () => {
    expect(
      await grouped([anOutcome("01KAPQ8C10QX01KAPQ8C999999"), ...aDoNotCall(1, { open: true }), ...aDoNotCall(2)]),
    ).toEqual([
      [0, 0],
      [1, 1],
      [2, 2, 3],
    ]);
  });

  it("does not hold transactions back forever after one without an outcome", async () => {
    expect(
      await grouped([anIntent(0), ...aDoNotCall(1), ...aDoNotCall(2), ...aDoNotCall(3), anOutcome(anIntent(0).id)], 2),
    ).toEqual([
      [0, 0],
      [1, 1, 2],
      [3, 3, 4],
      [5, 5, 6],
      [7, 7],
    ]);
  });
});
