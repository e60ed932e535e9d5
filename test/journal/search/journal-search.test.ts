import { readdirSync, readlinkSync } from "node:fs";
import { copyFile, readFile, rm, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { openJournal } from "../../../src/journal/write/open-journal.ts";
import type { Entry } from "../../../src/journal/entry.ts";
import { evaluate, parseFilter } from "../../../src/journal/search/filter/filter.ts";
import { readLines } from "../../../src/journal/read/read-entries.ts";
import { TimeLimit } from "../../../src/journal/search/worker/time-limit.ts";
import { JournalSearch } from "../../../src/journal/search/journal-search.ts";
import { fieldsOf } from "../../../src/journal/search/transaction.ts";
import { groupEntries } from "../../../src/journal/search/group-entries.ts";
import {
  aDirectory,
  aDoNotCall,
  anIntent,
  anOutcome,
  linesOf,
  removeDirectory,
  sealedAgain,
  segmentsOf,
  writeLines,
} from "../kit.ts";

let dir: string;
let finders: JournalSearch[] = [];
const directories: string[] = [];
/** From now on in a directory of its own. */
const elsewhere = async (): Promise<string> => {
  directories.push((dir = await aDirectory()));
  return dir;
};
beforeEach(elsewhere);
afterEach(async () => {
  for (const search of finders) search.close();
  finders = [];
  for (const each of directories.splice(0)) await removeDirectory(each);
});

const write = async (entries: readonly Entry[], segmentBytes = 4000): Promise<void> => {
  const journal = await openJournal({ dir, durability: "os", segmentBytes });
  for (const entry of entries) await journal.append(entry);
  await journal.close();
};

const aFinder = async (): Promise<JournalSearch> => {
  const search = new JournalSearch(dir);
  finders.push(search);
  await search.refresh();
  return search;
};

const found = async (search: JournalSearch, filter: string, limit = 1000): Promise<number[]> =>
  (await search.page(parseFilter(filter), { limit })).transactions.map(({ at }) => at);

const token = (digits: string): string => `t1:${digits.padEnd(64, "0")}`;

describe("searching the journal", () => {
  it("joins an intent with its outcome, and gives a refusal alone, newest first", async () => {
    await write([
      ...aDoNotCall(1),
      ...aDoNotCall(2, { refused: "OCSGW-2103" }),
      { kind: "stop", reason: "asked to stop" },
      ...aDoNotCall(3, { open: true }),
    ]);
    const { transactions } = await (await aFinder()).page(parseFilter(""), { limit: 10 });
    expect(transactions.map(({ at, entries }) => [at, entries.map(({ kind }) => kind)])).toEqual([
      [4, ["intent"]],
      [3, ["stop"]],
      [2, ["refusal"]],
      [0, ["intent", "outcome"]],
    ]);
  });

  it("goes through all pages, and entries appended meanwhile shift nothing", async () => {
    await write(Array.from({ length: 25 }, (_, number) => aDoNotCall(number)).flat());
    const search = await aFinder();
    const seen: number[] = [];
    for (let before: number | undefined, pages = 0; pages < 10; pages++) {
      const page = await search.page(parseFilter("status:200"), { limit: 7, before });
      seen.push(...page.transactions.map(({ at }) => at));
      await write(aDoNotCall(100 + pages));
      await search.refresh();
      if (page.next === undefined) break;
      before = page.next;
    }
    expect(seen).toEqual(Array.from({ length: 25 }, (_, at) => 48 - 2 * at));
  });

  it("closes an intent whose outcome came after the index was updated", async () => {
    await write(aDoNotCall(1, { open: true }));
    const search = await aFinder();
    expect(await found(search, "is:open")).toEqual([0]);
    await write([anOutcome(anIntent(1).id)]);
    await search.refresh();
    expect([await found(search, "is:open"), await found(search, "is:ok")]).toEqual([[], [0]]);
  });

  it("shows an intent in doubt as in doubt", async () => {
    const { id, tenant, client, resource, action } = anIntent(1);
    await write([
      ...aDoNotCall(1, { open: true }),
      { kind: "in-doubt", id, intent: 0, tenant, client, resource, action, reason: "the process died" },
    ]);
    const search = await aFinder();
    expect([await found(search, "is:in-doubt"), await found(search, "is:open")]).toEqual([[0], []]);
  });

  it("finds one request by its id or its first characters", async () => {
    await write([...aDoNotCall(1), ...aDoNotCall(12)]);
    const search = await aFinder();
    expect((await search.byId(anIntent(12).id)).map(({ at }) => at)).toEqual([2]);
    expect((await search.byId(anIntent(1).id.slice(0, 20))).map(({ at }) => at)).toEqual([2, 0]);
    expect(await search.byId("01ZZZZZZZZ")).toEqual([]);
  });

  it("finds a token among others with the same beginning", async () => {
    await write([
      ...aDoNotCall(1, { tokens: { phone: token("9f2c9f2c9f2c1") } }),
      ...aDoNotCall(2, { tokens: { phone: token("9f2c9f2c9f2c2") } }),
    ]);
    const search = await aFinder();
    expect([
      await found(search, `phone:${token("9f2c9f2c9f2c1")}`),
      await found(search, "phone:t1:9f2c9f2c9f2c"),
      await found(search, `-phone:${token("9f2c9f2c9f2c1")}`),
    ]).toEqual([[0], [2, 0], [2]]);
  });
});

const actions = ["DoNotCall", "AddRecord", "RecordReject"] as const;
const entries = fc
  .array(
    fc.record({
      action: fc.constantFrom(...actions),
      client: fc.constantFrom("alpha-crm", "alpha-ors", "beta-crm"),
      status: fc.constantFrom(200, 410, 500),
      how: fc.constantFrom("outcome", "outcome", "refusal", "open"),
      record: fc.integer({ min: 1, max: 5 }),
      phone: fc.constantFrom("aaaaaaaaaaaa", "bbbbbbbbbbbb", "bbbbbbbbbbbbc"),
      campaign: fc.constantFrom("Alpha Campaign", "Beta % Campaign"),
    }),
    { minLength: 1, maxLength: 60 },
  )
  .map((rows) =>
    rows.flatMap(({ how, record, phone, campaign, ...row }, number) =>
      aDoNotCall(number, {
        ...row,
        resource: "records",
        identifier: String(record),
        tokens: { phone: token(phone) },
        body: { GSW_CAMPAIGN_NAME: campaign },
        ...(how === "refusal" && { refused: "OCSGW-2104" }),
        ...(how === "open" && { open: true }),
      }),
    ),
  );

const terms = fc.constantFrom(
  "status:>=400",
  "client:alpha-*",
  "client:BETA-CRM",
  "action:DoNotCall",
  "record:3",
  "is:refused",
  "is:open",
  'campaign:"beta % campaign"',
  "campaign:alpha*",
  "campaign:*_*",
  "phone:t1:bbbbbbbbbbbb",
  `phone:${token("bbbbbbbbbbbbc")}`,
  "queue:>1ms",
  "ocs.time:<5s",
  "kind:refusal",
  "code:OCSGW-2104",
  "id:01KAPQ8C10",
  "since:1h",
  "until:2026-01-01",
  "config:9f3c5e",
  "source:127.*",
  "list:x",
);
const filters = fc.letrec<{ one: string }>((tie) => ({
  one: fc.oneof(
    { depthSize: "small" },
    terms,
    fc.tuple(tie("one"), tie("one")).map(([left, right]) => `(${left} ${right})`),
    fc.tuple(tie("one"), tie("one")).map(([left, right]) => `(${left} OR ${right})`),
    tie("one").map((inner) => `-(${inner})`),
  ),
})).one;

const isPossible = (text: string): boolean => {
  try {
    return parseFilter(text) !== undefined;
  } catch {
    return false;
  }
};

describe("the search index", () => {
  it("hides no match: for any filter, a search gives the same as a scan of all lines", async () => {
    await fc.assert(
      fc.asyncProperty(
        entries,
        fc.array(filters.filter(isPossible), { minLength: 1, maxLength: 8 }),
        async (given, asked) => {
          await elsewhere();
          await write(given);
          const search = new JournalSearch(dir);
          await search.refresh();
          const all = await Array.fromAsync(groupEntries(readLines(dir)));
          for (const text of asked) {
            const filter = parseFilter(text);
            const expected = all
              .filter((transaction) => evaluate(filter.expression, fieldsOf(transaction)) === true)
              .map(({ at }) => at)
              .toReversed();
            expect([text, await found(search, text)]).toEqual([text, expected]);
          }
          search.close();
        },
      ),
      { numRuns: 25 },
    );
  });

  it("is rebuilt if it was deleted, is not a database, or belongs to another journal", async () => {
    await write(aDoNotCall(1));
    (await aFinder()).close();
    finders = [];
    const path = join(dir, "index.sqlite");
    for (const harm of [
      () => rm(path),
      () =>
        writeFile(
          path,
          "no database at all, but some text that is longer than a header of SQLite, which has a hundred bytes",
        ),
    ]) {
      await harm();
      for (const ending of ["-wal", "-shm"]) await rm(path + ending, { force: true });
      expect(await found(await aFinder(), "action:DoNotCall")).toEqual([0]);
      finders.pop()!.close();
    }
    const other = await elsewhere();
    await write([...aDoNotCall(7), ...aDoNotCall(8)]);
    await copyFile(path, join(other, "index.sqlite"));
    expect(await found(await aFinder(), "action:DoNotCall")).toEqual([2, 0]);
  });

  it.each([
    ["alone", [""]],
    ["with what SQLite keeps beside it", ["", "-wal", "-shm"]],
  ])("may be deleted, %s, while another process searches, and both continue", async (_what, endings) => {
    await write(aDoNotCall(1));
    const running = await aFinder();
    for (const ending of endings) await rm(join(dir, `index.sqlite${ending}`));
    await write(aDoNotCall(2));
    expect(await found(await aFinder(), "action:DoNotCall")).toEqual([2, 0]);
    await write(aDoNotCall(3));
    await running.refresh();
    expect(await found(running, "action:DoNotCall")).toEqual([4, 2, 0]);
    running.close();
    finders = finders.filter((search) => search !== running);
    expect(await found(await aFinder(), "action:DoNotCall")).toEqual([4, 2, 0]);
  });

  it("is rebuilt if its pages are damaged", async () => {
    await write(
      Array.from({ length: 300 }, (_, number) =>
        aDoNotCall(number, { open: true, tokens: { phone: token(String(number)) } }),
      ).flat(),
    );
    (await aFinder()).close();
    finders = [];
    const path = join(dir, "index.sqlite");
    const bytes = await readFile(path);
    // The first page and that of the state, which alone is read to bring it up to date.
    for (let page = 2; page * 4096 < bytes.length; page++) bytes.fill(0xff, page * 4096, page * 4096 + 64);
    await writeFile(path, bytes);
    const search = await aFinder();
    expect((await search.openDnc()).length).toBe(300);
    expect((await found(search, "")).length).toBe(300);
  });

  it("is not trusted: the lines that it points to are read and matched again", async () => {
    await write([...aDoNotCall(1), ...aDoNotCall(2, { client: "beta-crm" })]);
    const search = await aFinder();
    const [segment] = await segmentsOf(dir);
    const lines = await linesOf(dir, segment!);
    await writeLines(
      dir,
      segment!,
      lines.map((line) => sealedAgain(line.replace('"alpha-crm"', '"beta--crm"'))),
    );
    expect(await found(search, "client:alpha-crm")).toEqual([]);
    expect(await found(search, "client:beta-crm")).toEqual([2]);
  });

  it("is rebuilt if lines are not where it says", async () => {
    await write([...aDoNotCall(1), ...aDoNotCall(2)]);
    const search = await aFinder();
    const [segment] = await segmentsOf(dir);
    const lines = await linesOf(dir, segment!);
    await writeLines(
      dir,
      segment!,
      lines.map((line) => sealedAgain(line.replace("alpha-crm", "alpha-crm-2"))),
    );
    expect(await found(search, "")).toEqual([2, 0]);
    expect(await found(search, "client:alpha-crm-2")).toEqual([2, 0]);
  });

  it("is updated by two processes at once, and has each entry once", async () => {
    await write(Array.from({ length: 300 }, (_, number) => aDoNotCall(number)).flat());
    const [one, other] = [new JournalSearch(dir), new JournalSearch(dir)];
    finders.push(one, other);
    await Promise.all([one.refresh(), other.refresh()]);
    expect((await found(one, "")).length).toBe(300);
    expect(await found(other, "")).toEqual(await found(one, ""));
  });

  it.runIf(process.platform === "linux")("keeps few segments open, however many a page or a count reads", async () => {
    await write(Array.from({ length: 150 }, (_, number) => aDoNotCall(number)).flat());
    const segments = (await segmentsOf(dir)).length;
    const search = await aFinder();
    const opened = (): number =>
      readdirSync("/proc/self/fd").filter((name) => {
        try {
          return readlinkSync(`/proc/self/fd/${name}`).startsWith(join(dir, "segments"));
        } catch {
          return false;
        }
      }).length;
    let most = 0;
    const timeLimit = Object.assign(new TimeLimit(60_000), { check: () => void (most = Math.max(most, opened())) });
    await search.page(parseFilter("source:127.*"), { limit: 1000, timeLimit });
    await search.count(parseFilter("source:127.*"), timeLimit);
    expect([segments > 20, most > 1, most <= 8]).toEqual([true, true, true]);
  });

  it("forgets deleted entries with their segment", async () => {
    await write(Array.from({ length: 30 }, (_, number) => aDoNotCall(number)).flat());
    const search = await aFinder();
    const [first, second] = await segmentsOf(dir);
    await rm(join(dir, "segments", first!));
    await search.refresh();
    const left = Number(second!.slice(0, 12));
    expect((await found(search, "is:ok")).at(-1)).toBe(left + (left % 2));
    // No entry says that it was deleted.
    expect(await search.searched()).toMatchObject({ from: 0, set_aside: [{ from: 0, to: left, entry: null }] });
  });

  it("changes no file but its own", async () => {
    await write(aDoNotCall(1));
    const [segment] = await segmentsOf(dir);
    const path = join(dir, "segments", segment!);
    const before = [await readFile(path, "utf8"), (await stat(path)).mtimeMs];
    await found(await aFinder(), "");
    expect([await readFile(path, "utf8"), (await stat(path)).mtimeMs]).toEqual(before);
    expect((await stat(join(dir, "index.sqlite"))).mode & 0o077).toBe(0);
  });
});
