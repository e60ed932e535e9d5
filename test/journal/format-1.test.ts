/** A journal that an older gateway left: read, verified, searched, exported and continued by this one. */
import { cp, readFile } from "node:fs/promises";
import { createPrivateKey } from "node:crypto";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { evaluate, parseFilter } from "../../src/journal/search/filter/filter.ts";
import { readEntries, readLines } from "../../src/journal/read/read-entries.ts";
import { writeStartEntries } from "../../src/journal/write/start-entries.ts";
import { JournalSearch } from "../../src/journal/search/journal-search.ts";
import { groupEntries } from "../../src/journal/search/group-entries.ts";
import { fieldsOf } from "../../src/journal/search/transaction.ts";
import { verifyJournal } from "../../src/journal/verify/verify.ts";
import { aDirectory, anIntent, openWithCheckpoints, removeDirectory } from "./kit.ts";

const FORMAT_1 = join(import.meta.dirname, "format-1");
const key = createPrivateKey({
  key: Buffer.concat([Buffer.from("302e020100300506032b657004220420", "hex"), Buffer.alloc(32, 7)]),
  format: "der",
  type: "pkcs8",
});

let dir: string;
let vkey: string;
beforeEach(async () => {
  dir = await aDirectory();
  await cp(join(FORMAT_1, "journal"), dir, { recursive: true });
  vkey = await readFile(join(FORMAT_1, "verifier-key"), "utf8");
});
afterEach(() => removeDirectory(dir));

describe("a journal in format 1", () => {
  it("verifies, with the hashes of the segment that was deleted", async () => {
    expect(await verifyJournal(dir, { vkey })).toMatchObject({
      verdict: "ok",
      findings: [],
      retired: 41,
      doubts: 8,
      entries: 320,
      uncovered: 0,
    });
  });

  it("is read completely, with the current names of its kinds", async () => {
    const entries = await Array.fromAsync(readEntries(dir));
    expect(entries.map(({ index }) => index)).toEqual(Array.from({ length: 279 }, (_, at) => 41 + at));
    expect(new Set(entries.map(({ kind }) => kind))).toEqual(
      new Set([
        "intent",
        "outcome",
        "refusal",
        "flood",
        "switchover",
        "alarm",
        "abandoned",
        "gap",
        "clock",
        "start",
        "in-doubt",
        "access",
        "deleted",
        "stop",
      ]),
    );
    expect(entries.find((entry) => entry.kind === "start")).toMatchObject({ torn: { bytes: 37 } });
  });

  it.each([
    ["kind:in-doubt", 8],
    ["kind:deleted", 1],
    ["record:1024", 1],
    ["kind:abandoned", 1],
    ["tenant:Beta status:410", undefined],
  ])("gives the same results for %s by search as by a scan of all lines", async (text, count) => {
    const filter = parseFilter(text);
    const expected = (await Array.fromAsync(groupEntries(readLines(dir))))
      .filter((story) => evaluate(filter.expression, fieldsOf(story)) === true)
      .map(({ at }) => at)
      .toReversed();
    const search = new JournalSearch(dir);
    await search.refresh();
    const { transactions } = await search.page(filter, { limit: 1000 });
    search.close();
    expect(transactions.map(({ at }) => at)).toEqual(expected);
    expect(transactions.length).toBeGreaterThan(0);
    if (count !== undefined) expect(transactions).toHaveLength(count);
  });

  it("can be continued: its indexes, numbers and checkpoints stay valid", async () => {
    const again = await openWithCheckpoints(dir, key);
    expect(await writeStartEntries(again.journal, { version: "1" })).toBe(8);
    await again.journal.append(anIntent(1));
    await again.close();
    const added = await Array.fromAsync(readEntries(dir, { from: 320 }));
    expect(added.map(({ index }) => index)).toEqual(added.map((_, at) => 320 + at));
    expect(added.filter(({ kind }) => kind === "in-doubt")).toHaveLength(8);
    expect(await verifyJournal(dir, { vkey })).toMatchObject({
      verdict: "ok",
      findings: [],
      entries: 320 + added.length,
      uncovered: 0,
      retired: 41,
    });
  });
});
