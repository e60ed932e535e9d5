/** The files of the indexes: which of them a search opens, makes and leaves alone, and when they go. */
import { readFileSync, readdirSync, rmSync, statSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { openJournal } from "../../../../src/journal/write/open-journal.ts";
import { nodeDisk } from "../../../../src/journal/disk.ts";
import type { Entry } from "../../../../src/journal/entry.ts";
import { parseFilter } from "../../../../src/journal/search/filter/filter.ts";
import { makeFilters } from "../../../../src/journal/search/index/sealed/bloom-filters.ts";
import { SearchIndex } from "../../../../src/journal/search/index/search-index.ts";
import { paths } from "../../../../src/journal/paths.ts";
import { JournalSearch } from "../../../../src/journal/search/journal-search.ts";
import { firstsOf, removeSegment } from "../../../../src/journal/segments/segment.ts";
import { aDirectory, aDoNotCall, anIntent, anOutcome, removeDirectory } from "../../kit.ts";

let dir: string;
let finders: JournalSearch[] = [];
beforeEach(async () => void (dir = await aDirectory()));
afterEach(async () => {
  for (const search of finders.splice(0)) search.close();
  await removeDirectory(dir);
});

const write = async (entries: readonly Entry[]): Promise<void> => {
  const journal = await openJournal({ dir, durability: "os", segmentBytes: 4000 });
  for (const entry of entries) await journal.append(entry);
  await journal.close();
};

const aFinder = async (options?: { readonly isTemporary: boolean }): Promise<JournalSearch> => {
  const search = new JournalSearch(dir, options);
  finders.push(search);
  await search.refresh();
  return search;
};

const tended = async (): Promise<JournalSearch> => {
  const search = await aFinder();
  while (await search.maintain());
  return search;
};

const found = async (search: JournalSearch, filter: string): Promise<number[]> =>
  (await search.page(parseFilter(filter), { limit: 1000 })).transactions.map(({ at }) => at);

const indexes = (): string[] =>
  readdirSync(paths(dir).indexes)
    .filter((name) => /^\d{12}\.sqlite$/.test(name))
    .toSorted();
const months = (): string[] => readdirSync(paths(dir).indexes).filter((name) => name.endsWith(".month.sqlite"));
const removeIndexes = (): void => {
  for (const name of indexes()) rmSync(paths(dir).segmentIndex(Number(name.slice(0, 12))));
};

const token = (digits: string): string => `t1:${digits.padEnd(64, "0")}`;

/** 60 requests in some 10 segments; of one person, of one record and of one campaign in the 20th alone. */
const requests = (): Entry[] =>
  Array.from({ length: 60 }, (_, number) =>
    aDoNotCall(number, {
      resource: "records",
      identifier: number === 20 ? "1024" : "7",
      tokens: { phone: token(number === 20 ? "abcdefabcdef" : "111111111111") },
      source: number === 20 ? "10.9.9.9" : "10.0.0.1",
      body: { GSW_CAMPAIGN_NAME: number === 20 ? "One" : "Many" },
    }),
  ).flat();

describe("a search", () => {
  it.each([
    [`phone:${token("abcdefabcdef")}`, [40], 1],
    ["record:1024", [40], 1],
    ["campaign:o*", [40], 1],
    ["source:10.9.9.9 is:ok", [40], 1],
    [`id:${anIntent(20).id}`, [40], undefined],
    ["campaign:none", [], 0],
    ["record:99", [], 0],
    [`phone:${token("222222222222")}`, [], 0],
    ["queue:>1h", [], 0],
    ["is:refused", [], 0],
    ["(queue:>1h OR source:10.8.*)", [], 0],
    ["since:2020-01-01 until:2020-01-02", [], 0],
  ] as const)("for %s opens only the indexes of segments that may have a match", async (filter, expected, opened) => {
    await write(requests());
    (await tended()).close();
    finders = [];
    expect(indexes().length).toBeGreaterThan(8);
    removeIndexes();
    expect(await found(await aFinder(), filter)).toEqual(expected);
    // What was opened was made again.
    if (opened !== undefined) expect(indexes()).toHaveLength(opened);
  });

  it.each([
    ["is:ok", 60],
    ["action:DoNotCall -is:refused", 60],
    ["missing:phone", 0],
    ["since:2020-01-01 is:ok", 60],
    ["until:2020-01-01", 0],
  ])("counts %s from the months' files alone", async (filter, count) => {
    await write(requests());
    (await tended()).close();
    finders = [];
    removeIndexes();
    expect(await (await aFinder()).count(parseFilter(filter))).toEqual({ count, refused: 0 });
    expect(indexes()).toEqual([]);
  });

  it("gives consistent results while segments leave the live index", async () => {
    await write(requests());
    const [reading, tending] = [new SearchIndex(dir), new SearchIndex(dir)];
    try {
      await reading.catchUp();
      const seen: number[] = [];
      for await (const { at } of reading.candidates(parseFilter("").expression, Number.MAX_SAFE_INTEGER)) {
        seen.push(at);
        if (seen.length !== 3) continue;
        await tending.catchUp();
        while (await tending.maintain());
      }
      expect(seen).toEqual(Array.from({ length: 60 }, (_, place) => 118 - 2 * place));
    } finally {
      reading.close();
      tending.close();
    }
  });

  it("joins a request with its outcome many segments later, even after all indexes were rebuilt", async () => {
    const late = anIntent(99);
    await write([late, ...requests(), anOutcome(late.id), ...aDoNotCall(100)]);
    expect(await found(await tended(), "is:ok id:01KAPQ8C10QX01KAPQ8C000099")).toEqual([0]);
    for (const search of finders.splice(0)) search.close();
    rmSync(paths(dir).indexes, { recursive: true });
    rmSync(paths(dir).index);
    expect(await found(await aFinder(), "is:ok id:01KAPQ8C10QX01KAPQ8C000099")).toEqual([0]);
    expect(await found(finders[0]!, "is:open")).toEqual([]);
  });

  it("finds the open Do-Not-Calls after all indexes were removed", async () => {
    await write([
      ...aDoNotCall(1, { status: 500, tokens: { phone: token("aa") } }),
      ...requests(),
      ...aDoNotCall(101, { open: true, tokens: { phone: token("bb") } }),
    ]);
    const before = (await (await tended()).openDnc()).map(({ at }) => at);
    expect(before).toEqual([0, 122]);
    for (const search of finders.splice(0)) search.close();
    rmSync(paths(dir).indexes, { recursive: true });
    rmSync(paths(dir).index);
    const search = await aFinder();
    expect((await search.openDnc()).map(({ at }) => at)).toEqual(before);
    expect((await search.openDncSnapshot(10)).count).toBe(2);
  });
});

describe("the files of the indexes", () => {
  it("replace the single index of an older gateway, segment by segment", async () => {
    await write(requests());
    const old = new DatabaseSync(paths(dir).index);
    old.exec("CREATE TABLE state (one INTEGER); PRAGMA user_version = 6");
    old.close();
    const index = new SearchIndex(dir);
    try {
      expect(await index.maintain()).toBe(true);
      expect(indexes()).toHaveLength(1);
    } finally {
      index.close();
    }
    // As after a crash: the next one goes on.
    const half = join(paths(dir).indexes, "000000000009.sqlite.half.tmp");
    writeFileSync(half, "half");
    utimesSync(half, new Date(0), new Date(0));
    const search = await tended();
    expect(await found(search, "is:ok")).toHaveLength(60);
    expect(indexes()).toHaveLength((await firstsOf(nodeDisk, dir)).length - 1);
    expect(readdirSync(paths(dir).indexes).filter((name) => name.endsWith(".tmp"))).toEqual([]);
  });

  it("are deleted with their segment, and so are its rows in the month's file", async () => {
    await write(requests());
    const search = await tended();
    const [first, next] = await firstsOf(nodeDisk, dir);
    expect(indexes()[0]).toBe("000000000000.sqlite");
    await removeSegment(nodeDisk, dir, first!);
    expect(indexes()).not.toContain("000000000000.sqlite");
    await search.refresh();
    // An outcome whose intent is deleted is a transaction of its own.
    expect((await found(search, "")).at(-1)).toBe(next!);
    while (await search.maintain());
    const month = new DatabaseSync(join(paths(dir).indexes, months()[0]!), { readOnly: true });
    expect(month.prepare("SELECT min(first) AS first FROM segments").get()).toEqual({ first: next });
    expect(month.prepare("SELECT count(*) AS rows FROM names WHERE first < ?").get(next!)).toEqual({ rows: 0 });
    month.close();
  });

  it("beside a gateway are read and not written, and missing ones are built elsewhere", async () => {
    await write(requests());
    const running = await tended();
    await write(aDoNotCall(200, { status: 410 }));
    rmSync(paths(dir).segmentIndex(0));
    const names = (): string[] =>
      [paths(dir).indexes, paths(dir).segments].flatMap((folder) =>
        readdirSync(folder).map((name) => `${name} ${statSync(join(folder, name)).mtimeMs}`),
      );
    const before = [names(), statSync(paths(dir).index).mtimeMs];
    const beside = await aFinder({ isTemporary: true });
    expect(await found(beside, "status:410")).toEqual([120]);
    expect(await found(beside, "is:ok")).toHaveLength(60);
    expect([names(), statSync(paths(dir).index).mtimeMs]).toEqual(before);
    await running.refresh();
    expect(await found(running, "")).toEqual(await found(beside, ""));
  });

  it("are accessible to the gateway's user only", async () => {
    await write(requests());
    await tended();
    for (const name of readdirSync(paths(dir).indexes))
      expect([name, statSync(join(paths(dir).indexes, name)).mode & 0o077]).toEqual([name, 0]);
    expect(statSync(paths(dir).indexes).mode & 0o077).toBe(0);
  });
});

describe("the list of open Do-Not-Calls without a live index", () => {
  /**
   * Of every tenth number a Do-Not-Call, some of which OCS answers with 200 at once or segments later; else other
   * requests.
   */
  const mixed = (): Entry[] => {
    const late: Entry[] = [];
    return Array.from({ length: 120 }, (_, number): Entry[] => {
      if (number % 10 !== 0) return aDoNotCall(number, { action: "AddRecord" });
      const [asked, outcome] = aDoNotCall(number, {
        tokens: { phone: token(String(number + 1_000_000)) },
        status: number % 20 === 0 ? 200 : 500,
      });
      const ended = number % 30 === 0 ? [] : [outcome!];
      if (number % 30 === 0) late.push(outcome!);
      return [asked!, ...ended, ...(number % 50 === 0 ? late.splice(0, 1) : [])];
    }).flat();
  };
  const open = async (search: JournalSearch): Promise<number[]> => (await search.openDnc()).map(({ at }) => at);

  it("is built from the segments' indexes, and reads no unrelated line", async () => {
    await write(mixed());
    const search = await tended();
    const expected = await open(search);
    expect(expected.length).toBeGreaterThan(4);
    search.close();
    finders = [];
    for (const ending of ["", "-wal", "-shm"]) rmSync(paths(dir).index + ending, { force: true });
    // Of each sealed segment one line that the list does not need, and neither needs the last one of it.
    let damaged = 0;
    for (const first of (await firstsOf(nodeDisk, dir)).slice(0, -1)) {
      const bytes = readFileSync(paths(dir).segment(first));
      const at = bytes.indexOf('"action":"AddRecord"');
      if (at < 0 || at > bytes.length - 1500) continue;
      bytes[at + 12]! ^= 1;
      writeFileSync(paths(dir).segment(first), bytes);
      damaged++;
    }
    expect(damaged).toBeGreaterThan(4);
    const again = await aFinder();
    expect(await open(again)).toEqual(expected);
    expect((await again.openDncSnapshot(100)).count).toBe(expected.length);
  });

  it("reads the lines of a segment that has no index yet", async () => {
    await write(mixed());
    const expected = await open(await aFinder());
    const search = await tended();
    search.close();
    finders = [];
    for (const ending of ["", "-wal", "-shm"]) rmSync(paths(dir).index + ending, { force: true });
    for (const name of indexes().filter((_, place) => place % 2 === 0)) rmSync(join(paths(dir).indexes, name));
    expect(await open(await aFinder())).toEqual(expected);
  });

  it("is not trusted if lines moved, and is not built from a changed line", async () => {
    await write(mixed());
    (await tended()).close();
    finders = [];
    for (const ending of ["", "-wal", "-shm"]) rmSync(paths(dir).index + ending, { force: true });
    const path = paths(dir).segment((await firstsOf(nodeDisk, dir))[0]!);
    const bytes = readFileSync(path);
    bytes[bytes.indexOf('"action":"DoNotCall"') + 12]! ^= 1;
    writeFileSync(path, bytes);
    await expect(open(await aFinder())).rejects.toThrow("the line of index 0 is not as it was written");
  });
});

describe("a month's file with another version", () => {
  const change = (sql: string, ...given: readonly Uint8Array[]): void => {
    const database = new DatabaseSync(join(paths(dir).indexes, months()[0]!));
    database.prepare(sql).run(...given);
    database.close();
  };

  it.each([[true], [false]])("hides no match, read-only: %s", async (isTemporary) => {
    await write(requests());
    (await tended()).close();
    finders = [];
    const filter = `phone:${token("abcdefabcdef")}`;
    // Its filters have nothing in them: believed, they would hide what is there.
    change("UPDATE names SET bits = ?", makeFilters([])[0]!);
    expect(await found(await aFinder({ isTemporary }), filter)).toEqual([]);
    for (const search of finders.splice(0)) search.close();
    change("PRAGMA user_version = 7");
    expect(await found(await aFinder({ isTemporary }), filter)).toEqual([40]);
  });
});
