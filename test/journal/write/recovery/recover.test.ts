/** What a crash leaves, and what it does not. */
import { cp, readFile, rm, truncate, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { openJournal } from "../../../../src/journal/write/open-journal.ts";
import { nodeDisk, type Disk } from "../../../../src/journal/disk.ts";
import { readEntries } from "../../../../src/journal/read/read-entries.ts";
import { JournalDamaged } from "../../../../src/journal/errors.ts";
import { verifyJournal } from "../../../../src/journal/verify/verify.ts";
import {
  aDirectory,
  aJournal,
  aQuickDirectory,
  aKey,
  anIntent,
  linesOf,
  openWithCheckpoints,
  removeDirectory,
  segmentsOf,
  writeLines,
} from "../../kit.ts";
import { patternOf } from "../../../kit/pattern.ts";

const FIRST = "000000000000.jsonl";
const key = aKey();
let dir: string;

beforeEach(async () => {
  dir = await aDirectory();
});
afterEach(() => removeDirectory(dir));

const reopened = async (): Promise<{ size: number; torn: unknown }> => {
  const journal = await openJournal({ dir, durability: "os" });
  const { size, torn } = journal.status();
  await journal.append(anIntent(77));
  await journal.close();
  return { size, torn };
};

describe("opening a journal", () => {
  it("cuts a last line torn at any of its bytes, reports it, and reuses its index", async () => {
    const vkey = await aJournal(dir, key, { size: 4, checkpointsAt: [3] });
    // A short line, so that there are few bytes to try.
    const journal = await openJournal({ dir, durability: "os" });
    await journal.append({ kind: "stop", reason: "ä" });
    await journal.close();
    const path = join(dir, "segments", FIRST);
    const whole = await readFile(path);
    const lastLength = Buffer.byteLength((await linesOf(dir, FIRST)).at(-1)!) + 1;
    for (let kept = 0; kept < lastLength; kept++) {
      await writeFile(path, whole.subarray(0, whole.length - lastLength + kept));
      expect(await reopened()).toEqual({
        size: 4,
        torn: kept === 0 ? undefined : { segment: FIRST, line: 5, index: 4, bytes: kept },
      });
      const entries = await Array.fromAsync(readEntries(dir));
      expect(entries.map(({ index }) => index)).toEqual([0, 1, 2, 3, 4]);
      expect(entries[4]).toMatchObject({ id: anIntent(77).id });
    }
    expect(await verifyJournal(dir, { vkey })).toMatchObject({ verdict: "ok", covered: 3, uncovered: 2 });
  });

  it("cuts a complete last line that does not belong there", async () => {
    await aJournal(dir, key, { size: 4, checkpointsAt: [2] });
    const lines = await linesOf(dir, FIRST);
    for (const last of ['{"index":3', lines[2]!, lines[3]!.replace('"kind"', '"kind'), ""]) {
      await writeLines(dir, FIRST, [...lines.slice(0, 3), last]);
      expect(await reopened()).toMatchObject({ size: 3, torn: { line: 4, index: 3 } });
      await writeLines(dir, FIRST, lines);
    }
  });

  it("cuts from the first page that a crash left as zeros, because all after it was in the same write", async () => {
    await aJournal(dir, key, { size: 8, checkpointsAt: [4] });
    const lines = await linesOf(dir, FIRST);
    const start = Buffer.byteLength(lines.slice(0, 5).join("\n")) + 1;
    const bytes = await readFile(join(dir, "segments", FIRST));
    bytes.fill(0, start + 20, start + 500);
    await writeFile(join(dir, "segments", FIRST), bytes);
    expect(await reopened()).toMatchObject({ size: 5, torn: { line: 6, index: 5, bytes: bytes.length - start } });
    expect(await reopened()).toEqual({ size: 6, torn: undefined });
  });

  it("rewrites the end, because a failed flush may have left it in memory only", async () => {
    await aJournal(dir, key, { size: 3, checkpointsAt: [] });
    const written: { position: number; bytes: Buffer }[] = [];
    const disk: Disk = {
      ...nodeDisk,
      open: async (path, how) => {
        const file = await nodeDisk.open(path, how);
        return path.endsWith(".jsonl")
          ? {
              ...file,
              write: (bytes, position) => {
                written.push({ position, bytes: Buffer.from(bytes) });
                return file.write(bytes, position);
              },
            }
          : file;
      },
    };
    await openJournal({ dir, durability: "flush", disk }).then((journal) => journal.close());
    expect(written).toEqual([{ position: 0, bytes: await readFile(join(dir, "segments", FIRST)) }]);
  });

  it("starts empty if the first segment is empty or torn", async () => {
    await openJournal({ dir, durability: "flush" }).then((journal) => journal.close());
    await writeFile(join(dir, "segments", FIRST), '{"index":0,"ti');
    expect(await reopened()).toMatchObject({ size: 0, torn: { line: 1, index: 0, bytes: 14 } });
    await truncate(join(dir, "segments", FIRST), 0);
    expect(await reopened()).toEqual({ size: 0, torn: undefined });
  });
});

describe("opening a journal refuses", () => {
  const cases: [what: string, damage: (lines: string[]) => Promise<void>, message: RegExp][] = [
    [
      "a last line torn below a checkpoint",
      (lines) => writeFile(join(dir, "segments", "000000000006.jsonl"), `${lines[6]}\n${lines[7]!.slice(0, 40)}`),
      /000000000006\.jsonl line 2 is not the line of index 7, which checkpoint 8 covers/,
    ],
    [
      "lines that were cut off below a checkpoint",
      (lines) => writeFile(join(dir, "segments", "000000000006.jsonl"), `${lines[6]}\n`),
      /checkpoint 8 covers 8 entries, the journal ends with index 6/,
    ],
    [
      "a line that was changed below a checkpoint",
      (lines) =>
        writeFile(join(dir, "segments", "000000000006.jsonl"), `${lines[6]!.replace("alpha", "betaa")}\n${lines[7]}\n`),
      /the first 8 entries, up to line 2 of 000000000006\.jsonl, do not have the root that checkpoint 8 signed/,
    ],
    [
      "a line that is missing within",
      (lines) =>
        writeFile(join(dir, "segments", FIRST), `${[lines[0], lines[2], lines[3], lines[4], lines[5]].join("\n")}\n`),
      /000000000000\.jsonl line 2 is not the line of index 1/,
    ],
    [
      "a segment that is missing",
      () => rm(join(dir, "segments", FIRST)),
      /000000000003\.jsonl: the entries before it are missing, and no entry says that they were deleted/,
    ],
    [
      "a file that is not a checkpoint",
      () => writeFile(join(dir, "checkpoints", "000000000008"), "8\n"),
      /000000000008: not a checkpoint of 8 entries/,
    ],
  ];

  it.each(cases)("%s, and changes nothing", async (_what, damage, message) => {
    await aJournal(dir, key, { size: 8, checkpointsAt: [8], segmentBytes: 1000 });
    expect(await segmentsOf(dir)).toEqual([FIRST, "000000000003.jsonl", "000000000006.jsonl"]);
    const lines = (await Promise.all((await segmentsOf(dir)).map((segment) => linesOf(dir, segment)))).flat();
    await damage(lines);
    await cp(dir, `${dir}.before`, { recursive: true });
    try {
      await expect(openJournal({ dir, durability: "flush" })).rejects.toThrow(JournalDamaged);
      await expect(openJournal({ dir, durability: "flush" })).rejects.toThrow(message);
      for (const segment of await segmentsOf(dir))
        expect(await readFile(join(dir, "segments", segment))).toEqual(
          await readFile(join(`${dir}.before`, "segments", segment)),
        );
    } finally {
      await removeDirectory(`${dir}.before`);
    }
  });

  it("a malformed line that others follow", async () => {
    await aJournal(dir, key, { size: 5, checkpointsAt: [2] });
    const lines = await linesOf(dir, FIRST);
    await writeLines(dir, FIRST, [...lines.slice(0, 3), "not a line", lines[4]!]);
    await expect(openJournal({ dir, durability: "flush" })).rejects.toThrow(
      /line 4 is not the line of index 3, and lines follow it/,
    );
  });

  it("checkpoints of another log", async () => {
    await aJournal(dir, key, { size: 2, checkpointsAt: [2] });
    const path = join(dir, "checkpoints", "000000000002");
    await writeFile(path, (await readFile(path, "utf8")).replace("gateway.test/main", "gateway.test/other"));
    await expect(openWithCheckpoints(dir, key)).rejects.toThrow(
      /a checkpoint of gateway\.test\/other, but this journal would sign as gateway\.test\/main/,
    );
  });
});

describe("a killed journal whose last three entries are cut and flipped at every byte", () => {
  /** A checkpoint over the first two of five entries; the leaf hashes of the others are gone, as after a kill. */
  const killed = async (): Promise<{ path: string; whole: Buffer; start: number }> => {
    await removeDirectory(dir);
    dir = await aQuickDirectory();
    await aJournal(dir, key, { size: 5, checkpointsAt: [2] });
    const path = join(dir, "segments", FIRST);
    const whole = await readFile(path);
    return { path, whole, start: Buffer.byteLength((await linesOf(dir, FIRST)).slice(0, 2).join("\n")) + 1 };
  };

  /** What opening gives: the lines that are kept, or how it is refused. */
  const opened = async (path: string, bytes: Uint8Array): Promise<{ kept: string } | { refused: string }> => {
    await writeFile(path, bytes);
    await rm(path.replace(".jsonl", ".hashes"), { force: true });
    try {
      const journal = await openJournal({ dir, durability: "os" });
      await journal.close();
      return { kept: await readFile(path, "utf8") };
    } catch (error) {
      if (!(error instanceof JournalDamaged)) throw error;
      return { refused: error.message };
    }
  };

  it("recovers or is refused by name, and accepts no changed line as its own", async () => {
    const { path, whole, start } = await killed();
    const text = whole.toString();
    const wholeLines = new Set([2, 3, 4, 5].map((lines) => `${text.split("\n").slice(0, lines).join("\n")}\n`));
    const tally = { recovered: 0, refused: 0 };
    for (let at = start; at < whole.length; at++) {
      const flipped = Buffer.from(whole);
      flipped[at]! ^= 1 << (at % 8);
      for (const bytes of [whole.subarray(0, at), flipped]) {
        const found = await opened(path, bytes);
        if ("kept" in found) {
          tally.recovered++;
          expect(wholeLines.has(found.kept) && !(bytes === flipped && found.kept === text), `byte ${at}`).toBe(true);
        } else {
          tally.refused++;
          expect(found.refused, `byte ${at}`).toMatch(
            patternOf(
              /^000000000000\.jsonl line [34] is not the line of index [23], /,
              /and lines follow it, so a crash is not the cause$/,
            ),
          );
        }
      }
    }
    // A cut always recovers, and so does what is altered in the last line.
    expect(tally.recovered).toBeGreaterThan(whole.length - start);
    expect(tally.refused).toBeGreaterThan((whole.length - start) / 2);
  }, 120_000);
});
