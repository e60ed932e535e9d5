/** What watchers get of a journal that grows, in several segments, of which some are compressed, deleted or damaged. */
import { readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { GzipStream } from "../../../src/common/gzip-parts.ts";
import { ulid } from "../../../src/common/ulid.ts";
import type { Entry, Recorded } from "../../../src/journal/entry.ts";
import { SharedFeed, type Portion } from "../../../src/journal/flows/shared-feed.ts";
import type { Journal } from "../../../src/journal/journal.ts";
import { nodeDisk } from "../../../src/journal/disk.ts";
import { readEntries } from "../../../src/journal/read/read-entries.ts";
import { compressSegments } from "../../../src/journal/segments/compress.ts";
import { deletedText } from "../../../src/journal/segments/retention/deleted-lines.ts";
import { openJournal } from "../../../src/journal/write/open-journal.ts";
import { aDirectory, anIntent, anOutcome, aRefusal, removeDirectory } from "../kit.ts";

let dir: string;
let journal: Journal;
let feed: SharedFeed;
let watchers = 0;
const SECRET = new Uint8Array(68).fill(7);
const START = { next: 0, micros: 0 };

beforeEach(async () => {
  dir = await aDirectory();
  journal = await openJournal({ dir, durability: "os", segmentBytes: 3000 });
  feed = new SharedFeed(dir, SECRET);
});
afterEach(async () => {
  await journal.close();
  await removeDirectory(dir);
});

const intent = (number: number, body?: Record<string, unknown>): Extract<Entry, { kind: "intent" }> => ({
  ...anIntent(number, body),
  id: ulid(),
  client: number % 2 === 0 ? "even" : "odd",
});

const append = async (...entries: readonly Entry[]): Promise<void> => {
  await Promise.all(entries.map(journal.append));
  await journal.head();
};

const watch = async (filter = "", place = START): Promise<number> => {
  const watcher = ++watchers;
  expect(await feed.open(watcher, { filter, place })).toBeDefined();
  return watcher;
};

type Shown = { readonly end: number; readonly kinds: readonly string[] } | { readonly missing: unknown };

const shownIn = ({ bytes }: Portion): Shown[] =>
  Buffer.from(bytes)
    .toString()
    .split("\n\n")
    .filter((frame) => frame !== "")
    .map((frame) => {
      const data = JSON.parse(/^data: (.*)$/m.exec(frame)![1]!) as { entries: Recorded[]; reason?: string };
      if (/^event: missing$/m.test(frame)) return { missing: data };
      return { end: data.entries.at(-1)!.index, kinds: data.entries.map(({ kind }) => kind) };
    });

/** Everything up to the end of the journal. */
const drain = async (watcher: number, deletedTo = 0): Promise<Shown[]> => {
  const shown: Shown[] = [];
  for (;;) {
    const to = journal.status().size;
    const portion = await feed.read(watcher, { to, deletedTo });
    shown.push(...shownIn(portion));
    if (portion.next >= to) return shown;
  }
};

/** From the lines alone: what ended, by the index of its last entry. */
const expected = async (): Promise<Shown[]> => {
  const intents = new Set<string>();
  const shown: Shown[] = [];
  for await (const entry of readEntries(dir)) {
    const id = "id" in entry ? entry.id : "";
    if (entry.kind === "intent") intents.add(id);
    else shown.push({ end: entry.index, kinds: intents.has(id) ? ["intent", entry.kind] : [entry.kind] });
  }
  return shown;
};

const firsts = async (): Promise<number[]> => {
  const { firstsOf } = await import("../../../src/journal/segments/segment.ts");
  return firstsOf(nodeDisk, dir);
};
const segment = (first: number): string => join(dir, "segments", `${String(first).padStart(12, "0")}.jsonl`);

/** Requests that overlap: the outcome of one comes up to `apart` entries after its intent. */
const traffic = async (requests: number, apart: number, seed = 1): Promise<void> => {
  const open: string[] = [];
  let random = seed;
  const next = (): number => (random = (random * 48_271) % 2_147_483_647);
  for (let number = 0; number < requests; number++) {
    const begun = intent(number);
    open.push(begun.id);
    await append(begun);
    while (open.length > next() % apart) await append(anOutcome(open.splice(next() % open.length, 1)[0]!));
  }
  await append(...open.map(anOutcome));
};

describe("what watchers get", () => {
  it.each([1, 2, 3, 4, 5])(
    "is every flow once and in order, whenever they come and however far they are behind (seed %i)",
    async (seed) => {
      let [random, compressed] = [seed, 0];
      const next = (most: number): number => (random = (random * 48_271) % 2_147_483_647) % most;
      const seen = new Map<number, Shown[]>();
      for (let round = 0; round < 12; round++) {
        await traffic(1 + next(15), 1 + next(6), seed + round);
        if (round % 3 === 0) seen.set(await watch(), []);
        for (const [watcher, shown] of seen) if (next(3) > 0) shown.push(...(await drain(watcher)));
        if (next(4) === 0)
          compressed += (await compressSegments({ journal, after: 0, now: () => Date.now() + 86_400_000 })).segments;
      }
      const all = await expected();
      expect((await firsts()).length).toBeGreaterThan(5);
      for (const [watcher, shown] of seen) expect([...shown, ...(await drain(watcher))]).toEqual(all);
      expect(seen.size).toBe(4);
      expect(compressed).toBeGreaterThan(0);
    },
  );

  it("is made once for those who see the same, and is the same for all", async () => {
    const scope = { tenants: [101], names: { list: [], campaign: [], group: [] } };
    await traffic(5, 2);
    const place = { next: journal.status().size, micros: 0 };
    const open = async (options: object): Promise<number> => {
      const id = ++watchers;
      await feed.open(id, { filter: "", place, ...options });
      return id;
    };
    const kinds = [
      {},
      { filter: "client:even" },
      { isPacked: true },
      { filter: "client:even", isPacked: true },
      { scope },
    ];
    const ids = await Promise.all(kinds.flatMap((kind) => [open(kind), open(kind), open(kind)]));
    const late = await open({ place: START });
    const seen = new Map(ids.map((id) => [id, ""]));
    // From here on, the feed follows the end.
    await feed.readTogether(ids, { to: place.next, deletedTo: 0 });
    for (let round = 0; round < 4; round++) {
      await traffic(10, 4, round + 1);
      const known = { to: journal.status().size, deletedTo: 0 };
      // A watcher that was slow gets more at once than the others.
      const asked = ids.filter((id) => round === 3 || id !== ids[round]);
      const portions = await feed.readTogether([...asked, late], known);
      expect(portions.has(late)).toBe(false);
      expect(new Set([...portions.values()].map(({ bytes }) => bytes)).size).toBeLessThan(asked.length / 2);
      for (const [id, { bytes, plain }] of portions) {
        const stream = new GzipStream();
        const packed = plain && Buffer.concat([stream.add({ bytes, ...plain }), stream.end()]);
        seen.set(id, seen.get(id)! + (packed ? gunzipSync(packed) : Buffer.from(bytes)).toString());
      }
    }
    const data = (text: string): string[] => text.match(/^data: .*$/gm) ?? [];
    const [all, even, allPacked, evenPacked, scoped] = kinds.map((_kind, at) => {
      const [first, ...others] = ids.slice(3 * at, 3 * at + 3).map((id) => data(seen.get(id)!));
      for (const other of others) expect(other).toEqual(first);
      return first!;
    });
    expect([allPacked, evenPacked]).toEqual([all, even]);
    expect(all!.length).toBe(40);
    expect(even!.length).toBe(20);
    expect(scoped!.length).toBe(40);
    expect(scoped!.join("")).not.toContain('"index"');
    expect((await drain(late)).slice(-40)).toHaveLength(40);
  });

  it("keeps the fault of one watcher from the others", async () => {
    await traffic(4, 2);
    const place = { next: journal.status().size, micros: 0 };
    const live = await watch("", place);
    const closed = await watch("", place);
    await feed.close(closed);
    // A scope that no viewer has: its rows cannot be made.
    const faulty = ++watchers;
    await feed.open(faulty, { filter: "", place, scope: { tenants: [101, 102], names: undefined as never } });
    await traffic(3, 2);
    const tenant = { dbid: 101, name: "Alpha Tenant" };
    await append({ ...aRefusal(1), tenant, resource: "lists", identifier: "Alpha List" } as Entry);
    const known = { to: journal.status().size, deletedTo: 0 };
    for (const wrong of [closed, 999_999, faulty]) {
      const portions = await feed.readTogether([wrong, live], { to: place.next, deletedTo: 0 }).catch(() => undefined);
      expect([wrong, portions?.has(live)]).toEqual([wrong, true]);
    }
    const portions = await feed.readTogether([faulty, live, closed], known);
    expect([...portions.keys()]).toEqual([live]);
    expect(shownIn(portions.get(live)!).length).toBeGreaterThanOrEqual(4);
    for (const wrong of [closed, faulty]) await expect(feed.read(wrong, known)).rejects.toThrow();
  });

  it("finds the intents of requests that were in flight, also segments earlier", async () => {
    const begun = [intent(0), intent(1), intent(2)];
    await append(...begun);
    await traffic(40, 1);
    const { size } = journal.status();
    const [behind, live] = [await watch("", { next: size, micros: 0 }), await watch("", { next: size, micros: 0 })];
    await drain(live);
    await append(anOutcome(begun[0]!.id), anOutcome(begun[2]!.id));
    await drain(live).then((shown) => expect(shown).toHaveLength(2));
    await append(anOutcome(begun[1]!.id));
    const shown = await drain(behind);
    expect(shown).toEqual((await expected()).slice(-3));
    expect(shown.every((each) => "kinds" in each && each.kinds.length === 2)).toBe(true);
  });

  it("is filtered, counted, and split into portions that fit", async () => {
    const body = { text: "x".repeat(60_000) };
    const live = await watch("client:even");
    const shown: Shown[] = [];
    // More than the feed keeps in memory.
    for (let number = 0; number < 400; number++) {
      const begun = intent(number, body);
      await append(begun, anOutcome(begun.id));
      if (number % 40 === 39) shown.push(...(await drain(live)));
    }
    expect(shown).toHaveLength(200);
    const watcher = await watch("client:even");
    let [sent, passed, portions] = [0, 0, 0];
    for (let isDone = false; !isDone; portions++) {
      const portion = await feed.read(watcher, { to: journal.status().size, deletedTo: 0 });
      expect(portion.bytes.length).toBeLessThan((1 << 20) + 200_000);
      expect(shownIn(portion)).toHaveLength(portion.sent);
      sent += portion.sent;
      passed += portion.passed;
      isDone = portion.next === journal.status().size;
    }
    expect([sent, passed]).toEqual([200, 200]);
    expect(portions).toBeGreaterThan(10);
  });

  it("says what is gone, what is damaged and why, and goes on behind it", async () => {
    await traffic(60, 1);
    const [, second, third, fourth, fifth, sixth] = (await firsts()) as [
      number,
      number,
      number,
      number,
      number,
      number,
    ];
    // An intent that is gone changes how its outcome is shown, not that it is.
    const ends = (await expected()).flatMap((each) => ("end" in each ? [each.end] : []));
    const within = (from: number, to: number): number[] => ends.filter((end) => end >= from && end < to);
    // Retention deleted the first segment, the third was set aside.
    await rm(segment(0));
    await rm(segment(third));
    const lines = (await readFile(segment(fourth), "utf8")).split("\n");
    const [one, other] = within(fourth, fifth) as [number, number];
    lines[one - fourth] = deletedText(sixth, lines[one - fourth]!.length).toString();
    lines[other - fourth] = lines[other - fourth]!.replace('"status":200', '"status":201');
    await writeFile(segment(fourth), lines.join("\n"));
    const shown = await drain(await watch(), second);
    expect(shown.map((each) => ("end" in each ? each.end : each.missing))).toEqual([
      { from: 0, to: second, entries: second, reason: "deleted" },
      ...within(second, third),
      { from: third, to: fourth, entries: fourth - third, reason: "set-aside" },
      { from: one, to: one + 1, entries: 1, reason: "deleted" },
      { from: other, to: other + 1, entries: 1, reason: "damaged" },
      ...within(other + 1, Infinity),
    ]);
  });

  it("continues at a cursor, in another feed, and is refused in a journal with another entry there", async () => {
    await traffic(10, 2);
    const watcher = await watch();
    const { cursor } = await feed.read(watcher, { to: 12, deletedTo: 0 });
    const { Cursors } = await import("../../../src/journal/flows/cursor.ts");
    const place = new Cursors(SECRET).read(cursor);
    if (typeof place === "string") throw new Error(place);
    expect(place.next).toBe(12);
    feed = new SharedFeed(dir, SECRET);
    expect(await drain(await watch("", place))).toEqual(
      (await expected()).filter((each) => "end" in each && each.end >= 12),
    );
    expect(await feed.open(++watchers, { filter: "", place: { ...place, micros: place.micros + 1 } })).toBeUndefined();
  });
});
