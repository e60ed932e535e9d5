/** Searching many small segments, whatever became of their indexes, gives what reading every line gives. */
import { existsSync } from "node:fs";
import { readdir, readFile, rename, rm, truncate, writeFile } from "node:fs/promises";
import { join } from "node:path";
import fc from "fast-check";
import { afterEach, describe, expect, it } from "vitest";
import { openJournal } from "../../../../src/journal/write/open-journal.ts";
import { compressSegments } from "../../../../src/journal/segments/compress.ts";
import { nodeDisk } from "../../../../src/journal/disk.ts";
import type { Entry } from "../../../../src/journal/entry.ts";
import { evaluate, parseFilter } from "../../../../src/journal/search/filter/filter.ts";
import { paths, segmentName } from "../../../../src/journal/paths.ts";
import { readLines } from "../../../../src/journal/read/read-entries.ts";
import { JournalSearch } from "../../../../src/journal/search/journal-search.ts";
import { firstsOf, removeSegment } from "../../../../src/journal/segments/segment.ts";
import { groupEntries, type GroupedEntries } from "../../../../src/journal/search/group-entries.ts";
import { fieldsOf } from "../../../../src/journal/search/transaction.ts";
import { aDoNotCall, anIntent, anOutcome, aQuickDirectory, randomFrom, removeDirectory } from "../../kit.ts";

/** About a second each. */
const RUNS = Number(process.env["SEGMENT_RUNS"] ?? 8);

/** A byte of a month's file that made a number too large for JavaScript. */
const FAILED_ONCE = [987018048];

const directories: string[] = [];
afterEach(async () => {
  for (const each of directories.splice(0)) await removeDirectory(each);
});

const aJournalDirectory = async (): Promise<string> => {
  const dir = await aQuickDirectory();
  directories.push(dir);
  return dir;
};

type Draw = (below: number) => number;

const token = (digits: string): string => `t1:${digits.padEnd(64, "0")}`;

/** Requests that begin and end in any order, so that many of them span segments of a few lines. */
class Traffic {
  #number = 0;
  readonly #open: { readonly id: string; readonly status: number }[] = [];
  readonly #draw: Draw;

  constructor(draw: Draw) {
    this.#draw = draw;
  }

  next(): Entry {
    const draw = this.#draw;
    const kind = draw(10);
    if (kind < 4 && this.#open.length > 0) {
      const [{ id, status }] = this.#open.splice(draw(this.#open.length), 1) as [{ id: string; status: number }];
      if (draw(8) === 0)
        return {
          kind: "abandoned",
          id,
          delivery: "not-sent",
          code: "OCSGW-3003",
          waits: { queue_ms: 1, ocs_ms: 0, total_ms: draw(50) },
        } as Entry;
      return { ...anOutcome(id), status, waits: { queue_ms: draw(5000) / 1000, ocs_ms: 2.8, total_ms: draw(20) } };
    }
    const number = this.#number++;
    const over = {
      client: ["alpha-crm", "alpha-ors", "beta-crm"][draw(3)]!,
      action: ["DoNotCall", "AddRecord"][draw(2)]!,
      source: `10.0.0.${draw(3)}`,
      resource: "records",
      identifier: ["7", "15", "0015"][draw(3)]!,
      tokens: { phone: token(["aaaaaaaaaaaa", "aaaaaaaabbbb", "cccccccccccc"][draw(3)]!) },
      body: { GSW_CAMPAIGN_NAME: ["Alpha Campaign", "Beta % Campaign"][draw(2)]! },
    };
    if (kind === 9) return { kind: "stop", reason: "asked to stop" };
    if (kind === 8) return aDoNotCall(number, { ...over, refused: "OCSGW-2104" })[0]!;
    const intent = { ...anIntent(number), ...over };
    this.#open.push({ id: intent.id, status: [200, 200, 410, 500][draw(4)]! });
    return intent;
  }
}

const TERMS = [
  "",
  "status:>=400",
  "client:alpha-*",
  "client:BETA-CRM",
  "action:DoNotCall",
  "record:15",
  "record:7",
  "is:refused",
  "is:open",
  "is:ok",
  "is:abandoned",
  'campaign:"beta % campaign"',
  "campaign:alpha*",
  "campaign:none",
  "phone:t1:aaaaaaaaaaaa",
  `phone:${token("aaaaaaaabbbb")}`,
  "queue:>1ms",
  "total:>10ms",
  "queue:>1h",
  "kind:stop",
  "code:OCSGW-2104",
  "id:01KAPQ8C10",
  "id:01KAPQ8C10QX01KAPQ8C000012",
  "id:ZZZZZZ",
  "since:1h",
  "until:2026-01-01",
  "source:10.0.0.1",
  "source:10.9.*",
  "action:AddRecord -status:200",
  "config:9f3c5e client:alpha-ors",
  "kind:abandoned total:>20ms",
];

const aFilter = (draw: Draw): string => {
  const one = (): string => TERMS[draw(TERMS.length)]!;
  const [left, right] = [one(), one()];
  if (left === "" || right === "") return left;
  return [left, `-(${left})`, `(${left}) OR (${right})`, `${left} ${right}`, `${left} -(${right})`][draw(5)]!;
};

const readAllStories = (dir: string): Promise<GroupedEntries[]> => Array.fromAsync(groupEntries(readLines(dir)));

const isPossible = (text: string): boolean => {
  try {
    return parseFilter(text) !== undefined;
  } catch {
    return false;
  }
};

/** Pages of any size, from any cursor on, are the same as of all lines; and so is the count. */
const expectTheSame = async (
  search: JournalSearch,
  transactions: readonly GroupedEntries[],
  draw: Draw,
): Promise<void> => {
  for (let asked = 0; asked < 6; asked++) {
    const text = aFilter(draw);
    if (!isPossible(text)) continue;
    const filter = parseFilter(text);
    const fitting = transactions.filter((transaction) => evaluate(filter.expression, fieldsOf(transaction)) === true);
    const all = fitting.map(({ at }) => at).toReversed();
    const cursor = draw(3) === 0 ? draw((transactions.at(-1)?.at ?? 0) + 2) : undefined;
    const expected = all.filter((at) => at < (cursor ?? Infinity));
    const limit = 1 + draw(20);
    const found: number[] = [];
    for (let before = cursor, next: number | undefined = 0; next !== undefined; before = next) {
      const page = await search.page(filter, { limit, before });
      expect([text, page.transactions.length <= limit]).toEqual([text, true]);
      found.push(...page.transactions.map(({ at }) => at));
      ({ next } = page);
    }
    expect([text, cursor, found]).toEqual([text, cursor, expected]);
    const refused = fitting.filter((transaction) => fieldsOf(transaction).state === "refused").length;
    expect([text, await search.count(filter)]).toEqual([text, { count: all.length, refused }]);
  }
};

/** As retention does: an entry says so first. */
const retire = async (dir: string, [first, next]: readonly number[]): Promise<void> => {
  const journal = await openJournal({ dir, durability: "os", segmentBytes: 4000 });
  await journal.append({
    kind: "deleted",
    from: first!,
    to: next!,
    segments: [segmentName(first!)],
    youngest: "2026-11-01T00:00:00.000000Z",
    dnc: {},
  });
  await journal.close();
  await removeSegment(nodeDisk, dir, first!);
};

/** Something that may become of the files. */
const harm = async (dir: string, draw: Draw): Promise<void> => {
  const at = paths(dir);
  const names = (existsSync(at.indexes) ? await readdir(at.indexes) : []).toSorted();
  const one = names[draw(Math.max(1, names.length))];
  const path = one === undefined ? undefined : join(at.indexes, one);
  switch (draw(8)) {
    case 0:
      return rm(at.indexes, { recursive: true, force: true });
    case 1:
      if (path !== undefined) await rm(path, { force: true });
      return;
    case 2:
      if (path !== undefined) await truncate(path, draw((await readFile(path)).length + 1));
      return;
    case 3:
      if (path !== undefined) {
        const bytes = await readFile(path);
        if (bytes.length > 0) bytes.fill(draw(256), draw(bytes.length));
        await writeFile(path, bytes);
      }
      return;
    case 4:
      for (const ending of ["", "-wal", "-shm"]) await rm(at.index + ending, { force: true });
      return;
    case 5: {
      const firsts = await firstsOf(nodeDisk, dir);
      if (firsts.length > 3 && draw(2) === 0) await retire(dir, firsts);
      return;
    }
    case 6:
      await compressSegments({ journal: { dir, disk: nodeDisk }, after: Number.NEGATIVE_INFINITY });
  }
};

/**
 * As `audit set-aside` does, and putting a copy back after it: of a request that ended in these lines the end is gone,
 * and is there again.
 */
const expectTheSameWithout = async (dir: string, finders: readonly JournalSearch[], draw: Draw): Promise<void> => {
  const firsts = await firstsOf(nodeDisk, dir);
  if (firsts.length < 3) return;
  const first = firsts[1 + draw(firsts.length - 2)]!;
  const at = paths(dir);
  const files = [at.segment(first), at.compressed(first)].filter((each) => existsSync(each));
  const aside = (file: string): string => `${file}.aside`;
  for (const file of files) await rename(file, aside(file));
  for (const search of finders) {
    await search.refresh();
    for (let steps = draw(4); steps > 0 && (await search.maintain()); steps--);
    await expectTheSame(search, await readAllStories(dir), draw);
  }
  for (const file of files) await rename(aside(file), file);
  for (const search of finders) {
    await search.refresh();
    await expectTheSame(search, await readAllStories(dir), draw);
  }
};

const write = async (dir: string, traffic: Traffic, entries: number): Promise<void> => {
  const journal = await openJournal({ dir, durability: "os", segmentBytes: 4000 });
  for (let written = 0; written < entries; written++) await journal.append(traffic.next());
  await journal.close();
};

describe("the indexes of the segments", () => {
  it("hide no match and add none, whatever happens to their files", async () => {
    await fc.assert(
      fc.asyncProperty(fc.nat(), async (seed) => {
        const draw = randomFrom(seed);
        const dir = await aJournalDirectory();
        const traffic = new Traffic(draw);
        await write(dir, traffic, 30 + draw(60));
        let [one, other] = [new JournalSearch(dir), new JournalSearch(dir)];
        try {
          for (let round = 0; round < 6; round++) {
            const search = draw(2) === 0 ? one : other;
            await search.refresh();
            for (let steps = draw(4); steps > 0 && (await search.maintain()); steps--);
            if (draw(3) === 0) while (await search.maintain());
            const transactions = await readAllStories(dir);
            await expectTheSame(search, transactions, draw);
            if (draw(3) === 0) await expectTheSameWithout(dir, [one, other], draw);
            await harm(dir, draw);
            if (draw(2) === 0) await write(dir, traffic, draw(40));
            if (draw(4) === 0) {
              one.close();
              one = new JournalSearch(dir);
            }
          }
        } finally {
          one.close();
          other.close();
        }
      }),
      { numRuns: RUNS, examples: FAILED_ONCE.map((seed): [number] => [seed]) },
    );
  }, 600_000);
});
