import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { openJournal } from "../../../src/journal/write/open-journal.ts";
import { parseFilter } from "../../../src/journal/search/filter/filter.ts";
import { unknownNames } from "../../../src/journal/search/filter/vocabulary.ts";
import { JournalSearch } from "../../../src/journal/search/journal-search.ts";
import { SearchWorker } from "../../../src/journal/search/worker/search-worker.ts";
import { UnknownNameCheck, warningsFor } from "../../../src/journal/search/unknown-names.ts";
import type { Question } from "../../../src/journal/search/worker/messages.ts";
import { TimeLimit, SearchTimeout } from "../../../src/journal/search/worker/time-limit.ts";
import { fieldsOf } from "../../../src/journal/search/transaction.ts";
import { aDirectory, aDoNotCall, anIntent, removeDirectory } from "../kit.ts";

const SIZE = 4000;
const VOCABULARY = {
  actions: ["DoNotCall"],
  codes: [],
  names: { client: ["alpha-crm"], list: ["Alpha List"], tenant: [{ dbid: 101, name: "Alpha Tenant" }] },
};

let dir: string;
let search: JournalSearch;
beforeAll(async () => {
  dir = await aDirectory();
  const journal = await openJournal({ dir, durability: "os" });
  const writes: Promise<void>[] = [];
  for (let number = 0; number < SIZE; number++) {
    const old =
      number === 0
        ? {
            client: "former-crm",
            body: { GSW_CALLING_LIST: "Former List" },
            tenant: { dbid: 7, name: "Former Tenant" },
            credential: { kind: "key", id: "k0" },
          }
        : {};
    for (const entry of aDoNotCall(number, { ...old, open: true })) writes.push(journal.append(entry));
    if (writes.length >= 1000) await Promise.all(writes.splice(0));
  }
  await Promise.all(writes);
  await journal.close();
  search = new JournalSearch(dir);
  await search.refresh();
});
afterAll(async () => {
  search.close();
  await removeDirectory(dir);
});

const page = (filter: string): Question => ({ kind: "page", filter, names: [], limit: 10 });
/** Every line is read, because no index has lanes, and held against many patterns. */
const SLOW = Array.from({ length: 20_000 }, (_, number) => `lane:nobody-*-${number}`).join(" OR ");

describe("a slow question", () => {
  it.each([
    ["every line must be read", "lane:nobody/1"],
    ["SQLite must scan every row", "list:*a*b*c*d*"],
    ["both are needed for several facets", "-list:x lane:nobody/1"],
  ])("ends at its time limit when %s", async (_why, filter) => {
    const start = performance.now();
    const late = search.page(parseFilter(filter), { limit: 10, timeLimit: new TimeLimit(0) });
    await expect(late).rejects.toThrow(SearchTimeout);
    await expect(late).rejects.toThrow(/stopped after 0 ms, with 0 found so far; there may be more/);
    expect(performance.now() - start).toBeLessThan(2000);
  });

  it("is answered if there is time, whatever the pattern", async () => {
    const found = await search.page(parseFilter("list:*f*o*r*m*e*r*l*i*s*t*"), {
      limit: 10,
      timeLimit: new TimeLimit(60_000),
    });
    expect(found.transactions.map(({ at }) => at)).toEqual([0]);
  });

  it("is answered with a full page if only the existence of another page is unknown", async () => {
    const timeLimit = {
      check: (found: number) => {
        if (found === 2) throw new SearchTimeout("late");
      },
    } as TimeLimit;
    const full = await search.page(parseFilter("is:open"), { limit: 2, timeLimit });
    expect([full.transactions.map(({ at }) => at), full.next]).toEqual([[SIZE - 1, SIZE - 2], SIZE - 2]);
    await expect(search.page(parseFilter("is:open"), { limit: 3, timeLimit })).rejects.toThrow(SearchTimeout);
  });

  it("does not delay other questions, and gets a clear error", async () => {
    const desk = new SearchWorker(dir, { quickMs: 1500, slowMs: 1500 });
    try {
      await desk.ask(page("is:open"));
      const ended: string[] = [];
      const slow = desk.ask(page(SLOW)).finally(() => ended.push("slow"));
      const error = expect(slow).rejects.toThrow(/stopped after 1.5 s, with 0 found so far; there may be more/);
      const other = await desk.ask(page("is:open")).finally(() => ended.push("other"));
      expect(other.transactions).toHaveLength(10);
      await error;
      expect(ended).toEqual(["other", "slow"]);
    } finally {
      await desk.close();
    }
  });

  it("is answered by a slow thread if the quick one's time was too short", async () => {
    const desk = new SearchWorker(dir, { quickMs: 1, slowMs: 60_000 });
    try {
      expect((await desk.ask(page("lane:nobody/1 OR client:former-crm"))).transactions!.map(({ at }) => at)).toEqual([
        0,
      ]);
    } finally {
      await desk.close();
    }
  });

  it("that cannot be stopped ends with its thread, and the next one is answered", async () => {
    const desk = new SearchWorker(dir, { quickMs: 500, slowMs: 500, graceMs: 100 });
    try {
      // Reading so long a filter takes seconds in which the thread looks at no clock.
      const stuck = Array.from({ length: 400_000 }, (_, number) => `client:${number}*`).join(" OR ");
      await expect(desk.ask(page(stuck))).rejects.toThrow(
        "the search was stopped after 0.5 s; search for an exact name",
      );
      const next = await desk.ask(page("is:open")).catch(() => desk.ask(page("is:open")));
      expect(next.transactions).toHaveLength(10);
    } finally {
      await desk.close();
    }
  });

  it("takes almost no time of the thread that serves traffic", async () => {
    const desk = new SearchWorker(dir, { quickMs: 500, slowMs: 500 });
    const before = process.threadCpuUsage();
    await Promise.allSettled(Array.from({ length: 2 }, () => desk.ask(page(SLOW))));
    const { user, system } = process.threadCpuUsage(before);
    await desk.close();
    expect((user + system) / 1000).toBeLessThan(250);
  });
});

describe("a page of results", () => {
  it("ends early if its entries are long, and says where the next one begins", async () => {
    const other = await aDirectory();
    const journal = await openJournal({ dir: other, durability: "os" });
    for (let number = 0; number < 12; number++) await journal.append(anIntent(number, { text: "x".repeat(1 << 20) }));
    await journal.close();
    const long = new JournalSearch(other);
    await long.refresh();
    const seen: number[] = [];
    for (let before: number | undefined, pages = 0; pages < 5; pages++) {
      const found = await long.page(parseFilter(""), { limit: 100, before });
      expect(found.transactions.length).toBeLessThan(6);
      seen.push(...found.transactions.map(({ at }) => at));
      before = found.next;
      if (before === undefined) break;
    }
    long.close();
    await removeDirectory(other);
    expect(seen).toEqual(Array.from({ length: 12 }, (_, at) => 11 - at));
  });
});

describe("for names that the config does not have,", () => {
  const warned = async (text: string): Promise<readonly string[]> => {
    const filter = parseFilter(text);
    const { transactions } = await search.page(filter, { limit: 10 });
    return warningsFor(search, filter, unknownNames(filter, VOCABULARY), transactions);
  };

  it.each([
    "client:alpha-crm",
    "client:former-crm",
    'tenant:"Former Tenant"',
    "tenant:7",
    'list:"former list"',
    "credential:key/k0",
    "is:open client:former-*",
    "-client:former-crm",
    "credential:basic/*",
    "source:127.0.0.*",
  ])("%s causes no warning if the journal has the name", async (text) => expect(await warned(text)).toEqual([]));

  it.each([
    ["client:former-crn", "client:former-crn: there is no such client in the config or in the journal"],
    [
      "-client:alpha-crn",
      "client:alpha-crn: there is no such client in the config or in the journal; did you mean alpha-crm?",
    ],
    [
      "is:open OR tenant:Alpha",
      "tenant:Alpha: there is no such tenant in the config or in the journal; did you mean Alpha Tenant?",
    ],
    ["group:106", "group:106: there is no such campaign group in the journal"],
    ['list:"Former Lst"', 'list:"Former Lst": there is no such calling list in the config or in the journal'],
    ["source:10.1.2.3", "source:10.1.2.3: there is no such source address in the journal"],
    ["client:alpha-crm since:2999-01-01", "the filter asks for a time in the future"],
  ])("%s causes a warning", async (text, warning) => expect(await warned(text)).toEqual([warning]));

  it("each causes a warning, except a name that a scan of all transactions finds", async () => {
    const names = unknownNames(parseFilter("client:former-crm,nobody,someone -list:x"), VOCABULARY);
    const watch = new UnknownNameCheck(names);
    const { transactions } = await search.page(parseFilter("client:former-crm"), { limit: 1 });
    watch.add(fieldsOf(transactions[0]!));
    expect(watch.warnings().map((warning) => warning.split(": ")[0])).toEqual([
      "client:nobody",
      "client:someone",
      "list:x",
    ]);
  });
});
