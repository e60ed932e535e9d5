/** The journal while its disk fails, and how it goes on by itself. */
import { readFile, readdir, rename } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import {
  JournalUnavailable,
  type Journal,
  type JournalNews,
  type JournalOptions,
} from "../../../src/journal/journal.ts";
import { openJournal } from "../../../src/journal/write/open-journal.ts";
import { createCheckpoints } from "../../../src/journal/integrity/checkpoints/checkpoint.ts";
import type { Entry, Recorded } from "../../../src/journal/entry.ts";
import { readEntries } from "../../../src/journal/read/read-entries.ts";
import { writeStartEntries } from "../../../src/journal/write/start-entries.ts";
import { leafHash } from "../../../src/journal/integrity/merkle-tree.ts";
import { verifyJournal } from "../../../src/journal/verify/verify.ts";
import {
  ORIGIN,
  aDirectory,
  aKey,
  aRefusal,
  anIntent,
  anOutcome,
  linesOf,
  removeDirectory,
  segmentsOf,
} from "../kit.ts";
import { TroubledDisk, type Fault } from "../failing-disk.ts";

const key = aKey();
let dir: string;
let trouble: TroubledDisk;
let journal: Journal;
const opened: Journal[] = [];
let news: JournalNews[];

const open = async (options: Partial<JournalOptions> = {}): Promise<Journal> =>
  (journal =
    opened[
      opened.push(
        await openJournal({
          dir,
          durability: "flush",
          disk: trouble.disk,
          onNews: (one) => news.push(one),
          ...options,
        }),
      ) - 1
    ]!);

beforeEach(async () => {
  dir = await aDirectory();
  trouble = new TroubledDisk();
  news = [];
});
afterEach(async () => {
  await Promise.allSettled(opened.splice(0).map((one) => one.close()));
  await removeDirectory(dir);
});

const entriesIn = (place = dir): Promise<Recorded[]> => Array.fromAsync(readEntries(place));
const idOf = (entry: Recorded): string => ("id" in entry ? entry.id : "");
const mended = (): Promise<void> => expect.poll(() => journal.status().failed, { timeout: 5000 }).toBeUndefined();
const refusalOf = (client: string): Entry => ({ ...aRefusal(0), client });

/** Every entry in its place, each DoNotCall number once, and one end for every intent but those in `open`. */
const expectWhole = (entries: readonly Recorded[], open: readonly string[] = []): void => {
  expect(entries.map(({ index }) => index)).toEqual(entries.map((_, at) => at));
  expect(entries.flatMap((entry) => (entry.kind === "intent" ? entry.dnc : []))).toEqual(
    entries.filter(({ kind }) => kind === "intent").map((_, at) => at + 1),
  );
  const ends = entries.filter(({ kind }) => kind === "outcome" || kind === "in-doubt").map(idOf);
  expect(new Set(ends).size).toBe(ends.length);
  expect(
    entries
      .filter(({ kind }) => kind === "intent")
      .map(idOf)
      .filter((id) => !ends.includes(id)),
  ).toEqual(open);
};

describe("while the disk fails", () => {
  it("acknowledges nothing, with the reason and no path; then the journal continues in a new segment", async () => {
    await open();
    await journal.append(anIntent(0));
    trouble.break({ code: "ENOSPC", only: /segments write/, half: true });
    const error = await journal.append(anIntent(1)).catch((caught: unknown) => caught);
    expect(error).toBeInstanceOf(JournalUnavailable);
    expect(error).toMatchObject({ reason: "no space is left on the disk" });
    for (let number = 2; number < 5; number++) await expect(journal.append(anIntent(number))).rejects.toBe(error);
    expect(journal.status()).toMatchObject({
      size: 1,
      failures: 1,
      waiting: 0,
      failed: expect.stringContaining("cannot be written: no space is left on the disk") as string,
    });
    await expect(journal.head()).rejects.toBe(error);
    await new Promise((resolve) => setTimeout(resolve, 350));
    await expect(journal.append(anIntent(5))).rejects.toBe(error);
    trouble.mend();
    await mended();
    await journal.append(anIntent(6));
    const entries = await entriesIn();
    expect(entries).toMatchObject([
      { id: anIntent(0).id },
      { kind: "gap", reason: "the journal could not be written: no space is left on the disk", lost: 0 },
      { id: anIntent(6).id, dnc: 2 },
    ]);
    expect(await segmentsOf(dir)).toEqual(["000000000000.jsonl", "000000000001.jsonl"]);
    expect(news).toMatchObject([
      { kind: "broken", reason: "no space is left on the disk" },
      { kind: "recovered", lost: 0, buffered: 0 },
    ]);
  });

  it("a descriptor that failed is only closed", async () => {
    await open();
    await journal.append(anIntent(0));
    trouble.break({ code: "EIO", times: 3 });
    await expect(journal.append(anIntent(1))).rejects.toThrow(JournalUnavailable);
    await mended();
    expect(trouble.onFailed).toEqual([]);
    const { durability } = { durability: "os" as const };
    await journal.close();
    await open({ durability, segmentBytes: 500 });
    trouble.break({ code: "EIO", only: /flush/, times: 2 });
    await Promise.allSettled([2, 3].map((number) => journal.append(anIntent(number))));
    await journal.append(anIntent(4)).catch(() => undefined);
    await mended();
    expect(trouble.onFailed).toEqual([]);
    expect(journal.status().failures).toBe(1);
  });

  it("noted entries are counted in the gap; news and floods are kept", async () => {
    await open();
    journal.note(refusalOf("a"));
    trouble.break({ code: "EIO" });
    await expect(journal.append(anIntent(0))).rejects.toThrow(JournalUnavailable);
    for (let number = 0; number < 5; number++) journal.note(refusalOf("a"));
    journal.note({ kind: "switchover", upstream: "ocs", from: "a", to: "b", epoch: 2 });
    expect(journal.status()).toMatchObject({ lost: 5, buffered: 1 });
    trouble.mend();
    await mended();
    expect(await entriesIn()).toMatchObject([
      { kind: "gap", lost: 6 },
      { kind: "switchover", epoch: 2 },
    ]);
    expect(journal.status()).toMatchObject({ lost: 0, buffered: 0 });
  });

  it("lost intents and outcomes are counted separately from lost refusals", async () => {
    await open({ onFailure: "continue" });
    trouble.break({ code: "EIO", only: /segments write/, after: 1 });
    await journal.append(aRefusal(0));
    await journal.append(aRefusal(1));
    await expect.poll(() => journal.status().failed).toBeDefined();
    await journal.append(anIntent(0));
    await journal.append(anOutcome(anIntent(0).id));
    journal.note(refusalOf("a"));
    expect(journal.status()).toMatchObject({ lost: 3, lost_requests: 2 });
    trouble.mend();
    await mended();
    expect(journal.status()).toMatchObject({ lost: 0, lost_requests: 0 });
  });

  it("a journal that is closed while it recovers writes nothing after it has released the directory", async () => {
    await open();
    await journal.append(anIntent(0));
    trouble.break({ code: "EIO", times: 1 });
    await expect(journal.append(anIntent(1))).rejects.toThrow(JournalUnavailable);
    const go = trouble.hang();
    await new Promise((resolve) => setTimeout(resolve, 300));
    const closed = journal.close();
    go();
    await closed;
    const { length } = trouble.calls;
    await expect(journal.append(anIntent(2))).rejects.toThrow(JournalUnavailable);
    await new Promise((resolve) => setTimeout(resolve, 300));
    expect(trouble.calls.slice(length)).toEqual([]);
    expect((await entriesIn()).map(idOf).filter(Boolean)).toEqual([anIntent(0).id]);
  });

  it("the outcome of a request in flight is kept, and written first afterwards", async () => {
    await open();
    await Promise.all([journal.append(anIntent(0)), journal.append(anIntent(1))]);
    trouble.break({ code: "EIO" });
    await expect(journal.append(anOutcome(anIntent(0).id))).rejects.toThrow(JournalUnavailable);
    await expect(journal.append(anOutcome(anIntent(1).id))).rejects.toThrow(JournalUnavailable);
    trouble.mend();
    await mended();
    await journal.append(anIntent(2));
    const entries = await entriesIn();
    expect(entries.map(({ kind }) => kind)).toEqual(["intent", "intent", "gap", "outcome", "outcome", "intent"]);
    expectWhole(entries, [anIntent(2).id]);
  });

  it("the outage does not end by closing, and the next start finds an intact journal", async () => {
    await open();
    await journal.append(anIntent(0));
    trouble.break({ code: "EIO", half: true });
    await expect(journal.append(anIntent(1))).rejects.toThrow(JournalUnavailable);
    await journal.close();
    trouble.mend();
    await open();
    await writeStartEntries(journal, { version: "1" });
    const entries = await entriesIn();
    expect(entries.map(({ kind }) => kind)).toEqual(["intent", "start", "in-doubt"]);
    expectWhole(entries);
  });
});

describe("a disk that does not answer", () => {
  it("counts as failed after its time limit; a late line stays, and an outcome closes it as not sent", async () => {
    await open({ stuckMs: 1000, refusal: { status: 503, code: "OCSGW-5101" } });
    await journal.append(anIntent(0));
    const letGo = trouble.hang();
    const late = journal.append(anIntent(1));
    await expect(late).rejects.toThrow("no answer from the disk for 1000 ms");
    await expect(journal.append(anIntent(2))).rejects.toThrow(JournalUnavailable);
    letGo();
    await mended();
    const entries = await entriesIn();
    expect(entries).toMatchObject([
      { id: anIntent(0).id },
      { id: anIntent(1).id },
      { kind: "gap" },
      { kind: "outcome", id: anIntent(1).id, delivery: "not-sent", origin: "gateway", status: 503, code: "OCSGW-5101" },
    ]);
    expectWhole(entries, [anIntent(0).id]);
  });

  it("is not waited for by a checkpoint, nor at the end", async () => {
    await open({ stuckMs: 1000 });
    await journal.append(anIntent(0));
    const checkpoints = await createCheckpoints(journal, { key, origin: ORIGIN, everyMs: 3_600_000 });
    const letGo = trouble.hang();
    await expect(checkpoints.write()).rejects.toThrow("no answer");
    await expect(journal.append(anIntent(1))).rejects.toThrow(JournalUnavailable);
    letGo();
    await mended();
    await checkpoints.write();
    expect(checkpoints.last().size).toBe(2);
    await checkpoints.stop();
  });

  it("is detected even if nothing is written, with one check at a time", async () => {
    await open({ stuckMs: 1500 });
    await journal.append(anIntent(0));
    const [letGo, before] = [trouble.hang(), trouble.looks];
    await expect
      .poll(() => journal.status().failed ?? "", { timeout: 5000 })
      .toContain("no answer from the disk for 1500 ms");
    expect(trouble.looks - before).toBeLessThanOrEqual(1);
    letGo();
    await mended();
    await expect.poll(() => trouble.looks - before, { timeout: 5000 }).toBeGreaterThan(2);
  });

  it("counts as failed if it hangs while leaf hashes are written", async () => {
    await open({ stuckMs: 500 });
    await Promise.all(Array.from({ length: 2047 }, (_, number) => journal.append(anIntent(number))));
    let letGo = (): void => undefined;
    trouble.onCall = (what) => {
      if (what === "segments.hashes write") letGo = trouble.hang();
    };
    await journal.append(anIntent(2047));
    await expect(journal.append(anIntent(2048))).rejects.toThrow("no answer from the disk for 500 ms");
    trouble.onCall = undefined;
    letGo();
    await mended();
    await journal.append(anIntent(2049));
    const { size, root } = await journal.head();
    expect(size).toBe(2050);
    await journal.close();
    const again = await open();
    expect((await again.head()).root).toBe(root);
  });

  it("is not waited for once it counts as failed, neither by a checkpoint nor by closing", async () => {
    await open({ stuckMs: 200 });
    await journal.append(anIntent(0));
    const checkpoints = await createCheckpoints(journal, { key, origin: ORIGIN, everyMs: 3_600_000 });
    const letGo = trouble.hang();
    await expect(journal.append(anIntent(1))).rejects.toThrow(JournalUnavailable);
    // By then it tries again, and that hangs too.
    await new Promise((resolve) => setTimeout(resolve, 300));
    await expect(checkpoints.stop()).rejects.toThrow(JournalUnavailable);
    await journal.close();
    letGo();
    await expect.poll(() => readdir(join(dir, "lock")), { timeout: 5000 }).toEqual(["writer"]);
  });
});

describe("a journal directory that vanishes", () => {
  it("is detected during writing, is not created again, and is used again when it is back", async () => {
    await open({ stuckMs: 1000 });
    await journal.append(anIntent(0));
    await rename(dir, `${dir}-aside`);
    try {
      await expect.poll(() => journal.status().failed ?? "", { timeout: 5000 }).toContain("no longer in its place");
      await expect(journal.append(anIntent(1))).rejects.toThrow(JournalUnavailable);
      await new Promise((resolve) => setTimeout(resolve, 300));
      expect(journal.status().failed).toBeDefined();
    } finally {
      await rename(`${dir}-aside`, dir);
    }
    await mended();
    await journal.append(anIntent(2));
    expect((await entriesIn()).map(idOf)).toEqual([anIntent(0).id, "", anIntent(2).id]);
  });
});

describe("with on_failure: continue", () => {
  it("requests continue, a gap counts the lost entries, and no outcome exists without its intent", async () => {
    await open({ onFailure: "continue" });
    await journal.append(anIntent(0));
    trouble.break({ code: "ENOSPC", half: true });
    // Of one group; then while it is broken.
    await Promise.all([journal.append(anIntent(1)), journal.append(anIntent(2))]);
    expect(journal.status().failed).toContain("no space is left on the disk");
    await journal.append(anIntent(3));
    for (const number of [0, 1, 3]) await journal.append(anOutcome(anIntent(number).id));
    journal.note(refusalOf("a"));
    trouble.mend();
    await mended();
    await journal.append(anOutcome(anIntent(2).id));
    await journal.append(anIntent(4));
    const entries = await entriesIn();
    expectWhole(entries, [anIntent(4).id]);
    const losses = entries.flatMap((entry) => (entry.kind === "gap" ? (entry.lost ?? 0) : []));
    const recorded = entries.filter(({ kind }) => kind !== "gap").length;
    expect(recorded + losses.reduce((sum, lost) => sum + lost, 0)).toBe(10);
    expect(entries.map(idOf)).toEqual(expect.arrayContaining([0, 4].map((number) => anIntent(number).id)));
  });
});

/**
 * Waves of requests with checkpoints between them, over several segments, through a fault that ends. Resolves with the
 * ids acknowledged.
 */
const workThrough = async (
  place: string,
  fault: Fault,
): Promise<{ acknowledged: string[]; failures: number; vkey: string; calls: number }> => {
  const own = new TroubledDisk();
  const live = await openJournal({ dir: place, durability: "flush", disk: own.disk, segmentBytes: 1500 });
  const checkpoints = await createCheckpoints(live, { key, origin: ORIGIN, everyMs: 3_600_000 });
  const acknowledged: string[] = [];
  const before = own.calls.length;
  own.break(fault);
  for (let wave = 0; wave < 3; wave++) {
    live.note(refusalOf("a"));
    await Promise.all(
      [0, 1, 2].map(async (number) => {
        const entry = anIntent(10 * wave + number);
        await live
          .append(entry)
          .then(() => acknowledged.push(entry.id))
          .catch(() => undefined);
        if (acknowledged.includes(entry.id))
          await live
            .append(anOutcome(entry.id))
            .then(() => acknowledged.push(`outcome ${entry.id}`))
            .catch(() => undefined);
      }),
    );
    if (wave % 2 === 1) await checkpoints.write().catch(() => undefined);
    while (live.status().failed !== undefined) await new Promise((resolve) => setTimeout(resolve, 20));
  }
  await checkpoints.stop().catch(() => undefined);
  const { failures } = live.status();
  await live.close().catch(() => undefined);
  return { acknowledged, failures, vkey: checkpoints.verifierKey, calls: own.calls.length - before };
};

describe.each<Omit<Fault, "after">>([
  { code: "EIO", times: 1 },
  { code: "ENOSPC", half: true, times: 3 },
])("the k-th disk call fails, and with it others: %o", (fault) => {
  it("for every k, loses no acknowledged entry, assigns every number once, and recovers by itself", async () => {
    const { calls } = await workThrough(`${dir}/whole`, { ...fault, times: 0 });
    expect(calls).toBeGreaterThan(25);
    const runs = await Promise.all(
      Array.from({ length: calls }, async (_, k) => ({
        k,
        place: `${dir}/${k}`,
        ...(await workThrough(`${dir}/${k}`, { ...fault, after: k })),
      })),
    );
    expect(runs.filter(({ failures }) => failures > 0).length).toBeGreaterThan(15);
    for (const { k, place, acknowledged, vkey } of runs) {
      const entries = await entriesIn(place);
      const [intents, outcomes] = [
        entries.filter(({ kind }) => kind === "intent").map(idOf),
        entries.filter(({ kind }) => kind === "outcome").map((entry) => `outcome ${idOf(entry)}`),
      ];
      expect(
        acknowledged.filter((id) => [...intents, ...outcomes].filter((other) => other === id).length !== 1),
        `k ${k}`,
      ).toEqual([]);
      expectWhole(entries);
      expect(await verifyJournal(place, { vkey }), `k ${k}`).toMatchObject({ verdict: "ok", findings: [] });
      const again = await openJournal({ dir: place, durability: "os" });
      expect(again.unsettled.size, `k ${k}`).toBe(0);
      await again.close();
      for (const segment of await segmentsOf(place)) {
        const leaves = (await linesOf(place, segment)).map((line) => leafHash(Buffer.from(line))).join("");
        expect(
          (await readFile(join(place, "segments", segment.replace(".jsonl", ".hashes")))).toString("latin1") === leaves,
          `k ${k}, ${segment}`,
        ).toBe(true);
      }
    }
  });
});
