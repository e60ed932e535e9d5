import { appendFile, rm, writeFile } from "node:fs/promises";
import { basename, join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { Deleted, Entry } from "../../../src/journal/entry.ts";
import { appendChecksum } from "../../../src/journal/integrity/line-checksum.ts";
import { verifyJournal, verifySegment } from "../../../src/journal/verify/verify.ts";
import {
  aDirectory,
  aDoNotCall,
  aKey,
  linesOf,
  openWithCheckpoints,
  removeDirectory,
  segmentsOf,
  writeLines,
} from "../kit.ts";

let dir: string;
let vkey: string;
const key = aKey();

/** 30 Do-Not-Calls in four segments, then what is given, then a checkpoint. */
const write = async (last: (segments: readonly string[]) => Deleted | undefined): Promise<void> => {
  const { journal, checkpoints, close } = await openWithCheckpoints(dir, key, { segmentBytes: 3500 });
  for (let number = 0; number < 30; number++) await journal.append(aDoNotCall(number, { open: true })[0]!);
  const entry = last(await segmentsOf(dir));
  if (entry) await journal.append(entry);
  await close();
  vkey = checkpoints.verifierKey;
};

beforeEach(async () => {
  dir = await aDirectory();
});
afterEach(() => removeDirectory(dir));

const retiring = (segments: readonly string[]): Deleted => {
  const to = Number(segments[2]!.slice(0, 12));
  return {
    kind: "deleted",
    from: 0,
    to,
    segments: segments.slice(0, 2),
    youngest: "2026-11-22T12:00:00.000000Z",
    dnc: { 101: to },
  };
};
const remove = async (...places: readonly number[]): Promise<void> => {
  const segments = await segmentsOf(dir);
  for (const place of places) await rm(join(dir, "segments", segments[place]!));
};

describe("segments that retention deleted", () => {
  it("leave a journal that verifies, and the report says what is missing", async () => {
    await write(retiring);
    const [, , third] = await segmentsOf(dir);
    await remove(0, 1);
    const report = await verifyJournal(dir, { vkey });
    expect(report).toMatchObject({
      verdict: "ok",
      entries: 31,
      retired: Number(third!.slice(0, 12)),
      covered: 31,
      dnc: { 101: 30 },
    });
    expect(report.notProved[0]).toContain(`the content of the ${Number(third!.slice(0, 12))} entries`);
  });

  it("are missed if no entry states the deletion", async () => {
    await write(() => undefined);
    await remove(0);
    expect(await verifyJournal(dir, { vkey })).toMatchObject({
      verdict: "broken",
      findings: [
        expect.objectContaining({ kind: "segment", text: expect.stringContaining("no entry records") as string }),
      ],
    });
  });

  it("are missed if the entry covers fewer of them", async () => {
    await write(retiring);
    await remove(0, 1, 2);
    expect((await verifyJournal(dir, { vkey })).verdict).toBe("broken");
  });

  it("are missed if their hashes are gone too", async () => {
    await write(retiring);
    const [first] = await segmentsOf(dir);
    await remove(0, 1);
    await rm(join(dir, "segments", first!.replace(".jsonl", ".hashes")));
    expect((await verifyJournal(dir, { vkey })).verdict).toBe("broken");
  });

  it("are missed if no checkpoint covers the entry, because an attacker can have written it", async () => {
    await write(() => undefined);
    const segments = await segmentsOf(dir);
    const line = Buffer.alloc(4096);
    const length = line.write(
      JSON.stringify({ index: 30, time: "2036-11-22T12:00:00.000000Z", ...retiring(segments) }),
    );
    await appendFile(
      join(dir, "segments", segments.at(-1)!),
      `${line.toString("utf8", 0, appendChecksum(line, 0, length))}\n`,
    );
    await remove(0, 1);
    expect(await verifyJournal(dir, { vkey })).toMatchObject({
      verdict: "broken",
      retired: 0,
      findings: [expect.objectContaining({ kind: "segment" })],
    });
  });

  it("do not hide a change in the remaining lines", async () => {
    await write(retiring);
    await remove(0, 1);
    const [left] = await segmentsOf(dir);
    const lines = await linesOf(dir, left!);
    await writeLines(dir, left!, lines.with(1, lines[1]!.replace("alpha-crm", "alpha-crl")));
    expect(await verifyJournal(dir, { vkey })).toMatchObject({
      verdict: "broken",
      findings: [{ kind: "changed", segment: left, line: 2 }],
    });
  });
});

describe("the numbers of the Do-Not-Calls", () => {
  it("are reported if they have a gap that the journal itself has signed", async () => {
    const { journal, checkpoints, close } = await openWithCheckpoints(dir, key);
    await journal.append(aDoNotCall(0, { open: true })[0]!);
    await close();
    const [segment] = await segmentsOf(dir);
    const [line] = await linesOf(dir, segment!);
    await rm(join(dir, "checkpoints"), { recursive: true });
    const forged = Buffer.alloc(4096);
    const length = forged.write(
      `${line!
        .replace(/,"crc":\d+\}$/, "")
        .replace('{"index":0', '{"index":1')
        .replace('"dnc":1', '"dnc":3')}}`,
    );
    await appendFile(
      join(dir, "segments", segment!),
      `${forged.toString("utf8", 0, appendChecksum(forged, 0, length))}\n`,
    );
    await rm(join(dir, "segments", segment!.replace(".jsonl", ".hashes")));
    const again = await openWithCheckpoints(dir, key);
    await again.close();
    expect(await verifyJournal(dir, { vkey: checkpoints.verifierKey })).toMatchObject({
      verdict: "broken",
      findings: [
        {
          kind: "sequence",
          text: expect.stringContaining("has Do-Not-Call 3 of tenant 101, but the previous one is 1") as string,
        },
      ],
    });
  });
});

describe("the numbers of two OCS", () => {
  const on = (upstream: string | undefined, number: number) =>
    ({ ...aDoNotCall(number, { open: true })[0]!, ...(upstream !== undefined && { upstream }) }) as Entry;
  const START: Entry = { kind: "start", format: 2, version: "1", pid: 1 };
  const written = async (...entries: readonly Entry[]) => {
    const { journal, checkpoints, close } = await openWithCheckpoints(dir, key);
    for (const entry of entries) await journal.append(entry);
    await close();
    return verifyJournal(dir, { vkey: checkpoints.verifierKey });
  };

  it("each start at 1, beside those of format 1, whose last number a start states", async () => {
    expect(
      await written(on(undefined, 0), on(undefined, 1), START, on("sales", 2), on("service", 3), on("sales", 4)),
    ).toMatchObject({ verdict: "ok", dnc: { 101: 2, "sales/101": 2, "service/101": 1 } });
  });

  it("are reported if a signed start states more numbers of format 1 than there are", async () => {
    await written(on(undefined, 0), on(undefined, 1), START);
    const [segment] = await segmentsOf(dir);
    const lines = await linesOf(dir, segment!);
    await rm(join(dir, "checkpoints"), { recursive: true });
    await rm(join(dir, "segments", segment!.replace(".jsonl", ".hashes")));
    const forged = lines.with(2, sealed(lines[2]!.replace('"dnc":{"101":2}', '"dnc":{"101":7}')));
    await writeLines(dir, segment!, forged);
    expect(await written()).toMatchObject({
      verdict: "broken",
      findings: [
        {
          kind: "sequence",
          text: expect.stringContaining(
            "says that the Do-Not-Calls of tenant 101 went up to 7, but the last one is 2",
          ) as string,
        },
      ],
    });
  });

  it("are reported by OCS and tenant if one of them has a gap", async () => {
    await written(on("sales", 0), on("sales", 1), on("service", 2));
    const [segment] = await segmentsOf(dir);
    const lines = await linesOf(dir, segment!);
    await rm(join(dir, "checkpoints"), { recursive: true });
    await rm(join(dir, "segments", segment!.replace(".jsonl", ".hashes")));
    await writeLines(dir, segment!, lines.with(1, sealed(lines[1]!.replace('"dnc":2', '"dnc":3'))));
    expect(await written()).toMatchObject({
      verdict: "broken",
      findings: [
        {
          kind: "sequence",
          text: expect.stringContaining(
            "has Do-Not-Call 3 of tenant 101 of sales, but the previous one is 1",
          ) as string,
        },
      ],
    });
  });
});

/** A changed line with the seal that fits it. */
const sealed = (line: string): string => {
  const bytes = Buffer.alloc(4096);
  const length = bytes.write(line.replace(/,"crc":\d+\}$/, "}"));
  return bytes.toString("utf8", 0, appendChecksum(bytes, 0, length));
};

describe("a single segment", () => {
  const pathOf = async (place: number): Promise<string> => join(dir, "segments", (await segmentsOf(dir))[place]!);

  it("is verified by the checkpoint without the other segments", async () => {
    await write(() => undefined);
    await remove(0);
    const path = await pathOf(0);
    const report = await verifySegment(path, { vkey });
    expect(report).toMatchObject({
      verdict: "ok",
      findings: [],
      missing: [],
      first: Number.parseInt(basename(path), 10),
      covered: report.entries,
      uncovered: 0,
    });
    // The checkpoint is named by its own size, and not by the segment's.
    expect([report.first > 0, report.last!.size >= report.first + report.entries]).toEqual([true, true]);
  });

  it("is broken in the changed line", async () => {
    await write(() => undefined);
    const segment = (await segmentsOf(dir))[1]!;
    const lines = await linesOf(dir, segment);
    await writeLines(dir, segment, lines.with(2, lines[2]!.replace("alpha-crm", "alpha-crl")));
    expect(await verifySegment(await pathOf(1), { vkey })).toMatchObject({
      verdict: "broken",
      findings: [{ kind: "changed", line: 3, index: Number(segment.slice(0, 12)) + 2 }],
    });
    await writeLines(dir, segment, lines.slice(0, -1));
    expect(await verifySegment(await pathOf(1), { vkey })).toMatchObject({
      verdict: "broken",
      findings: [{ kind: "cut" }],
    });
  });

  it("cannot be verified without its journal", async () => {
    await write(() => undefined);
    const [segment] = await segmentsOf(dir);
    const elsewhere = await aDirectory();
    await writeFile(join(elsewhere, segment!), (await linesOf(dir, segment!)).map((line) => `${line}\n`).join(""));
    expect((await verifySegment(join(elsewhere, segment!), { vkey })).verdict).toBe("cannot-tell");
    await removeDirectory(elsewhere);
  });
});
