import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { JournalUnavailable, type Journal, type JournalOptions } from "../../src/journal/journal.ts";
import { openJournal } from "../../src/journal/write/open-journal.ts";
import { nodeDisk, type Disk } from "../../src/journal/disk.ts";
import { readEntries } from "../../src/journal/read/read-entries.ts";
import { digestBytes, leafHash, rootOf } from "../../src/journal/integrity/merkle-tree.ts";
import { aDirectory, aRefusal, anIntent, linesOf, removeDirectory, segmentsOf } from "./kit.ts";

let dir: string;
const opened: Journal[] = [];

const open = async (options: Partial<JournalOptions> = {}): Promise<Journal> => {
  const journal = await openJournal({ dir, durability: "flush", ...options });
  opened.push(journal);
  return journal;
};

beforeEach(async () => {
  dir = await aDirectory();
});
afterEach(async () => {
  await Promise.allSettled(opened.splice(0).map((journal) => journal.close()));
  await removeDirectory(dir);
});

/** Counts the calls, and lets writes that end on the disk wait until they are let go. */
const watched = (): { disk: Disk; calls: string[]; hold: () => () => void } => {
  const calls: string[] = [];
  let gate: Promise<void> | undefined;
  const disk: Disk = {
    ...nodeDisk,
    open: async (path, how) => {
      const file = await nodeDisk.open(path, how);
      if (!path.endsWith(".jsonl")) return file;
      return {
        ...file,
        write: async (bytes, position) => {
          calls.push(how === "durable" ? "durable write" : "write");
          if (how === "durable") await gate;
          return file.write(bytes, position);
        },
        flush: async () => {
          calls.push("flush");
          await gate;
          await file.flush();
        },
      };
    },
  };
  return {
    disk,
    calls,
    hold: () => {
      const { promise, resolve } = Promise.withResolvers<void>();
      gate = promise;
      return () => {
        gate = undefined;
        resolve();
      };
    },
  };
};

const turn = (): Promise<void> => new Promise(setImmediate);

describe("append", () => {
  it("keeps the order of 1000 parallel appends and lets them share flushes", async () => {
    const { disk, calls } = watched();
    const journal = await open({ disk });
    await Promise.all(Array.from({ length: 1000 }, (_, number) => journal.append(anIntent(number))));
    expect(calls.filter((call) => call === "durable write").length).toBeLessThanOrEqual(3);
    expect(new Set(calls)).toEqual(new Set(["durable write"]));
    const entries = await Array.fromAsync(readEntries(dir));
    expect(entries.map(({ index }) => index)).toEqual(Array.from({ length: 1000 }, (_, index) => index));
    expect(entries.map((entry) => entry.kind === "intent" && entry.id)).toEqual(
      Array.from({ length: 1000 }, (_, number) => anIntent(number).id),
    );
  });

  it("resolves only when the entry is on disk, and forms the next group meanwhile", async () => {
    const { disk, calls, hold } = watched();
    const journal = await open({ disk });
    const letGo = hold();
    const done: number[] = [];
    const first = journal.append(anIntent(0)).then(() => done.push(0));
    await expect.poll(() => calls).toEqual(["durable write"]);
    const rest = [1, 2, 3].map((number) => journal.append(anIntent(number)).then(() => done.push(number)));
    await turn();
    expect(done).toEqual([]);
    expect(journal.status()).toMatchObject({ size: 0, waiting: 4 });
    letGo();
    await Promise.all([first, ...rest]);
    expect(done).toEqual([0, 1, 2, 3]);
    expect(calls).toEqual(["durable write", "durable write"]);
  });

  it("flushes a single entry after the turn in which it came", async () => {
    const { disk, calls } = watched();
    const journal = await open({ disk });
    await journal.append(anIntent(0));
    for (let number = 1; number < 4; number++) {
      await turn();
      const done = journal.append(anIntent(number));
      await turn();
      expect(calls).toHaveLength(number + 1);
      await done;
    }
  });

  it("gathers entries after a group of several, as long as each turn brings more", async () => {
    const { disk, calls } = watched();
    const journal = await open({ disk });
    await Promise.all([journal.append(anIntent(0)), journal.append(anIntent(1))]);
    const done: Promise<void>[] = [];
    for (let number = 2; number < 6; number++) {
      done.push(journal.append(anIntent(number)));
      await turn();
    }
    expect(calls).toHaveLength(1);
    await Promise.all(done);
    expect(calls).toHaveLength(2);
  });

  it("gathers entries for a limited time", async () => {
    let micros = 0;
    const { disk, calls } = watched();
    const journal = await open({ disk, clocks: { wall: () => micros, steady: () => micros } });
    await Promise.all([journal.append(anIntent(0)), journal.append(anIntent(1))]);
    const late: Promise<void>[] = [];
    for (let number = 2; calls.length === 1; number++) {
      late.push(journal.append(anIntent(number)));
      micros += 1000;
      await turn();
      expect(number).toBeLessThan(20);
    }
    await Promise.all(late);
  });

  it("begins a new segment when one is full, named by its first index, also after opening again", async () => {
    let journal = await open({ segmentBytes: 1000 });
    for (let number = 0; number < 8; number++) await journal.append(anIntent(number));
    await journal.close();
    journal = await open({ segmentBytes: 1000 });
    expect(journal.status()).toMatchObject({ size: 8, torn: undefined });
    for (let number = 8; number < 12; number++) await journal.append(anIntent(number));
    const segments = await segmentsOf(dir);
    expect(segments.length).toBeGreaterThan(2);
    for (const segment of segments) {
      expect(JSON.parse((await linesOf(dir, segment))[0]!)).toMatchObject({ index: Number(segment.slice(0, 12)) });
    }
    expect((await Array.fromAsync(readEntries(dir))).map(({ index }) => index)).toEqual(
      Array.from({ length: 12 }, (_, index) => index),
    );
  });

  it("gives the root of the lines on disk, and writes their leaf hashes beside each segment", async () => {
    const journal = await open({ segmentBytes: 1000 });
    for (let number = 0; number < 7; number++) await journal.append(anIntent(number));
    const { size, root } = await journal.head();
    const leaves: string[] = [];
    for (const segment of await segmentsOf(dir)) {
      const own = (await linesOf(dir, segment)).map((line) => leafHash(Buffer.from(line)));
      expect((await readFile(join(dir, "segments", segment.replace(".jsonl", ".hashes")))).toString("latin1")).toBe(
        own.join(""),
      );
      leaves.push(...own);
    }
    expect(size).toBe(7);
    expect(digestBytes(root)).toEqual(digestBytes(rootOf(leaves)));
  });

  it("accepts a line larger than its buffer", async () => {
    const journal = await open();
    const text = "ä".repeat(900_000);
    await Promise.all([
      journal.append(anIntent(0)),
      journal.append(anIntent(1, { NOTE: text })),
      journal.append(anIntent(2)),
    ]);
    const entries = await Array.fromAsync(readEntries(dir));
    expect(entries).toHaveLength(3);
    expect(entries[1]).toMatchObject({ body: { NOTE: text } });
  });

  it("rejects an entry that cannot be serialized, and keeps working", async () => {
    const journal = await open();
    const body: Record<string, unknown> = {};
    body.self = body;
    await expect(journal.append(anIntent(0, body))).rejects.toThrow(TypeError);
    await journal.append(anIntent(1));
    expect((await Array.fromAsync(readEntries(dir))).map(({ index }) => index)).toEqual([0]);
  });
});

describe("note", () => {
  it("shares the flush of the next append", async () => {
    const { disk, calls } = watched();
    const journal = await open({ disk });
    journal.note(aRefusal(0));
    await journal.append(anIntent(1));
    expect(calls).toEqual(["durable write"]);
    expect((await Array.fromAsync(readEntries(dir))).map(({ kind }) => kind)).toEqual(["refusal", "intent"]);
  });

  it("reaches the disk by itself when nothing is appended", async () => {
    const journal = await open();
    journal.note(aRefusal(0));
    await expect.poll(() => journal.status().size).toBe(1);
  });

  it("reaches the disk when the journal is closed", async () => {
    const journal = await open();
    journal.note(aRefusal(0));
    await journal.close();
    expect(await Array.fromAsync(readEntries(dir))).toMatchObject([{ index: 0, id: "refused-0" }]);
  });

  it("holds a limited amount, and a gap states how many entries were dropped", async () => {
    const { disk, hold } = watched();
    const journal = await open({ disk });
    const letGo = hold();
    const first = journal.append(anIntent(0));
    await turn();
    for (let number = 0; number < 40_000; number++) journal.note(aRefusal(number));
    const { waiting, lost } = journal.status();
    expect(waiting + lost).toBe(40_001);
    expect(lost).toBeGreaterThan(0);
    letGo();
    await first;
    await journal.head();
    await journal.append(anIntent(1));
    const entries = await Array.fromAsync(readEntries(dir));
    expect(entries.at(-2)).toMatchObject({ kind: "gap", lost });
    expect(entries).toHaveLength(waiting + 2);
    expect(journal.status().lost).toBe(0);
  });
});

describe("a journal that is closed", () => {
  it("rejects later entries, and can be closed again", async () => {
    const journal = await open();
    await journal.append(anIntent(0));
    await Promise.all([journal.close(), journal.close()]);
    await expect(journal.append(anIntent(1))).rejects.toThrow(JournalUnavailable);
    expect(await Array.fromAsync(readEntries(dir))).toHaveLength(1);
  });
});
