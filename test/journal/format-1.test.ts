/** A journal that an older gateway left: read, verified, searched, exported and continued by this one. */
import { cp, readFile } from "node:fs/promises";
import { createPrivateKey } from "node:crypto";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { judge, parseFilter } from "../../src/journal/filter.ts";
import { readEntries, readLines } from "../../src/journal/read.ts";
import { beginRun } from "../../src/journal/run.ts";
import { Finder } from "../../src/journal/search.ts";
import { storiesOf } from "../../src/journal/stories.ts";
import { factsOf } from "../../src/journal/story.ts";
import { verifyJournal } from "../../src/journal/verify.ts";
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

  it("is read whole, its kinds under the names of today", async () => {
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
  ])("finds %s by search as by going through all lines", async (text, count) => {
    const filter = parseFilter(text);
    const expected = (await Array.fromAsync(storiesOf(readLines(dir))))
      .filter((story) => judge(filter.expression, factsOf(story)) === true)
      .map(({ at }) => at)
      .toReversed();
    const finder = new Finder(dir);
    await finder.refresh();
    const { stories } = await finder.page(filter, { limit: 1000 });
    finder.close();
    expect(stories.map(({ at }) => at)).toEqual(expected);
    expect(stories.length).toBeGreaterThan(0);
    if (count !== undefined) expect(stories).toHaveLength(count);
  });

  it("is gone on with: no index, no number and no checkpoint contradicts what was there", async () => {
    const again = await openWithCheckpoints(dir, key);
    expect(await beginRun(again.journal, { version: "1" })).toBe(8);
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
