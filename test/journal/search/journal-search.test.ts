import { readdirSync, readlinkSync } from "node:fs";
import { copyFile, readFile, rm, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { openJournal } from "../../src/journal/append.ts";
import type { Entry } from "../../src/journal/entry.ts";
import { judge, parseFilter } from "../../src/journal/filter.ts";
import { readLines } from "../../src/journal/read.ts";
import { TimeLimit } from "../../src/journal/search/time-limit.ts";
import { Finder } from "../../src/journal/search.ts";
import { factsOf } from "../../src/journal/story.ts";
import { storiesOf } from "../../src/journal/stories.ts";
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
} from "./kit.ts";

let dir: string;
let finders: Finder[] = [];
const directories: string[] = [];
/** From now on in a directory of its own. */
const elsewhere = async (): Promise<string> => {
  directories.push((dir = await aDirectory()));
  return dir;
};
beforeEach(elsewhere);
afterEach(async () => {
  for (const finder of finders) finder.close();
  finders = [];
  for (const each of directories.splice(0)) await removeDirectory(each);
});

const write = async (entries: readonly Entry[], segmentBytes = 4000): Promise<void> => {
  const journal = await openJournal({ dir, durability: "os", segmentBytes });
  for (const entry of entries) await journal.append(entry);
  await journal.close();
};

const aFinder = async (): Promise<Finder> => {
  const finder = new Finder(dir);
  finders.push(finder);
  await finder.refresh();
  return finder;
};

const found = async (finder: Finder, filter: string, limit = 1000): Promise<number[]> =>
  (await finder.page(parseFilter(filter), { limit })).stories.map(({ at }) => at);

const token = (digits: string): string => `t1:${digits.padEnd(64, "0")}`;

describe("searching the journal", () => {
  it("joins an intent with its outcome, and gives a refusal alone, youngest first", async () => {
    await write([
      ...aDoNotCall(1),
      ...aDoNotCall(2, { refused: "OCSGW-2103" }),
      { kind: "stop", reason: "asked to stop" },
      ...aDoNotCall(3, { open: true }),
    ]);
    const { stories } = await (await aFinder()).page(parseFilter(""), { limit: 10 });
    expect(stories.map(({ at, entries }) => [at, entries.map(({ kind }) => kind)])).toEqual([
      [4, ["intent"]],
      [3, ["stop"]],
      [2, ["refusal"]],
      [0, ["intent", "outcome"]],
    ]);
  });

  it("goes page by page to the end, and what is appended meanwhile moves nothing", async () => {
    await write(Array.from({ length: 25 }, (_, number) => aDoNotCall(number)).flat());
    const finder = await aFinder();
    const seen: number[] = [];
    for (let before: number | undefined, pages = 0; pages < 10; pages++) {
      const page = await finder.page(parseFilter("status:200"), { limit: 7, before });
      seen.push(...page.stories.map(({ at }) => at));
      await write(aDoNotCall(100 + pages));
      await finder.refresh();
      if (page.next === undefined) break;
      before = page.next;
    }
    expect(seen).toEqual(Array.from({ length: 25 }, (_, at) => 48 - 2 * at));
  });

  it("closes an intent whose outcome came after the index was brought up to date", async () => {
    await write(aDoNotCall(1, { open: true }));
    const finder = await aFinder();
    expect(await found(finder, "is:open")).toEqual([0]);
    await write([anOutcome(anIntent(1).id)]);
    await finder.refresh();
    expect([await found(finder, "is:open"), await found(finder, "is:ok")]).toEqual([[], [0]]);
  });

  it("shows an intent in doubt as such", async () => {
    const { id, tenant, client, resource, action } = anIntent(1);
    await write([
      ...aDoNotCall(1, { open: true }),
      { kind: "in-doubt", id, intent: 0, tenant, client, resource, action, reason: "the process died" },
    ]);
    const finder = await aFinder();
    expect([await found(finder, "is:in-doubt"), await found(finder, "is:open")]).toEqual([[0], []]);
  });

  it("finds one request by its id or the beginning of it", async () => {
    await write([...aDoNotCall(1), ...aDoNotCall(12)]);
    const finder = await aFinder();
    expect((await finder.byId(anIntent(12).id)).map(({ at }) => at)).toEqual([2]);
    expect((await finder.byId(anIntent(1).id.slice(0, 20))).map(({ at }) => at)).toEqual([2, 0]);
    expect(await finder.byId("01ZZZZZZZZ")).toEqual([]);
  });

  it("finds a token among those that begin alike", async () => {
    await write([
      ...aDoNotCall(1, { tokens: { phone: token("9f2c9f2c9f2c1") } }),
      ...aDoNotCall(2, { tokens: { phone: token("9f2c9f2c9f2c2") } }),
    ]);
    const finder = await aFinder();
    expect([
      await found(finder, `phone:${token("9f2c9f2c9f2c1")}`),
      await found(finder, "phone:t1:9f2c9f2c9f2c"),
      await found(finder, `-phone:${token("9f2c9f2c9f2c1")}`),
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

describe("the index", () => {
  it("leaves nothing out: for any filter a search gives what reading everything gives", async () => {
    await fc.assert(
      fc.asyncProperty(
        entries,
        fc.array(filters.filter(isPossible), { minLength: 1, maxLength: 8 }),
        async (given, asked) => {
          await elsewhere();
          await write(given);
          const finder = new Finder(dir);
          await finder.refresh();
          const all = await Array.fromAsync(storiesOf(readLines(dir)));
          for (const text of asked) {
            const filter = parseFilter(text);
            const expected = all
              .filter((story) => judge(filter.expression, factsOf(story)) === true)
              .map(({ at }) => at)
              .toReversed();
            expect([text, await found(finder, text)]).toEqual([text, expected]);
          }
          finder.close();
        },
      ),
      { numRuns: 25 },
    );
  });

  it("is made again when it was deleted, is no database, or is another journal's", async () => {
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
  ])("may be deleted, %s, while another searches, and both go on", async (_what, endings) => {
    await write(aDoNotCall(1));
    const running = await aFinder();
    for (const ending of endings) await rm(join(dir, `index.sqlite${ending}`));
    await write(aDoNotCall(2));
    expect(await found(await aFinder(), "action:DoNotCall")).toEqual([2, 0]);
    await write(aDoNotCall(3));
    await running.refresh();
    expect(await found(running, "action:DoNotCall")).toEqual([4, 2, 0]);
    running.close();
    finders = finders.filter((finder) => finder !== running);
    expect(await found(await aFinder(), "action:DoNotCall")).toEqual([4, 2, 0]);
  });

  it("is made again when pages of it are damaged", async () => {
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
    const finder = await aFinder();
    expect((await finder.owed()).length).toBe(300);
    expect((await found(finder, "")).length).toBe(300);
  });

  it("is not believed: what it points at is read, and asked again", async () => {
    await write([...aDoNotCall(1), ...aDoNotCall(2, { client: "beta-crm" })]);
    const finder = await aFinder();
    const [segment] = await segmentsOf(dir);
    const lines = await linesOf(dir, segment!);
    await writeLines(
      dir,
      segment!,
      lines.map((line) => sealedAgain(line.replace('"alpha-crm"', '"beta--crm"'))),
    );
    expect(await found(finder, "client:alpha-crm")).toEqual([]);
    expect(await found(finder, "client:beta-crm")).toEqual([2]);
  });

  it("is made again when lines are not where it says", async () => {
    await write([...aDoNotCall(1), ...aDoNotCall(2)]);
    const finder = await aFinder();
    const [segment] = await segmentsOf(dir);
    const lines = await linesOf(dir, segment!);
    await writeLines(
      dir,
      segment!,
      lines.map((line) => sealedAgain(line.replace("alpha-crm", "alpha-crm-2"))),
    );
    expect(await found(finder, "")).toEqual([2, 0]);
    expect(await found(finder, "client:alpha-crm-2")).toEqual([2, 0]);
  });

  it("is brought up to date by two at once, and each entry is in it once", async () => {
    await write(Array.from({ length: 300 }, (_, number) => aDoNotCall(number)).flat());
    const [one, other] = [new Finder(dir), new Finder(dir)];
    finders.push(one, other);
    await Promise.all([one.refresh(), other.refresh()]);
    expect((await found(one, "")).length).toBe(300);
    expect(await found(other, "")).toEqual(await found(one, ""));
  });

  it.runIf(process.platform === "linux")(
    "keeps few segments open, however many a page or a count goes through",
    async () => {
      await write(Array.from({ length: 150 }, (_, number) => aDoNotCall(number)).flat());
      const segments = (await segmentsOf(dir)).length;
      const finder = await aFinder();
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
      await finder.page(parseFilter("source:127.*"), { limit: 1000, timeLimit });
      await finder.count(parseFilter("source:127.*"), timeLimit);
      expect([segments > 20, most > 1, most <= 8]).toEqual([true, true, true]);
    },
  );

  it("forgets what is deleted with its segment", async () => {
    await write(Array.from({ length: 30 }, (_, number) => aDoNotCall(number)).flat());
    const finder = await aFinder();
    const [first, second] = await segmentsOf(dir);
    await rm(join(dir, "segments", first!));
    await finder.refresh();
    const left = Number(second!.slice(0, 12));
    expect((await found(finder, "is:ok")).at(-1)).toBe(left + (left % 2));
    // No entry says that it was deleted.
    expect(await finder.searched()).toMatchObject({ from: 0, set_aside: [{ from: 0, to: left, entry: null }] });
  });

  it("changes nothing but its own file", async () => {
    await write(aDoNotCall(1));
    const [segment] = await segmentsOf(dir);
    const path = join(dir, "segments", segment!);
    const before = [await readFile(path, "utf8"), (await stat(path)).mtimeMs];
    await found(await aFinder(), "");
    expect([await readFile(path, "utf8"), (await stat(path)).mtimeMs]).toEqual(before);
    expect((await stat(join(dir, "index.sqlite"))).mode & 0o077).toBe(0);
  });
});
