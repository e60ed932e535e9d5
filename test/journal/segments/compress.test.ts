import { copyFile, cp, readFile, readdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { execFileSync } from "node:child_process";
import { zstdCompressSync, zstdDecompressSync } from "node:zlib";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { compressSegments, type CompressOptions } from "../../../src/journal/segments/compress.ts";
import { nodeDisk } from "../../../src/journal/disk.ts";
import { parseFilter } from "../../../src/journal/search/filter/filter.ts";
import { OpenDoNotCalls } from "../../../src/journal/open-dnc/open-dnc-counter.ts";
import { readLines } from "../../../src/journal/read/read-entries.ts";
import { JournalDamaged } from "../../../src/journal/errors.ts";
import { deleteExpired } from "../../../src/journal/segments/retention/retention.ts";
import { JournalSearch } from "../../../src/journal/search/journal-search.ts";
import { groupEntries } from "../../../src/journal/search/group-entries.ts";
import { withSegment } from "../../../src/journal/segments/segment.ts";
import { verifyJournal, verifySegment } from "../../../src/journal/verify/verify.ts";
import {
  aDirectory,
  aJournal,
  aKey,
  anIntent,
  anOutcome,
  aQuickDirectory,
  openWithCheckpoints,
  removeDirectory,
  segmentsOf,
} from "../kit.ts";
import { TroubledDisk } from "../failing-disk.ts";

const key = aKey();
const SIZE = 120;
let dir: string;
let vkey: string;

/** Requests with their outcomes, over five segments or so, with a checkpoint in the middle and at the end. */
beforeEach(async () => {
  dir = await aDirectory();
  const { journal, checkpoints, close } = await openWithCheckpoints(dir, key, {
    durability: "os",
    segmentBytes: 12_000,
  });
  vkey = checkpoints.verifierKey;
  for (let number = 0; number < SIZE / 2; number++) {
    await journal.append(
      anIntent(number, { GSW_TENANT_DBID: 101, note: `ünïcode ${number} ${"x".repeat(number * 7)}` }),
    );
    await journal.append(anOutcome(anIntent(number).id));
    if (number === 20) await checkpoints.write();
  }
  await close();
});
afterEach(() => removeDirectory(dir));

const compressing = (over: Partial<CompressOptions> = {}) =>
  compressSegments({ journal: { dir, disk: nodeDisk }, after: 0, ...over });
const namesOf = async (): Promise<string[]> =>
  (await readdir(join(dir, "segments"))).filter((name) => !name.endsWith(".hashes")).toSorted();
const allLines = async (): Promise<string[]> => (await Array.fromAsync(readLines(dir))).map(({ text }) => text);
const found = async (filter: string): Promise<number[]> => {
  const search = new JournalSearch(dir);
  await search.refresh();
  const { transactions } = await search.page(parseFilter(filter), { limit: 1000 });
  search.close();
  return transactions.map(({ at }) => at);
};

describe("segments that are no longer written", () => {
  it("are compressed, all but the last, and every reader gives the same as before", async () => {
    const plain = await namesOf();
    const [lines, searched] = [await allLines(), await found("")];
    expect(plain.length).toBeGreaterThan(4);
    const done = await compressing();
    expect(done).toMatchObject({ segments: plain.length - 1 });
    expect(done.after).toBeLessThan(done.before / 3);
    expect(await namesOf()).toEqual([...plain.slice(0, -1).map((name) => `${name}.zst`), plain.at(-1)]);
    expect(await allLines()).toEqual(lines);
    expect((await Array.fromAsync(readLines(dir, { from: 31, to: 57 }))).map(({ text }) => text)).toEqual(
      lines.slice(31, 57),
    );
    expect(await found("")).toEqual(searched);
    await rm(join(dir, "index.sqlite"));
    expect(await found("")).toEqual(searched);
    expect((await Array.fromAsync(groupEntries(readLines(dir)))).map(({ at }) => at)).toEqual(searched.toReversed());
    expect(await verifyJournal(dir, { vkey })).toMatchObject({
      verdict: "ok",
      findings: [],
      notes: [],
      entries: SIZE,
      segments: plain.length,
    });
    expect(await verifySegment(join(dir, "segments", `${plain[1]}.zst`), { vkey })).toMatchObject({
      verdict: "ok",
      findings: [],
    });
    expect(await compressing()).toMatchObject({ segments: 0 });
  });

  it("stay part of the journal after compression: it is opened, and continued", async () => {
    await compressing();
    const again = await openWithCheckpoints(dir, key, { segmentBytes: 12_000 });
    for (let number = 0; number < 40; number++) await again.journal.append(anIntent(100 + number));
    await again.close();
    await compressing();
    expect((await allLines()).length).toBe(SIZE + 40);
    expect(await verifyJournal(dir, { vkey })).toMatchObject({
      verdict: "ok",
      findings: [],
      entries: SIZE + 40,
      uncovered: 0,
    });
  });

  it("are deleted by retention when compressed, like plain ones", async () => {
    await compressing();
    const { journal, checkpoints, close } = await openWithCheckpoints(dir, key);
    const openDoNotCalls = new OpenDoNotCalls();
    const search = new JournalSearch(dir);
    await search.refresh();
    await openDoNotCalls.start(await search.openDncSnapshot(100));
    search.close();
    const deleted = await deleteExpired({
      journal,
      checkpoints,
      openDoNotCalls,
      keep: { default: 1 },
      holds: [],
      now: () => Date.now() + 1000,
    });
    expect(deleted?.segments.length).toBeGreaterThan(3);
    await close();
    expect(await namesOf()).toEqual((await segmentsOf(dir)).slice(-1));
    expect(await verifyJournal(dir, { vkey })).toMatchObject({ verdict: "ok", findings: [], retired: deleted!.to });
  });

  it("are compressed only after their time, counted from the beginning of the next one", async () => {
    expect(await compressing({ after: 3_600_000 })).toMatchObject({ segments: 0 });
    expect((await compressing({ after: 3_600_000, now: () => Date.now() + 3_700_000 })).segments).toBeGreaterThan(3);
  });

  it("can be decompressed by the standard tool, if it is installed", async () => {
    const [first] = await segmentsOf(dir);
    const text = await readFile(join(dir, "segments", first!), "utf8");
    await compressing();
    const bytes = await readFile(join(dir, "segments", `${first}.zst`));
    expect(zstdDecompressSync(bytes).toString()).toBe(text.slice(0, 65_536));
    const unpacked = zstd(bytes);
    if (unpacked !== undefined) expect(unpacked).toBe(text);
  });

  it("with several frames are read across the frames", async () => {
    await removeDirectory(dir);
    const { journal, close } = await openWithCheckpoints(dir, key, { durability: "os", segmentBytes: 500_000 });
    await Promise.all(
      Array.from({ length: 900 }, (_, number) =>
        journal.append(anIntent(number, { note: `${number} `.repeat(number % 700) })),
      ),
    );
    for (let number = 900; number < 905; number++) await journal.append(anIntent(number));
    await close();
    const lines = await allLines();
    await compressing();
    expect((await namesOf()).filter((name) => name.endsWith(".zst")).length).toBeGreaterThan(0);
    expect(await allLines()).toEqual(lines);
    const size = await withSegment(nodeDisk, dir, 0, (file) => file.size());
    expect(size).toBeGreaterThan(3 * 65_536);
    expect(await verifyJournal(dir, { vkey })).toMatchObject({ verdict: "ok", findings: [] });
  });
});

/** Undefined where the program is not installed. */
const zstd = (bytes: Buffer): string | undefined => {
  try {
    return execFileSync("zstd", ["-dc"], { input: bytes, stdio: ["pipe", "pipe", "ignore"] }).toString();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
};

describe("compression that is interrupted", () => {
  it("at any disk call leaves a journal that verifies with every line, and is continued by the next run", async () => {
    const kept = `${dir}-kept`;
    await cp(dir, kept, { recursive: true });
    const lines = await allLines();
    try {
      let interrupted = 0;
      for (let k = 0; ; k++) {
        await removeDirectory(dir);
        await cp(kept, dir, { recursive: true });
        const trouble = new TroubledDisk();
        trouble.break({ code: "EIO", after: k, half: true });
        const failed = await compressing({ journal: { dir, disk: trouble.disk } }).then(
          () => false,
          () => true,
        );
        if (!failed) break;
        interrupted++;
        expect(await allLines(), `k ${k}`).toEqual(lines);
        expect(await verifyJournal(dir, { vkey }), `k ${k}`).toMatchObject({ verdict: "ok", findings: [] });
        const again = await openWithCheckpoints(dir, key);
        await again.close();
        await compressing();
        expect(
          (await namesOf()).filter((name) => !name.endsWith(".zst")),
          `k ${k}`,
        ).toHaveLength(1);
        expect(await allLines(), `k ${k}`).toEqual(lines);
        expect(await verifyJournal(dir, { vkey }), `k ${k}`).toMatchObject({ verdict: "ok", findings: [] });
      }
      expect(interrupted).toBeGreaterThan(20);
    } finally {
      await removeDirectory(kept);
    }
  });

  it.each([1, 2, 20, 60])("ends at the %sth check for a stop, and leaves no partial file", async (times) => {
    let asked = 0;
    const before = await allLines();
    await compressing({ isStopped: () => ++asked >= times });
    expect(await namesOf()).toHaveLength(
      (await segmentsOf(dir)).length + (await namesOf()).filter((name) => name.endsWith(".zst")).length,
    );
    expect(await allLines()).toEqual(before);
    await compressing();
    expect((await namesOf()).filter((name) => !name.endsWith(".zst"))).toHaveLength(1);
  });

  it("removes the partial file of a crash", async () => {
    await writeFile(join(dir, "segments/000000000000.jsonl.zst.tmp"), "half");
    await compressing();
    expect((await namesOf()).filter((name) => name.endsWith(".tmp"))).toEqual([]);
  });

  it("replaces an incomplete compressed file beside a complete plain one", async () => {
    const [first] = await segmentsOf(dir);
    const path = join(dir, "segments", first!);
    await copyFile(path, `${path}.kept`);
    await compressing();
    await copyFile(`${path}.kept`, path);
    await rm(`${path}.kept`);
    expect((await verifyJournal(dir, { vkey })).notes).toEqual([
      expect.stringContaining(`${first} exists beside its compressed form, and only that is read`),
    ]);
    await writeFile(`${path}.zst`, (await readFile(`${path}.zst`)).subarray(0, -3));
    await compressing();
    expect(await verifyJournal(dir, { vkey })).toMatchObject({ verdict: "ok", findings: [] });
    expect(await namesOf()).not.toContain(first);
  });
});

describe("a segment whose lines were changed", () => {
  it("stays plain and is reported; the others are compressed", async () => {
    const [, second] = await segmentsOf(dir);
    const path = join(dir, "segments", second!);
    await writeFile(path, (await readFile(path, "utf8")).replace("alpha-crm", "alpha-crl"));
    const failures: string[] = [];
    await compressing({ onFailure: (why) => failures.push(why) });
    expect(failures).toEqual([expect.stringContaining(`${second} line 1 does not match its leaf hash`)]);
    expect((await namesOf()).filter((name) => !name.endsWith(".zst"))).toEqual([
      second,
      (await segmentsOf(dir)).at(-1),
    ]);
  });

  it.each<[string, (bytes: Buffer) => Buffer, string]>([
    ["cut off", (bytes) => bytes.subarray(0, -1), "cannot be unpacked from its byte"],
    ["emptied", () => Buffer.alloc(0), "cannot be unpacked from its byte 0"],
    [
      "with additional bytes at the end",
      (bytes) => Buffer.concat([bytes, Buffer.from("more")]),
      "cannot be unpacked from its byte",
    ],
    [
      "with a second frame that is in no table",
      (bytes) => Buffer.concat([zstdCompressSync(Buffer.from("{}\n")), bytes]),
      "cannot be unpacked",
    ],
    [
      "compressed again with a changed line",
      (bytes) => repacked(zstdDecompressSync(bytes).toString().replace("alpha-crm", "alpha-crl")),
      "line 1 of 000000000000.jsonl (index 0) was changed",
    ],
    [
      "decompressing to far more than a frame may hold",
      () => repacked("x".repeat(64 << 20)),
      "cannot be unpacked from its byte 0",
    ],
  ])(
    "in its compressed form, %s, is broken, and the journal does not open if every line is read",
    async (_what, change, says) => {
      await compressing();
      const path = join(dir, "segments/000000000000.jsonl.zst");
      await writeFile(path, change(await readFile(path)));
      const report = await verifyJournal(dir, { vkey });
      expect(report).toMatchObject({ verdict: "broken" });
      expect(report.findings.map(({ text }) => text).join("\n")).toContain(says);
      await rm(join(dir, "states"), { recursive: true });
      await expect(openWithCheckpoints(dir, key)).rejects.toThrow(JournalDamaged);
      expect(await verifySegment(path, { vkey })).toMatchObject({ verdict: "broken" });
    },
  );

  it("is broken whichever byte of its compressed form is changed, or reads as before", async () => {
    const quick = await aQuickDirectory();
    try {
      const own = await aJournal(quick, key, { size: 12, checkpointsAt: [12], segmentBytes: 3000 });
      await compressing({ journal: { dir: quick, disk: nodeDisk } });
      const path = join(quick, "segments/000000000000.jsonl.zst");
      const bytes = await readFile(path);
      const text = zstdDecompressSync(bytes);
      for (let at = 0; at < bytes.length; at++) {
        const other = Buffer.from(bytes);
        other[at]! ^= 0x20;
        await writeFile(path, other);
        const { verdict } = await verifyJournal(quick, { vkey: own });
        if (verdict === "broken") continue;
        // Some bits of a frame's head say nothing about its content.
        const read = await withSegment(nodeDisk, quick, 0, async (file) => {
          const into = Buffer.alloc(text.length);
          await file.read(into, 0);
          return into;
        });
        expect(read.equals(text), `byte ${at}`).toBe(true);
      }
    } finally {
      await removeDirectory(quick);
    }
  }, 60_000);
});

/** A frame with its table, as somebody would make it who knows the format. */
const repacked = (text: string): Buffer => {
  const frame = zstdCompressSync(Buffer.from(text));
  const table = Buffer.alloc(25);
  table.writeUInt32LE(0x184d2a5e, 0);
  table.writeUInt32LE(17, 4);
  table.writeUInt32LE(frame.length, 8);
  table.writeUInt32LE(Buffer.byteLength(text), 12);
  table.writeUInt32LE(1, 16);
  table.writeUInt32LE(0x8f92eab1, 21);
  return Buffer.concat([frame, table]);
};
