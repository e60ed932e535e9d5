import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { TimeLimit } from "../../src/journal/search/worker/time-limit.ts";
import { answerOf } from "../../src/journal/search/worker/answer.ts";
import { describeCounted, countsOver, mayBeCounted } from "../../src/explain/counted-refusals.ts";
import { ulid } from "../../src/common/ulid.ts";
import { openJournal } from "../../src/journal/write/open-journal.ts";
import type { Flood } from "../../src/journal/entry.ts";
import { JournalSearch } from "../../src/journal/search/journal-search.ts";
import { aDirectory, removeDirectory } from "../journal/kit.ts";

let dir: string;
let search: JournalSearch | undefined;
beforeEach(async () => {
  dir = await aDirectory();
});
afterEach(async () => {
  search?.close();
  search = undefined;
  await removeDirectory(dir);
});

const idAt = (ms: number, rest = "8"): string => ulid(ms).slice(0, 10) + rest.repeat(16);
/** Counts are written after the refusals that they count. */
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
  search = new JournalSearch(dir);
  await search.refresh();
  return (await countsOver({ ask: (question) => answerOf(search!, question, new TimeLimit(60_000)) }, id))?.map(
    ({ index }) => index,
  );
};

describe("a request that was refused and counted", () => {
  it.each([
    ["the first of a count", FIRST, [1, 0]],
    ["an id within a count", idAt(NOW + 500), [1, 0]],
    ["an id within a count, in lower case", idAt(NOW + 500, "Z").toLowerCase(), [1, 0]],
    ["the last of one count and the first of another", LAST, [2, 1, 0]],
    ["an id after a count", idAt(NOW + 1500), [2]],
    ["an id before a count", idAt(NOW - 500), []],
    ["an id of another day", idAt(NOW - 86_400_000), []],
    ["the beginning of an id", FIRST.slice(0, 12), undefined],
    ["a text that is no id", "hello", undefined],
  ])("is found in the counts that its id falls into: %s", async (_what, id, indexes) =>
    expect(await counts(id)).toEqual(indexes),
  );

  it.each([
    ["a moment ago", idAt(NOW), false],
    ["not so long ago that its minute is over", idAt(NOW - 59_000), false],
    ["so long ago that its minute is over", idAt(NOW - 63_000), undefined],
    ["at a future time", idAt(NOW + 60_000), undefined],
    ["at an unknown time, because the id is incomplete", FIRST.slice(0, 12), true],
  ])("may still be written for a request that came %s", (_when, id, final) =>
    expect(mayBeCounted(id, NOW)?.final).toBe(final),
  );

  it("is described without claiming more than the count says", () => {
    expect(describeCounted(FIRST, [{ ...count(), index: 7, time: "2026-11-22T12:00:10.000000Z" }])).toBe(
      `${FIRST} has no entry of its own. If this gateway gave the id, its request was refused, not sent, and counted ` +
        `here:\n  #7  4000 refusals of client alpha-crm (tenant Alpha) at 10.0.0.1 from ` +
        `${new Date(NOW).toISOString()}, within 10 s: OCSGW-3001 4000`,
    );
    expect(describeCounted(FIRST, [{ ...count({ count: 1 }), index: 7, time: "2026-11-22T12:00:10.000000Z" }])).toMatch(
      /#7 {2}1 refusal of client alpha-crm /,
    );
  });
});
