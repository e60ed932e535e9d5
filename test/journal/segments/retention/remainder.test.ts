import { cp, readFile, readdir, rm, utimes, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { zstdCompressSync, zstdDecompressSync } from "node:zlib";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { Deleted, Entry, Intent } from "../../../../src/journal/entry.ts";
import type { Checkpoints } from "../../../../src/journal/integrity/checkpoints/checkpoint.ts";
import { verifyInBackground } from "../../../../src/journal/integrity/background-verify/background-verify.ts";
import type { Journal, JournalOptions } from "../../../../src/journal/journal.ts";
import { paths } from "../../../../src/journal/paths.ts";
import { OpenDoNotCalls } from "../../../../src/journal/open-dnc/open-dnc-counter.ts";
import { readEntries } from "../../../../src/journal/read/read-entries.ts";
import { parseFilter } from "../../../../src/journal/search/filter/filter.ts";
import { JournalSearch } from "../../../../src/journal/search/journal-search.ts";
import { searchPerson } from "../../../../src/journal/search/person-search.ts";
import { writeBundle } from "../../../../src/journal/export/bundle.ts";
import { verifyBundle } from "../../../../src/journal/verify/bundle/bundle.mjs";
import { compressSegments } from "../../../../src/journal/segments/compress.ts";
import type { Hold, Keep } from "../../../../src/journal/segments/retention/due-segments.ts";
import { finishRemainders, leaveRemainders } from "../../../../src/journal/segments/retention/remainder.ts";
import { deleteExpired } from "../../../../src/journal/segments/retention/retention.ts";
import type { SetAsideRange } from "../../../../src/journal/segments/set-aside-ranges.ts";
import { setAside } from "../../../../src/journal/segments/set-aside.ts";
import { examineSegment } from "../../../../src/journal/segments/examine-segment.ts";
import { firstsOf } from "../../../../src/journal/segments/segment.ts";
import { spansIn } from "../../../../src/journal/segments/entry-ranges.ts";
import { verifyJournal, verifySegment } from "../../../../src/journal/verify/verify.ts";
import {
  aQuickDirectory,
  aDoNotCall,
  aKey,
  anIntent,
  anOutcome,
  aRefusal,
  openWithCheckpoints,
  ORIGIN,
  removeDirectory,
} from "../../kit.ts";
import { TroubledDisk } from "../../failing-disk.ts";

const indexes = vi.hoisted(() => ({ areUsed: true }));
vi.mock(import("../../../../src/journal/export/by-index.ts"), async (load) => {
  const { transactionsByIndex } = await load();
  return { transactionsByIndex: async (wanted) => (indexes.areUsed ? transactionsByIndex(wanted) : undefined) };
});

const DAY = 86_400_000;
const START = Date.parse("2026-01-01T12:00:00Z");
const KEEP: Keep = { default: 400 * DAY, refusal: 2 * DAY };
const key = aKey();
let dir: string;
let journal: Journal;
let checkpoints: Checkpoints;
let today: number;
let close: () => Promise<void>;

const open = async (options: Partial<JournalOptions> = {}): Promise<void> => {
  ({ journal, checkpoints, close } = await openWithCheckpoints(dir, key, {
    durability: "os",
    clocks: { wall: () => today * 1000, steady: () => today * 1000 },
    ...options,
  }));
};

const anAddRecord = (number: number): Intent => ({ ...anIntent(number), resource: "records", action: "AddRecord" });

/**
 * The entries of one day are one segment: refusals 10 times the day, and 10 times the day plus 1, between the others.
 */
const dayOf = (day: number): Entry[] => [
  anAddRecord(10 * day),
  aRefusal(10 * day),
  anOutcome(anAddRecord(10 * day).id),
  ...aDoNotCall(10 * day + 1, { refused: "OCSGW-2103" }),
  aRefusal(10 * day + 1),
  anAddRecord(10 * day + 2),
  anOutcome(anAddRecord(10 * day + 2).id),
  ...aDoNotCall(10 * day + 3),
];
const DAYS = 6;

beforeEach(async () => {
  indexes.areUsed = true;
  dir = await aQuickDirectory();
  today = START;
  await open();
  for (let day = 0; day < DAYS; day++, today += DAY) for (const entry of dayOf(day)) await journal.append(entry);
  today -= DAY;
});
afterEach(async () => {
  await journal.close();
  await removeDirectory(dir);
});

const leaving = async (keep: Keep = KEEP, holds: readonly Hold[] = []): Promise<Deleted | undefined> => {
  await finishRemainders({ journal, checkpoints, keep, holds, now: () => today });
  return (await leaveRemainders({ journal, checkpoints, keep, holds, now: () => today }))?.entry;
};
const verified = () => verifyJournal(dir, { vkey: checkpoints.verifierKey });
const idsOf = async (): Promise<string[]> =>
  (await Array.fromAsync(readEntries(dir))).flatMap((entry) => ("id" in entry ? [`${entry.kind} ${entry.id}`] : []));
const linesIn = async (first: number): Promise<string[]> =>
  zstdDecompressSync(await readFile(paths(dir).compressed(first)))
    .toString()
    .split("\n")
    .slice(0, -1);
const damagesOf = async (setAsideRanges: readonly SetAsideRange[] = []): Promise<string[]> => {
  const damages: string[] = [];
  await verifyInBackground({
    disk: journal.disk,
    dir,
    until: checkpoints.last().size,
    setAsideRanges,
    published: [],
    pace: () => Promise.resolve(),
    verified: () => undefined,
    damaged: ({ text }) => damages.push(text),
  });
  return damages;
};

describe("the remainder of a segment", () => {
  it("has every line except those of the expired kind, byte for byte and at the same byte", async () => {
    const before = (await readFile(paths(dir).segment(0), "utf8")).split("\n").slice(0, -1);
    const entry = await leaving();
    expect(entry).toMatchObject({ from: 0, to: 0, segments: [], kinds: { refusal: { to: 27 } } });
    expect(entry!.remainders!.map(({ from, to, entries, kinds }) => [from, to, entries, kinds])).toEqual([
      [0, 9, 2, ["refusal"]],
      [9, 18, 2, ["refusal"]],
      [18, 27, 2, ["refusal"]],
    ]);
    const after = await linesIn(0);
    expect(after.map((line, at) => (line === before[at] ? "same" : line.trim()))).toEqual(
      before.map((_line, at) => ([1, 4].includes(at) ? "deleted: entry 54 says so" : "same")),
    );
    expect(after.map(({ length }) => length)).toEqual(before.map(({ length }) => length));
    expect((await readdir(join(dir, "segments"))).filter((name) => /^0{12}\./.test(name))).toEqual([
      "000000000000.hashes",
      "000000000000.jsonl.zst",
    ]);
  });

  it("keeps the roots: the journal verifies offline, in the background and at the next start", async () => {
    await leaving();
    expect(await damagesOf()).toEqual([]);
    await close();
    expect(await verified()).toMatchObject({ verdict: "ok", findings: [], deletedByKind: 6, retired: 0 });
    await rm(paths(dir).states, { recursive: true, force: true });
    await open();
    expect(journal.openedFrom.at).toBe(0);
    await journal.append(anIntent(900));
    await close();
    expect(await verified()).toMatchObject({ verdict: "ok", findings: [], deletedByKind: 6 });
  });

  it("keeps every Do-Not-Call, also refused ones, and requests whose entries are in two segments", async () => {
    await journal.append(anAddRecord(700));
    today += DAY;
    await journal.append(anOutcome(anAddRecord(700).id));
    today += DAY;
    await journal.append(anIntent(701));
    today += 10 * DAY;
    await leaving({ default: 400 * DAY, refusal: DAY, intent: DAY, outcome: DAY, abandoned: DAY, "in-doubt": DAY });
    const left = await idsOf();
    expect(left.filter((each) => each.startsWith("refusal"))).toHaveLength(DAYS);
    expect(left.filter((each) => each.includes("000700"))).toHaveLength(2);
    // Of each day the first line, an intent, and its outcome; and the Do-Not-Call.
    expect(left).toHaveLength(DAYS * 5 + 3);
    await close();
    expect(await verified()).toMatchObject({ verdict: "ok", findings: [], dnc: { "101": 2 * DAYS + 1 } });
  });

  it("is not written while the outcome has a longer retention time than its intent", async () => {
    today += 10 * DAY;
    expect(await leaving({ default: 400 * DAY, intent: DAY })).toBeUndefined();
  });

  it("is written once for each kind, and its entry names all deleted lines so far", async () => {
    await leaving({
      default: 400 * DAY,
      refusal: 2 * DAY,
      intent: 5 * DAY,
      outcome: 5 * DAY,
      abandoned: 5 * DAY,
      "in-doubt": 5 * DAY,
    });
    expect(await leaving()).toBeUndefined();
    today += 2 * DAY;
    await journal.append(anIntent(900));
    const again = await leaving({
      default: 400 * DAY,
      refusal: 300 * DAY,
      intent: 5 * DAY,
      outcome: 5 * DAY,
      abandoned: 5 * DAY,
      "in-doubt": 5 * DAY,
    });
    expect(again!.remainders!.map(({ from, entries }) => [from, entries])).toEqual([
      [0, 4],
      [9, 4],
    ]);
    expect(
      new Set((await linesIn(0)).filter((line) => line.startsWith("deleted")).map((line) => line.trim())).size,
    ).toBe(1);
    await close();
    expect(await verified()).toMatchObject({ verdict: "ok", findings: [], deletedByKind: 10 });
  });

  it("is deleted with the other segments when the longest retention time is over", async () => {
    await leaving();
    const counter = new OpenDoNotCalls();
    const search = new JournalSearch(dir);
    await search.refresh();
    await counter.start(await search.openDncSnapshot(100));
    search.close();
    today += 400 * DAY;
    await journal.append(anIntent(900));
    const gone = await deleteExpired({
      journal,
      checkpoints,
      keep: KEEP,
      holds: [],
      openDoNotCalls: counter,
      now: () => today,
    });
    expect(gone).toMatchObject({ from: 0, kinds: { refusal: { to: 27 } } });
    await close();
    expect(await verified()).toMatchObject({ verdict: "ok", findings: [], deletedByKind: 0, retired: gone!.to });
  });

  it("is not written for a segment that a legal hold covers, nor for later ones", async () => {
    const holds = [{ name: "a case", from: START + 1.5 * DAY, until: START + 2.5 * DAY }];
    expect((await leaving(KEEP, holds))!.remainders!.map(({ from }) => from)).toEqual([0]);
    expect(await leaving(KEEP, holds)).toBeUndefined();
    expect((await leaving())!.remainders!.map(({ from }) => from)).toEqual([9, 18]);
  });

  it("is written for the segments before a damaged one; the next run reports the damage", async () => {
    const path = paths(dir).segment(9);
    await writeFile(path, (await readFile(path, "utf8")).replace("OCSGW-2001", "OCSGW-2004"));
    expect((await leaving())!.remainders!.map(({ from }) => from)).toEqual([0]);
    await expect(leaving()).rejects.toThrow("line 2 of 000000000009.jsonl does not match its leaf hash");
    expect((await readdir(join(dir, "segments"))).filter((name) => name.endsWith(".zst"))).toHaveLength(1);
  });

  it("is searched like any segment, and the search says what was deleted", async () => {
    const search = new JournalSearch(dir);
    try {
      await search.refresh();
      expect(await search.count(parseFilter("kind:refusal"))).toMatchObject({ count: 3 * DAYS });
      await search.maintain();
      while (await search.maintain());
      await leaving();
      await search.refresh();
      expect(await search.count(parseFilter("kind:refusal"))).toMatchObject({ count: 3 * DAYS - 6 });
      const { transactions } = await search.page(parseFilter("kind:refusal"), { limit: 100 });
      expect(transactions).toHaveLength(3 * DAYS - 6);
      expect((await search.page(parseFilter("action:AddRecord"), { limit: 100 })).transactions).toHaveLength(2 * DAYS);
      expect((await search.searched()).deleted_kinds).toEqual({
        refusal: { to: 27, youngest: "2026-01-04T12:00:00.000000Z" },
      });
    } finally {
      search.close();
    }
  });

  it.each([
    ["by the indexes", false],
    ["by all lines", true],
  ])(
    "is exported %s: a bundle proves the remaining lines and contains the entry about the others",
    async (_how, byLines) => {
      await leaving();
      await close();
      indexes.areUsed = !byLines;
      const out = join(dir, "bundle");
      const size = checkpoints.last().size;
      const done = await writeBundle(
        {
          dir,
          filter: parseFilter("kind:refusal"),
          size,
          by: "rw",
          purpose: "audit",
          version: "1",
          configHash: "7c1e",
        },
        out,
      );
      expect(done.warnings).toContain(
        "Not covered: entries of kind refusal up to 2026-01-04T12:00:00.000000Z are deleted, as audit.retention says",
      );
      expect(JSON.parse(await readFile(join(out, "query.json"), "utf8"))).toMatchObject({
        fitting: 3 * DAYS - 6,
        looked_through: byLines ? "lines" : "index",
      });
      const report = await verifyBundle(out, checkpoints.verifierKey);
      expect(report).toMatchObject({ verdict: "ok", findings: [], missing: [] });
      expect(await readFile(join(out, "events.ndjson"), "utf8")).toContain('"kind":"deleted"');
    },
  );

  it.each([
    ["refusal", { refusal: 2 * DAY }, ["refusal"]],
    ["access", { access: 2 * DAY }, []],
    ["access and refusal", { access: 2 * DAY, refusal: 2 * DAY }, ["refusal"]],
  ])("of %s makes an earlier look-up of a person incomplete if it has requests", async (_kinds, times, lost) => {
    const access = { kind: "access", user: "maria", operation: "look-up", query: "tenant:101" } as const;
    for (const each of [anIntent(901), access, anIntent(902)]) await journal.append(each);
    today += 3 * DAY;
    await journal.append(anIntent(903));
    today += 3 * DAY;
    const entry = await leaving({ default: 400 * DAY, ...times });
    expect(Object.values(entry!.kinds!).every(({ youngest }) => youngest !== null)).toBe(true);
    const search = new JournalSearch(dir);
    const keys = [{ epoch: "t1", secret: "the first key of this journal, 32 and more" }];
    const look = async (filter: string) => {
      const person = { kind: "phone", value: "4155550100" } as const;
      return (await searchPerson(search, { person, keys, filter: parseFilter(filter) }, { limit: 5 })).evidence;
    };
    try {
      await search.refresh();
      const { gaps } = await look("");
      expect(gaps.map(({ reason }) => reason)).toEqual(
        lost.map((kinds) => expect.stringMatching(`^entries of kind ${kinds} up to .* are deleted, as audit`)),
      );
      expect((await look("since:2026-01-20")).gaps).toEqual([]);
    } finally {
      search.close();
    }
  });

  it("is not damaged, so it cannot be set aside", async () => {
    await leaving();
    await expect(examineSegment({ journal, checkpoints, signer: { key, origin: ORIGIN } }, 9)).rejects.toThrow(
      "is not damaged",
    );
  });

  it("is verified alone as far as that is possible", async () => {
    await leaving();
    await close();
    expect(await verifySegment(paths(dir).compressed(9), { vkey: checkpoints.verifierKey })).toMatchObject({
      verdict: "cannot-tell",
      findings: [],
      missing: [expect.stringContaining("2 of its lines are deleted")],
    });
  });

  it("survives compression if a crash left the plain segment beside it", async () => {
    const plain = await readFile(paths(dir).segment(9));
    await leaving();
    await writeFile(paths(dir).segment(9), plain);
    await compressSegments({ journal, after: 400 * DAY });
    expect(await readdir(join(dir, "segments"))).not.toContain("000000000009.jsonl");
    expect((await linesIn(9)).filter((line) => line.startsWith("deleted"))).toHaveLength(2);
  });
});

describe("writing a remainder that is interrupted", () => {
  it("at any disk call leaves a journal that verifies, and the next run completes it", async () => {
    const kept = `${dir}-kept`;
    await close();
    await cp(dir, kept, { recursive: true });
    const all = await idsOf();
    const left = all.filter((each) => !/refusal refused-(0|1|10|11|20|21)$/.test(each));
    try {
      let interrupted = 0;
      for (let k = 0; ; k++) {
        await removeDirectory(dir);
        await cp(kept, dir, { recursive: true });
        const trouble = new TroubledDisk();
        await open({ disk: trouble.disk });
        trouble.break({ code: "EIO", after: k, half: true });
        const failed = await leaving().then(
          () => false,
          () => true,
        );
        trouble.mend();
        await checkpoints.stop().catch(() => undefined);
        await journal.close().catch(() => undefined);
        const now = new Set(await idsOf());
        expect(
          left.filter((each) => !now.has(each)),
          `k ${k}`,
        ).toEqual([]);
        expect(await verified(), `k ${k}`).toMatchObject({ verdict: "ok", findings: [] });
        await open();
        await leaving();
        await compressSegments({ journal, after: 400 * DAY });
        expect(await damagesOf(), `k ${k}`).toEqual([]);
        await close();
        expect(
          (await idsOf()).filter((each) => !each.startsWith("in-doubt")),
          `k ${k}`,
        ).toEqual(left);
        expect(await verified(), `k ${k}`).toMatchObject({ verdict: "ok", findings: [], deletedByKind: 6 });
        const names = await readdir(join(dir, "segments"));
        expect(
          names.filter((name) => name.endsWith(".tmp")),
          `k ${k}`,
        ).toEqual([]);
        expect(names.includes("000000000009.jsonl"), `k ${k}`).toBe(false);
        if (!failed) break;
        interrupted++;
      }
      expect(interrupted).toBeGreaterThan(20);
    } finally {
      await removeDirectory(kept);
    }
  }, 120_000);
});

describe("a deletion that an entry states and that a crash interrupted", () => {
  const HOLDS = [{ name: "a case", from: START + 1.5 * DAY, until: START + 1.8 * DAY }];
  const finishing = (keep: Keep, holds: readonly Hold[]): Promise<void> =>
    finishRemainders({ journal, checkpoints, keep, holds, now: () => today });
  const written = async (): Promise<number[]> =>
    (await readdir(join(dir, "segments"))).filter((name) => name.endsWith(".zst")).map((name) => Number.parseInt(name));
  const refusals = async (): Promise<number> =>
    (await idsOf()).filter((each) => each.startsWith("refusal refused")).length;

  beforeEach(async () => {
    await leaveRemainders({ journal, checkpoints, keep: KEEP, holds: [], now: () => today, isStopped: afterRead(3) });
    expect(await written()).toEqual([]);
    await close();
    await open();
  });
  /** Stops when so many segments were examined. */
  const afterRead = (most: number): (() => boolean) => {
    let asked = 0;
    return () => ++asked > most;
  };

  it.each([
    ["nothing changed", KEEP, [], [0, 9, 18]],
    ["a legal hold was added", KEEP, HOLDS, [0]],
    ["the retention time was lengthened", { default: 400 * DAY, refusal: 3.9 * DAY }, [], [0]],
    ["the retention time was shortened", { default: 400 * DAY, refusal: DAY }, [], [0, 9, 18]],
    ["the kind may not go early any more", { default: 400 * DAY }, [], []],
  ] satisfies [string, Keep, Hold[], number[]][])(
    "is completed as the config of now allows: %s",
    async (_what, keep, holds, expected) => {
      await finishing(keep, holds);
      expect(await written()).toEqual(expected);
      expect(await refusals()).toBe(2 * (DAYS - expected.length));
      await close();
      expect(await verified()).toMatchObject({ verdict: "ok", findings: [], deletedByKind: 2 * expected.length });
    },
  );

  it("is completed when the legal hold ends, and nothing else of a kind is deleted before", async () => {
    await finishing(KEEP, HOLDS);
    today += 10 * DAY;
    await journal.append(anIntent(900));
    expect(await leaving(KEEP, HOLDS)).toBeUndefined();
    expect(await written()).toEqual([0]);
    expect((await leaving())!.remainders!.map(({ from }) => from)).toEqual([27, 36]);
    expect(await written()).toEqual([0, 9, 18, 27, 36]);
    await close();
    expect(await verified()).toMatchObject({ verdict: "ok", findings: [], deletedByKind: 10 });
  });

  it.each([
    ["and this run has completed a part", true, [9, 18]],
    ["and this run has completed nothing", false, [9, 18]],
  ])("is stated again by a deletion of whole segments %s", async (_how, begins, expected) => {
    if (begins) await finishing(KEEP, HOLDS);
    const counter = new OpenDoNotCalls();
    await counter.start({ size: journal.status().size, count: 0, tenants: [], rows: "" });
    const keep = { default: 3.9 * DAY, refusal: 2 * DAY };
    const gone = await deleteExpired({
      journal,
      checkpoints,
      keep,
      holds: [],
      openDoNotCalls: counter,
      now: () => today,
    });
    expect([gone!.to, gone!.remainders!.map(({ from }) => from)]).toEqual([9, expected]);
    await finishing(KEEP, []);
    expect(await written()).toEqual([9, 18]);
    await close();
    expect(await verified()).toMatchObject({ verdict: "ok", findings: [], deletedByKind: 4, retired: 9 });
  });

  it("leaves a copy alone that was put back from before an earlier deletion", async () => {
    const plain = await readFile(paths(dir).segment(9));
    await finishing(KEEP, []);
    const both = {
      default: 400 * DAY,
      refusal: 2 * DAY,
      intent: 3 * DAY,
      outcome: 3 * DAY,
      abandoned: 3 * DAY,
      "in-doubt": 3 * DAY,
    };
    expect((await leaving(both))!.remainders!.map(({ from }) => from)).toEqual([0, 9]);
    await close();
    await rm(paths(dir).compressed(9));
    await writeFile(paths(dir).segment(9), plain);
    await open();
    await finishing(both, []);
    today += 2 * DAY;
    await journal.append(anIntent(900));
    expect((await leaving(both))!.remainders!.map(({ from }) => from)).toEqual([18, 27, 36]);
    expect(await written()).toEqual([0, 18, 27, 36]);
    await close();
    expect(await verified()).toMatchObject({ verdict: "ok", findings: [] });
  });
});

describe("when the segment with the entry about a deletion is set aside", () => {
  const signer = { key, origin: ORIGIN };
  const counted = async (): Promise<OpenDoNotCalls> => {
    const counter = new OpenDoNotCalls();
    await counter.start({ size: journal.status().size, count: 0, tenants: [], rows: "" });
    return counter;
  };
  const dayPasses = async (day: number): Promise<void> => {
    today += DAY;
    for (const entry of dayOf(day)) await journal.append(entry);
  };
  const BOTH = {
    default: 400 * DAY,
    refusal: 2 * DAY,
    intent: 4 * DAY,
    outcome: 4 * DAY,
    abandoned: 4 * DAY,
    "in-doubt": 4 * DAY,
  };
  const byKind = async (): Promise<void> => void (await leaving());
  const byMoreKinds = async (): Promise<void> => void (await leaving(BOTH));
  const whole = async (keep: Keep): Promise<void> => {
    const openDoNotCalls = await counted();
    await deleteExpired({ journal, checkpoints, keep, holds: [], openDoNotCalls, now: () => today });
  };

  it.each([
    ["by kind", [byKind], 0, 6],
    ["of whole segments", [() => whole({ default: 2 * DAY })], 27, 0],
    ["by kind, after one of whole segments", [() => whole({ default: 4 * DAY }), byKind], 9, 4],
    ["by kind, before one of whole segments", [byKind, () => whole({ default: 4 * DAY })], 9, 4],
    ["by kind, twice for a segment", [byKind, byMoreKinds], 0, 8],
  ])("all readers still know of the deletion %s", async (_what, deletions, retired, deletedByKind) => {
    for (const each of deletions) await each();
    const last = journal.lastDeleted()!;
    await dayPasses(7);
    await dayPasses(8);
    await checkpoints.write();
    const path = paths(dir).segment(45);
    await writeFile(path, (await readFile(path, "utf8")).replace("OCSGW-2001", "OCSGW-2004"));
    await setAside({ journal, checkpoints, signer, openDoNotCalls: await counted(), by: { user: "maria" } }, 45);
    expect(last.by).toBeGreaterThan(45);
    const { to, kinds } = journal.lastDeleted()!.entry;
    expect({ to, kinds }).toEqual({ to: last.entry.to, kinds: last.entry.kinds });
    const expected = { verdict: "cannot-tell", findings: [], retired, deletedByKind };
    expect(await verified()).toMatchObject(expected);
    await rm(paths(dir).index, { force: true });
    await rm(paths(dir).indexes, { recursive: true, force: true });
    const search = new JournalSearch(dir);
    try {
      await search.refresh();
      expect((await search.searched()).deleted_kinds).toEqual(last.entry.kinds);
    } finally {
      search.close();
    }
    expect(await damagesOf(journal.setAsideRanges())).toEqual([]);
    await close();
    await rm(paths(dir).states, { recursive: true, force: true });
    await open();
    await leaving({ default: 400 * DAY });
    await close();
    expect(await verified()).toMatchObject(expected);
  });
});

describe("the search indexes of a segment, dated by a clock that was ahead,", () => {
  it("never outlive its deleted lines, at whatever disk call the run is interrupted", async () => {
    const search = new JournalSearch(dir);
    await search.refresh();
    while (await search.maintain());
    search.close();
    await close();
    const kept = `${dir}-kept`;
    await cp(dir, kept, { recursive: true });
    try {
      let interrupted = 0;
      for (let k = 0; ; k++) {
        await removeDirectory(dir);
        await cp(kept, dir, { recursive: true });
        const ahead = new Date(Date.now() + DAY);
        for (const name of await readdir(paths(dir).indexes))
          await utimes(join(paths(dir).indexes, name), ahead, ahead);
        const trouble = new TroubledDisk();
        await open({ disk: trouble.disk });
        trouble.break({ code: "EIO", after: k });
        const failed = await leaving().then(
          () => false,
          () => true,
        );
        trouble.mend();
        await checkpoints.stop().catch(() => undefined);
        await journal.close().catch(() => undefined);
        await open();
        await leaving();
        await close();
        const again = new JournalSearch(dir);
        await again.refresh();
        expect(await again.count(parseFilter("kind:refusal")), `k ${k}`).toMatchObject({ count: 3 * DAYS - 6 });
        again.close();
        if (!failed) break;
        interrupted++;
      }
      expect(interrupted).toBeGreaterThan(20);
    } finally {
      await removeDirectory(kept);
    }
  }, 120_000);
});

/** The seekable table, as `frames.ts` writes it, of one frame. */
const packed = (lines: readonly string[]): Buffer => {
  const bytes = Buffer.from(lines.map((line) => `${line}\n`).join(""));
  const frame = zstdCompressSync(bytes, { params: { 201: 1 } });
  const table = Buffer.alloc(8 + 8 + 9);
  for (const [at, number] of [0x184d2a5e, 17, frame.length, bytes.length, 1].entries())
    table.writeUInt32LE(number, 4 * at);
  table.writeUInt32LE(0x8f92eab1, 21);
  return Buffer.concat([frame, table]);
};

describe("lines that were deleted without an entry about them", () => {
  const deletedToo = async (first: number, line: number): Promise<void> => {
    const lines = await linesIn(first);
    lines[line] = "deleted: entry 54 says so".padEnd(lines[line]!.length);
    await writeFile(paths(dir).compressed(first), packed(lines));
  };

  beforeEach(async () => {
    await leaving();
    await deletedToo(9, 6);
  });

  it("are found and named by audit verify", async () => {
    await close();
    const report = await verified();
    expect(report).toMatchObject({ verdict: "broken", deletedByKind: 4 });
    expect(report.findings.map(({ text }) => text)).toEqual([
      "3 lines of 000000000009.jsonl are deleted (2, 5, 7), and no entry says so",
    ]);
  });

  it("are found by the background verification", async () => {
    expect(await damagesOf()).toEqual(["lines of 000000000009.jsonl are deleted, and no signed entry says so"]);
  });

  it("prevent a start that reads every line", async () => {
    await close();
    await rm(paths(dir).states, { recursive: true, force: true });
    await expect(open()).rejects.toThrow("3 lines of 000000000009.jsonl are deleted, and no entry says so");
  });

  it("prevent a search, which cannot know what they were", async () => {
    await rm(paths(dir).index, { force: true });
    const search = new JournalSearch(dir);
    try {
      await expect(search.refresh()).rejects.toThrow("lines are deleted and no signed entry says so");
    } finally {
      search.close();
    }
  });

  it("are damage, so the segment can be set aside", async () => {
    const look = await examineSegment({ journal, checkpoints, signer: { key, origin: ORIGIN } }, 9);
    expect(look.damage).toContain("3 of its 9 lines");
  });

  it("are not covered up by the next deletion", async () => {
    today += 10 * DAY;
    await journal.append(anIntent(900));
    const keep = { default: 400 * DAY, intent: DAY, outcome: DAY, abandoned: DAY, "in-doubt": DAY };
    expect((await leaving(keep))!.remainders!.map(({ from }) => from)).toEqual([0]);
    await expect(leaving(keep)).rejects.toThrow("lines of 000000000009.jsonl are deleted and no signed entry says so");
  });

  it("are distinguished from a changed line", async () => {
    const lines = await linesIn(18);
    lines[6] = lines[6]!.replace('"status":200', '"status":500');
    await writeFile(paths(dir).compressed(18), packed(lines));
    await close();
    const texts = (await verified()).findings.map(({ text }) => text);
    expect(texts.join("\n")).toContain("line 7 of 000000000018.jsonl (index 24) was changed");
    expect(texts.join("\n")).not.toContain("line 2 of 000000000018.jsonl");
  });
});

it("a remainder counts as one segment in the list of segments", async () => {
  await leaving();
  expect(await firstsOf(journal.disk, dir)).toHaveLength(DAYS);
  expect(spansIn(await readdir(join(dir, "segments"))).every(({ isThere }) => isThere)).toBe(true);
});
