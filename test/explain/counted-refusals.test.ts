import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { TimeLimit } from "../../../src/journal/search/time-limit.ts";
import { answerOf } from "../../../src/journal/search/answer.ts";
import { countedInWords, countsOver, mayBeCounted } from "../../../src/cli/explain/counted.ts";
import { ulid } from "../../../src/edge/ulid.ts";
import { openJournal } from "../../../src/journal/append.ts";
import type { Flood } from "../../../src/journal/entry.ts";
import { Finder } from "../../../src/journal/search.ts";
import { aDirectory, removeDirectory } from "../../journal/kit.ts";

let dir: string;
let finder: Finder | undefined;
beforeEach(async () => {
  dir = await aDirectory();
});
afterEach(async () => {
  finder?.close();
  finder = undefined;
  await removeDirectory(dir);
});

const idAt = (ms: number, rest = "8"): string => ulid(ms).slice(0, 10) + rest.repeat(16);
/** Counts are written after what they count. */
const NOW = Date.now() - 3000;
const FIRST = idAt(NOW);
const LAST = idAt(NOW + 900);
const count = (over: Partial<Flood> = {}): Flood => ({
  kind: "flood",
  source: "10.0.0.1",
  tenant: { dbid: 101, name: "Alpha" },
  client: "alpha-crm",
  second: new Date(NOW).toISOString(),
  seconds: 10,
  count: 4000,
  codes: { "OCSGW-3001": 4000 },
  first_id: FIRST,
  last_id: LAST,
  ...over,
});

const counts = async (id: string): Promise<readonly number[] | undefined> => {
  const journal = await openJournal({ dir, durability: "os" });
  await journal.append(count());
  await journal.append(count({ client: "alpha-ivr" }));
  await journal.append(count({ client: "beta-crm", first_id: LAST, last_id: idAt(NOW + 2000) }));
  await journal.append({ kind: "flood", source: "10.0.0.2", second: "2026-11-22T12:00:00.000Z", count: 3 });
  await journal.close();
  finder = new Finder(dir);
  await finder.refresh();
  return (await countsOver({ ask: (question) => answerOf(finder!, question, new TimeLimit(60_000)) }, id))?.map(
    ({ index }) => index,
  );
};

describe("a request that was refused and counted", () => {
  it.each([
    ["the first of a count", FIRST, [1, 0]],
    ["one within", idAt(NOW + 500), [1, 0]],
    ["one within, in small letters", idAt(NOW + 500, "Z").toLowerCase(), [1, 0]],
    ["the last of one count and the first of another", LAST, [2, 1, 0]],
    ["one behind", idAt(NOW + 1500), [2]],
    ["one before", idAt(NOW - 500), []],
    ["one of another day", idAt(NOW - 86_400_000), []],
    ["the beginning of an id", FIRST.slice(0, 12), undefined],
    ["no id", "hello", undefined],
  ])("is found by its id: %s", async (_what, id, indexes) => expect(await counts(id)).toEqual(indexes));

  it.each([
    ["a moment ago", idAt(NOW), false],
    ["not so long ago that its minute is over", idAt(NOW - 59_000), false],
    ["longer ago", idAt(NOW - 63_000), undefined],
    ["at a time that has not come", idAt(NOW + 60_000), undefined],
    ["at a time that is not known, being the beginning of an id", FIRST.slice(0, 12), true],
  ])("may still come when it came %s", (_when, id, final) => expect(mayBeCounted(id, NOW)?.final).toBe(final));

  it("is told in words that claim no more than the count does", () => {
    expect(countedInWords(FIRST, [{ ...count(), index: 7, time: "2026-11-22T12:00:10.000000Z" }])).toBe(
      `${FIRST} has no entry of its own. If this gateway gave the id, its request was refused, not sent, and counted here:\n` +
        `  #7  4000 refusals of client alpha-crm (tenant Alpha) at 10.0.0.1 from ${new Date(NOW).toISOString()}, within 10 s: OCSGW-3001 4000`,
    );
  });
});
