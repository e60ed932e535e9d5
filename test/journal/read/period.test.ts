import { cp, mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { Entry, Recorded } from "../../../src/journal/entry.ts";
import { writeLine } from "../../../src/journal/entry-line.ts";
import { paths } from "../../../src/journal/paths.ts";
import { LineDamaged, PeriodReader } from "../../../src/journal/read/period.ts";
import { openJournal } from "../../../src/journal/write/open-journal.ts";
import { writeStartEntries } from "../../../src/journal/write/start-entries.ts";
import { aDirectory, anIntent, removeDirectory } from "../kit.ts";

let dir: string;
beforeEach(async () => {
  dir = await aDirectory();
});
afterEach(() => removeDirectory(dir));

const timeOf = (minute: number): string => `2026-11-20T00:${String(minute).padStart(2, "0")}:00.000000Z`;

/** Segments of entries, one entry a minute; undefined leaves an index out. */
const segmentsOf = async (...segments: readonly (readonly (Entry | undefined)[])[]): Promise<void> => {
  await mkdir(paths(dir).segments, { recursive: true });
  let index = 0;
  for (const entries of segments) {
    const first = index;
    const lines = entries.flatMap((entry) => {
      const line = entry && `${writeLine(index, timeOf(index), entry)}\n`;
      index++;
      return line ?? [];
    });
    if (lines.length > 0) await writeFile(paths(dir).segment(first), lines.join(""));
  }
};

const start = (records?: readonly string[]): Entry => ({ kind: "start", format: 2, version: "1", pid: 1, records });
const intents = (count: number): Entry[] => Array.from({ length: count }, (_, number) => anIntent(number));
const deleted = (over: Partial<Extract<Entry, { kind: "deleted" }>>): Entry => ({
  kind: "deleted",
  from: 0,
  to: 0,
  segments: [],
  youngest: timeOf(0),
  dnc: {},
  ...over,
});

const readFrom = async (
  minute: number,
): Promise<{
  readonly indexes: readonly number[];
  readonly missing: readonly string[];
  readonly reader: PeriodReader;
}> => {
  const reader = new PeriodReader(dir, timeOf(minute));
  const entries: Recorded[] = await Array.fromAsync(reader.entries());
  return { indexes: entries.map(({ index }) => index), missing: await reader.missing(), reader };
};

describe("the entries of a period", () => {
  it("are all from its beginning on, wherever that lies in a segment", async () => {
    await segmentsOf([start(), ...intents(3)], intents(4), intents(2));
    for (let minute = 0; minute < 10; minute++) {
      const { indexes, missing, reader } = await readFrom(minute);
      expect([indexes, missing]).toEqual([Array.from({ length: 10 - minute }, (_, at) => minute + at), []]);
      expect(reader.oldest).toBe(timeOf(minute));
    }
    expect((await readFrom(10)).indexes).toEqual([]);
  });

  it("are found behind a segment that begins while the clock was wrong", async () => {
    await segmentsOf(intents(2), intents(2), intents(2), intents(2));
    const wrong = (await readFile(paths(dir).segment(4), "utf8"))
      .split("\n")
      .slice(0, -1)
      .map((_, at) => `${writeLine(4 + at, "2020-01-01T00:00:00.000000Z", anIntent(at))}\n`);
    await writeFile(paths(dir).segment(4), wrong.join(""));
    expect((await readFrom(3)).indexes).toEqual([3, 6, 7]);
  });

  it("are read without opening what ends before the period", async () => {
    await segmentsOf(intents(3), [start(), ...intents(2)], intents(3));
    await writeFile(paths(dir).segment(0), "not a line\n");
    expect((await readFrom(7)).indexes).toEqual([7, 8]);
  });

  it.each([
    ["no start at all", [], intents(2), false],
    ["a start of an older gateway", [start()], intents(2), false],
    ["a start in the period", [start(["dropped_fields"])], [start(["dropped_fields"]), ...intents(1)], true],
    ["a start long before it", [start(["dropped_fields", "named"])], intents(2), true],
    ["an older gateway in the period", [start(["dropped_fields"])], [start(), ...intents(1)], false],
    ["an older gateway before it", [start()], [...intents(1), start(["dropped_fields"])], false],
  ])("have certain members where every run records them: %s", async (_, before, within, records) => {
    await segmentsOf([...before, ...intents(2)], within);
    const { reader } = await readFrom(before.length + 2);
    expect(reader.records("dropped_fields")).toBe(records);
  });
});

describe("what a period lacks", () => {
  it.each([
    ["a segment in the middle", [intents(2), [undefined, undefined], intents(2)], 0, /^entries 2 to 3 are missing; /],
    ["the beginning, unexplained", [[undefined, undefined], intents(2)], 0, /^entries 0 to 1 are missing; /],
    [
      "deleted segments that reach into it",
      [
        [undefined, undefined],
        [...intents(1), deleted({ to: 2, youngest: timeOf(1) })],
      ],
      1,
      /^entries up to \S+ are deleted, as audit\.retention says$/,
    ],
    [
      "entries that could not be recorded",
      [[...intents(2), { kind: "gap", reason: "disk full", from: timeOf(0), to: timeOf(1), lost: 3 } as const]],
      1,
      /^from \S+ to \S+ 3 entries were not recorded: disk full$/,
    ],
    ...(["back", "forward"] as const).map(
      (way) =>
        [
          `a clock that was set ${way} across its beginning`,
          [
            [
              ...intents(2),
              {
                kind: "clock",
                from: timeOf(way === "back" ? 5 : 0),
                to: timeOf(way === "back" ? 0 : 5),
                step_ms: way === "back" ? -300_000 : 300_000,
              } as const,
              ...intents(2),
            ],
          ],
          1,
          /^the clock was set from \S+ to \S+: entries of the period may have times before it$/,
        ] as const,
    ),
    [
      "requests that were deleted by kind",
      [[...intents(1), undefined, ...intents(1)], [deleted({ kinds: { intent: { to: 2, youngest: timeOf(1) } } })]],
      1,
      /^1 entries of kind intent are deleted, as audit\.retention says$/,
    ],
  ] as const)("is said: %s", async (_, segments, minute, message) => {
    await segmentsOf(...segments);
    expect((await readFrom(minute)).missing).toEqual([expect.stringMatching(message)]);
  });

  it.each([
    [
      "deleted segments before it",
      [
        [undefined, undefined],
        [...intents(2), deleted({ to: 2, youngest: timeOf(1) })],
      ],
      2,
    ],
    [
      "a gap before it",
      [[...intents(2), { kind: "gap", reason: "disk full", from: timeOf(0), to: timeOf(0) } as const]],
      1,
    ],
    [
      "accesses that were deleted by kind",
      [[...intents(1), undefined, ...intents(1)], [deleted({ kinds: { access: { to: 2, youngest: timeOf(1) } } })]],
      0,
    ],
  ] as const)("is nothing because of %s", async (_, segments, minute) => {
    await segmentsOf(...segments);
    expect((await readFrom(minute)).missing).toEqual([]);
  });

  it("is what the last checkpoint covers and no line has", async () => {
    const journal = await openJournal({ dir, durability: "os" });
    await writeStartEntries(journal, { version: "1" });
    for (const entry of intents(5)) await journal.append(entry);
    await journal.close();
    const segment = paths(dir).segment(0);
    const lines = (await readFile(segment, "utf8")).split("\n");
    await writeFile(segment, `${lines.slice(0, 4).join("\n")}\n`);
    await mkdir(paths(dir).checkpoints, { recursive: true });
    await writeFile(join(paths(dir).checkpoints, "000000000006"), "");
    const reader = new PeriodReader(dir, "2000-01-01T00:00:00.000Z");
    await Array.fromAsync(reader.entries());
    expect(await reader.missing()).toEqual([expect.stringMatching(/^entries 4 to 5 are missing; /)]);
  });

  it("is unknown behind a line that is not as it was written", async () => {
    const journal = await openJournal({ dir, durability: "os" });
    for (const entry of intents(3)) await journal.append(entry);
    await journal.close();
    const segment = paths(dir).segment(0);
    await writeFile(segment, (await readFile(segment, "utf8")).replace("alpha-crm", "beta--crm"));
    await expect(Array.fromAsync(new PeriodReader(dir, timeOf(0)).entries())).rejects.toThrow(LineDamaged);
  });

  it("is reported by an error where a segment is no file with lines", async () => {
    await segmentsOf(intents(2));
    const other = await aDirectory();
    await cp(dir, other, { recursive: true });
    await rm(paths(other).segment(0));
    await mkdir(paths(other).segment(0));
    await expect(Array.fromAsync(new PeriodReader(other, timeOf(0)).entries())).rejects.toThrow();
    await removeDirectory(other);
  });
});
