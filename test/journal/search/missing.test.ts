/** What an answer rests on is proved, or the answer is not complete: entries that were altered, lines that are gone. */
import { cp, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { openJournal } from "../../../src/journal/write/open-journal.ts";
import { createCheckpoints } from "../../../src/journal/integrity/checkpoints/checkpoint.ts";
import type { Entry } from "../../../src/journal/entry.ts";
import { exportTo } from "../../../src/journal/export/export.ts";
import { parseFilter } from "../../../src/journal/search/filter/filter.ts";
import { searchPerson } from "../../../src/journal/search/person-search.ts";
import { OpenDoNotCalls } from "../../../src/journal/open-dnc/open-dnc-counter.ts";
import { createRedactor } from "../../../src/journal/redact.ts";
import { deleteExpired } from "../../../src/journal/segments/retention/retention.ts";
import { JournalSearch } from "../../../src/journal/search/journal-search.ts";
import { setAside } from "../../../src/journal/segments/set-aside.ts";
import {
  ORIGIN,
  aDirectory,
  aDoNotCall,
  aKey,
  aQuickDirectory,
  linesOf,
  removeDirectory,
  sealedAgain,
  segmentsOf,
  writeLines,
} from "../kit.ts";

const key = aKey();
const signer = { key, origin: ORIGIN };
const DAY = 86_400_000;
const START = Date.parse("2026-01-01T12:00:00Z");
const INDEX_KEY = "the only key of this journal, 32 and more";
const PHONE = "4155550199";
const TOKENS = createRedactor({ phone: "last4", customer_id: "token", fields: {}, others: "drop" }, INDEX_KEY).tokens(
  "phones",
  PHONE,
  new Map(),
)!;

/** `nested`: besides the segment that was set aside, the one that holds the entry about it. */
const SORTS = ["one", "nested"] as const;
type Sort = (typeof SORTS)[number];
const wholes = new Map<Sort, { readonly dir: string; readonly size: number }>();
beforeAll(async () => {
  for (const sort of SORTS) {
    const dir = await aQuickDirectory();
    wholes.set(sort, { dir, size: await writeWhole(dir, sort) });
  }
});
afterAll(async () => {
  for (const { dir } of wholes.values()) await removeDirectory(dir);
});

/** Segments of a day each, the first deleted, the second set aside. Resolves with the number of entries. */
const writeWhole = async (dir: string, sort: Sort): Promise<number> => {
  let today = START;
  const counter = new OpenDoNotCalls();
  counter.restore({ size: 0, open: [], under_way: [] });
  const journal = await openJournal({
    dir,
    durability: "flush",
    states: signer,
    written: counter.take,
    clocks: { wall: () => today * 1000, steady: () => today * 1000 },
  });
  journal.keys.use(INDEX_KEY, "h");
  const checkpoints = await createCheckpoints(journal, { ...signer, everyMs: 3_600_000 });
  const aDay = async (...more: Entry[]): Promise<void> => {
    for (const entry of [...aDoNotCall(today / DAY, { upstream: "ocs-main", tokens: TOKENS }), ...more])
      await journal.append(entry);
    await checkpoints.write();
    today += DAY;
  };
  const putAside = async (name: string): Promise<void> => {
    const path = join(dir, "segments", name);
    const bytes = await readFile(path);
    bytes[200]! ^= 1;
    await writeFile(path, bytes);
    await setAside(
      { journal, checkpoints, signer, openDoNotCalls: counter, by: { user: "dana" } },
      Number.parseInt(name, 10),
    );
  };
  const at = async (place: number): Promise<string> => (await segmentsOf(dir))[place]!;
  for (let day = 0; day < 4; day++) await aDay();
  await putAside(await at(1));
  await aDay();
  const withFirstEntry = await at(3);
  await aDay({
    kind: "gap",
    reason: "a full disk",
    from: "2026-01-06T12:00:00.000000Z",
    to: "2026-01-06T13:00:00.000000Z",
    lost: 1,
  });
  if (sort === "nested") await putAside(withFirstEntry);
  await aDay();
  await deleteExpired({
    journal,
    checkpoints,
    keep: { default: 4 * DAY },
    holds: [],
    openDoNotCalls: counter,
    now: () => today,
    most: 1,
  });
  await aDay({ kind: "stop", reason: "asked to stop" });
  await checkpoints.stop();
  await journal.close();
  return journal.status().size;
};

type Said = { readonly complete: boolean; readonly set_aside: readonly { readonly entry: number | null }[] };

const ask = async (dir: string, filter: string): Promise<Said | string> => {
  const search = new JournalSearch(dir);
  try {
    await search.refresh();
    const { evidence } = await searchPerson(
      search,
      { person: { kind: "phone", value: PHONE }, keys: INDEX_KEY, filter: parseFilter(filter) },
      { limit: 9 },
    );
    return { complete: evidence.complete, set_aside: evidence.searched.set_aside };
  } catch (error) {
    return (error as Error).name;
  } finally {
    search.close();
  }
};

const altered = async (dir: string, kind: string, change: (line: string) => string): Promise<void> => {
  for (const segment of (await segmentsOf(dir)).toReversed()) {
    const lines = await linesOf(dir, segment);
    const at = lines.findLastIndex((line) => line.includes(`"kind":"${kind}"`));
    if (at < 0) continue;
    const line = change(lines[at]!);
    expect(line, kind).not.toBe(lines[at]);
    return writeLines(dir, segment, lines.with(at, line));
  }
  throw new Error(`no ${kind}`);
};

const LAST_DAY = "since:2026-01-08";

/** `filter`: for which the unaltered journal has everything, unless it is nested. */
type Row = readonly [what: string, kind: string, change: (line: string) => string, filter: string, sort: Sort];
const ALTERED: readonly Row[] = [
  [
    "the place of what was set aside before",
    "set-aside",
    (line) => line.replace(/"before":\[\{"from":\d+/, (found) => found.replace(/\d+$/, "900")),
    LAST_DAY,
    "nested",
  ],
  [
    "how far what was set aside before goes",
    "set-aside",
    (line) => line.replace(/("before":\[\{"from":\d+,"to":)\d+/, "$10"),
    LAST_DAY,
    "nested",
  ],
  [
    "that there was any before",
    "set-aside",
    (line) => line.replace(/"before":\[[^\]]*\]/, '"before":[]'),
    LAST_DAY,
    "nested",
  ],
  [
    "the time of the youngest",
    "set-aside",
    (line) => line.replace(/"youngest":"2026-01-0\d/, '"youngest":"2025-01-01'),
    LAST_DAY,
    "one",
  ],
  ["the time of the oldest", "set-aside", (line) => line.replace(/"oldest":"2026/, '"oldest":"2036'), LAST_DAY, "one"],
  ["which entries it is about", "set-aside", (line) => line.replace(/"from":(\d+)/, '"from":9$1'), LAST_DAY, "one"],
  ["that it is about such a segment", "set-aside", (line) => line.replace("set-aside", "set-aseid"), LAST_DAY, "one"],
  ["up to where entries were deleted", "deleted", (line) => line.replace(/"to":\d+/, '"to":900'), LAST_DAY, "one"],
  [
    "when the youngest deleted one was written",
    "deleted",
    (line) => line.replace(/"youngest":"2026/, '"youngest":"2016'),
    LAST_DAY,
    "one",
  ],
  ["that something was deleted", "deleted", (line) => line.replace("deleted", "deletet"), LAST_DAY, "one"],
  [
    "the time of a gap",
    "gap",
    (line) => line.replace(/"from":"2026(.*)"to":"2026/, '"from":"2016$1"to":"2016'),
    "since:2026-01-06 until:2026-01-06",
    "one",
  ],
  [
    "from where the check value of the key counts",
    "deleted",
    (line) => line.replace(/("index_keys":\{"t1":\{[^}]*"from":)\d+/, "$1900000"),
    LAST_DAY,
    "one",
  ],
];

const GONE: readonly (readonly [what: string, remove: (dir: string, segments: readonly string[]) => Promise<void>])[] =
  [
    ["a segment in the middle", (dir, segments) => rm(join(dir, "segments", segments.at(-2)!))],
    ["the oldest segment", (dir, segments) => rm(join(dir, "segments", segments[0]!))],
    ["the last segment", (dir, segments) => rm(join(dir, "segments", segments.at(-1)!))],
    [
      "the last lines of the last segment",
      async (dir, segments) => writeLines(dir, segments.at(-1)!, (await linesOf(dir, segments.at(-1)!)).slice(0, -1)),
    ],
  ];

const inCopy = async <Result>(work: (dir: string) => Promise<Result>, sort: Sort = "one"): Promise<Result> => {
  const dir = await aQuickDirectory();
  try {
    await cp(wholes.get(sort)!.dir, dir, { recursive: true });
    return await work(dir);
  } finally {
    await removeDirectory(dir);
  }
};

describe("a look-up of a person", () => {
  it("is complete for a period in which nothing is missing", async () => {
    await inCopy(async (dir) => {
      expect(await ask(dir, LAST_DAY)).toMatchObject({
        complete: true,
        set_aside: [{ entry: expect.any(Number) as number }],
      });
      expect(await ask(dir, "since:2026-01-06 until:2026-01-06T11:00")).toMatchObject({ complete: true });
      for (const day of ["01", "02", "06"])
        expect([day, await ask(dir, `since:2026-01-${day} until:2026-01-${day}T23:00`)]).toMatchObject([
          day,
          { complete: false },
        ]);
    });
    // What is known from a later entry alone has no time.
    await inCopy(
      async (dir) =>
        expect(await ask(dir, LAST_DAY)).toMatchObject({
          complete: false,
          set_aside: [{ oldest: null, entry: expect.any(Number) as number }, {}],
        }),
      "nested",
    );
  });

  describe.each(ALTERED)("if an entry was altered (%s)", (_what, kind, change, filter, sort) => {
    it.each([
      ["a flipped bit", false, false],
      ["with a new checksum", true, false],
      ["a flipped bit after the index was built", false, true],
      ["with a new checksum after the index was built", true, true],
    ])("never claims to be complete: %s", async (_how, isSealed, isIndexed) => {
      await inCopy(async (dir) => {
        if (isIndexed) await ask(dir, filter);
        await altered(dir, kind, (line) => (isSealed ? sealedAgain(change(line)) : change(line)));
        const said = await ask(dir, filter);
        if (typeof said === "string") return expect([isSealed, said]).toEqual([false, "LineDamaged"]);
        expect(said.complete).toBe(false);
        if (sort === "nested") expect(said.set_aside.map(({ entry }) => entry)).toContain(null);
      }, sort);
    });
  });

  it.each(GONE)("if %s is missing says so, and names the entries", async (_what, remove) => {
    for (const isIndexed of [false, true]) {
      await inCopy(async (dir) => {
        if (isIndexed) await ask(dir, LAST_DAY);
        await remove(dir, await segmentsOf(dir));
        const said = await ask(dir, LAST_DAY);
        expect(said).toMatchObject({ complete: false });
        expect((said as Said).set_aside.map(({ entry }) => entry)).toContain(null);
      });
    }
  });
});

describe("an export of lines", () => {
  it("is refused if a line was changed", async () => {
    const work = await aDirectory();
    const exported = (dir: string, name: string) =>
      exportTo(
        { dir, filter: parseFilter(""), size: wholes.get("one")!.size },
        { out: join(work, name), as: "ndjson" },
      );
    await inCopy(async (dir) => {
      expect((await exported(dir, "whole")).set_aside).toHaveLength(1);
      await altered(dir, "stop", (line) => line.replace("asked", "axked"));
      await expect(exported(dir, "damaged")).rejects.toThrow(/the line of index \d+ is not as it was written/);
    });
    await removeDirectory(work);
  });

  it("names the missing entries if the entry about them was changed", async () => {
    const work = await aDirectory();
    await inCopy(async (dir) => {
      await altered(dir, "set-aside", (line) => sealedAgain(line.replace(/"before":\[[^\]]*\]/, '"before":[]')));
      const { set_aside: spans } = await exportTo(
        { dir, filter: parseFilter(""), size: wholes.get("nested")!.size },
        { out: join(work, "lines"), as: "ndjson" },
      );
      expect(spans.map(({ entry }) => entry)).toEqual([null, null]);
    }, "nested");
    await removeDirectory(work);
  });
});
