/** Notes that an open Do-Not-Call was handled by other means: entries that change nothing of what is open. */
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { accessEntry, faultOf } from "../../../src/journal/access.ts";
import { openJournal } from "../../../src/journal/write/open-journal.ts";
import type { Entry } from "../../../src/journal/entry.ts";
import { HANDLED, queryFor } from "../../../src/journal/open-dnc/handled-notes.ts";
import { openDncOf, type OpenDnc } from "../../../src/journal/search/open-dnc.ts";
import { answerOf } from "../../../src/journal/search/worker/answer.ts";
import { TimeLimit } from "../../../src/journal/search/worker/time-limit.ts";
import { JournalSearch } from "../../../src/journal/search/journal-search.ts";
import { aDirectory, aDoNotCall, anIntent, removeDirectory } from "../kit.ts";

let dir: string;
beforeEach(async () => void (dir = await aDirectory()));
afterEach(() => removeDirectory(dir));

const phone = (digit: string) => ({ tokens: { phone: `t1:${digit.repeat(64)}` }, status: 500 });
const noted = (number: number, purpose: string): Entry =>
  accessEntry({ user: "dana", operation: HANDLED, query: queryFor(anIntent(number).id), purpose });

const open = async (...entries: readonly (readonly Entry[])[]): Promise<OpenDnc[]> => {
  const journal = await openJournal({ dir, durability: "os" });
  for (const entry of entries.flat()) await journal.append(entry);
  await journal.close();
  const search = new JournalSearch(dir);
  try {
    await search.refresh();
    const { transactions = [], notes } = await answerOf(search, { kind: "open-dnc" }, new TimeLimit(60_000));
    return openDncOf(transactions, Date.now(), notes);
  } finally {
    search.close();
  }
};

describe("a note about an open Do-Not-Call", () => {
  it("leaves it listed, with the user, the time and the remedy of the last note", async () => {
    const owed = await open(aDoNotCall(1, phone("a")), aDoNotCall(2, phone("b")), [
      noted(1, "asked the site"),
      noted(1, "added by hand, ticket 42"),
    ]);
    expect(owed.map(({ id, handled }) => [id, handled])).toEqual([
      [anIntent(1).id, { by: "dana", at: expect.any(String) as string, note: "added by hand, ticket 42", entry: 5 }],
      [anIntent(2).id, null],
    ]);
  });

  it("does not count after a new request for the same subject", async () => {
    expect(await open(aDoNotCall(1, phone("a")), [noted(1, "added by hand")], aDoNotCall(2, phone("a")))).toMatchObject(
      [{ tries: 2, id: anIntent(2).id, handled: null }],
    );
  });

  it("ends with the Do-Not-Call when OCS accepts that one, and affects no other", async () => {
    expect(
      await open(
        aDoNotCall(1, phone("a")),
        [noted(1, "added by hand"), noted(7, "of nothing")],
        aDoNotCall(2, { ...phone("a"), status: 200 }),
      ),
    ).toEqual([]);
    expect(await open(aDoNotCall(3, phone("b")))).toMatchObject([{ handled: null }]);
  });

  it("counts for a Do-Not-Call that was carried on when its segment was deleted", async () => {
    const [asked] = aDoNotCall(1, phone("a"));
    const carried: Entry = {
      kind: "open-dnc",
      id: anIntent(1).id,
      tenant: anIntent(1).tenant,
      client: "alpha-crm",
      resource: "phones",
      identifier: "······0100",
      action: "DoNotCall",
      body: {},
      ...phone("a"),
      state: "ocs-no",
      first: "2026-01-01T12:00:00.000000Z",
      last: "2026-01-01T12:00:00.000000Z",
      tries: 1,
      clients: ["alpha-crm"],
    } as Entry;
    expect(await open([asked!], [noted(1, "added by hand"), carried])).toMatchObject([
      { handled: { note: "added by hand" } },
    ]);
  });

  it("is found among any number of look-ups and registrations without reading those", async () => {
    const others = Array.from({ length: 1200 }, (_, handle): Entry => ({
      kind: "access",
      user: "minter",
      role: "registrar",
      operation: `PUT /ownership/ocs/${handle}`,
      purpose: "Alpha Tenant",
    }));
    const pages = vi.spyOn(JournalSearch.prototype, "page");
    try {
      const owed = await open(aDoNotCall(1, phone("a")), others, [noted(1, "added by hand")], others);
      expect(owed).toMatchObject([{ handled: { note: "added by hand" } }]);
      const read = await Promise.all(pages.mock.results.map(({ value }) => value as ReturnType<JournalSearch["page"]>));
      expect(read.flatMap(({ transactions }) => transactions)).toHaveLength(1);
    } finally {
      pages.mockRestore();
    }
  });

  it.each([
    ["without the request's id", { query: undefined, purpose: "by hand" }, /^query: expected id:/],
    ["with a filter instead of an id", { query: "tenant:101", purpose: "by hand" }, /^query: expected id:/],
    [
      "without an explanation",
      { query: queryFor("01KAPQ8C10QX01KAPQ8C000001"), purpose: undefined },
      /^purpose: expected how/,
    ],
    [
      "with a phone number in it",
      { query: queryFor("01KAPQ8C10QX01KAPQ8C000001"), purpose: "called 415-555-0100 back" },
      /may be a phone number/,
    ],
  ])("%s is refused", (_what, asked, says) => {
    expect(faultOf({ user: "dana", operation: HANDLED, ...asked })).toMatch(says);
  });
});
