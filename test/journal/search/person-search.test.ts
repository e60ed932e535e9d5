import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { openJournal } from "../../../src/journal/write/open-journal.ts";
import type { Entry } from "../../../src/journal/entry.ts";
import { parseFilter } from "../../../src/journal/search/filter/filter.ts";
import { searchPerson, UnsearchableValue, type Found } from "../../../src/journal/search/person-search.ts";
import { createRedactor, type IndexKeys } from "../../../src/journal/redact.ts";
import { JournalSearch } from "../../../src/journal/search/journal-search.ts";
import { tokensFor } from "../../../src/journal/search/phone-variants.ts";
import { aDirectory, aDoNotCall, removeDirectory } from "../kit.ts";

const OLD = { epoch: "t1", secret: "the first key of this journal, 32 and more" };
const NEW = { epoch: "t2", secret: "the second key of it, of 32 and more too" };
const RULES = { phone: "last4", customer_id: "token", fields: {}, others: "drop" } as const;

let dir: string;
beforeEach(async () => {
  dir = await aDirectory();
});
afterEach(() => removeDirectory(dir));

const write = async (entries: readonly Entry[]): Promise<void> => {
  const journal = await openJournal({ dir, durability: "os" });
  journal.keys.use([OLD, NEW], "h");
  for (const entry of entries) await journal.append(entry);
  await journal.close();
};

const dialled = (number: number, phone: string, keys: IndexKeys): Entry[] =>
  aDoNotCall(number, { tokens: createRedactor(RULES, keys).tokens("phones", phone, new Map())! });

const look = async (
  value: string,
  keys: IndexKeys,
  filter = "",
  kind: "phone" | "customer_id" = "phone",
): Promise<Found> => {
  const search = new JournalSearch(dir);
  try {
    await search.refresh();
    return await searchPerson(search, { person: { kind, value }, keys, filter: parseFilter(filter) }, { limit: 50 });
  } finally {
    search.close();
  }
};
/** From the first entry that was asked for: the check values stand before it. */
const indexes = ({ transactions }: Found): number[] => transactions.map(({ at }) => at - 1);

describe("searching for a phone number", () => {
  it("finds every spelling of it", async () => {
    await write(
      ["4155550100", "14155550100", "+14155550100", "4155550199"].flatMap((phone, number) =>
        dialled(number, phone, [OLD]),
      ),
    );
    for (const spelled of [
      "4155550100",
      "415-555-0100",
      "(415) 555-0100",
      "+1 415 555 0100",
      "1 415 555 0100",
      "0014155550100",
      "01114155550100",
    ])
      expect([spelled, indexes(await look(spelled, [OLD]))]).toEqual([spelled, [4, 2, 0]]);
    expect(indexes(await look("5550100", [OLD]))).toEqual([]);
  });

  it.each(["493012345678", "+49 30 12345678", "00493012345678", "011 49 30 12345678"])(
    "finds another country's number however it was dialled, as %s",
    async (spelled) => {
      const dialledAs = ["493012345678", "+493012345678", "00493012345678", "011493012345678"];
      await write(dialledAs.flatMap((phone, number) => dialled(number, phone, [OLD])));
      expect(indexes(await look(spelled, [OLD]))).toEqual([6, 4, 2, 0]);
    },
  );

  it("finds a number of this country however it was dialled from abroad", async () => {
    const dialledAs = ["4155550100", "0014155550100", "01114155550100"];
    await write(dialledAs.flatMap((phone, number) => dialled(number, phone, [OLD])));
    for (const spelled of ["4155550100", "+1 415 555 0100", "0014155550100"])
      expect([spelled, indexes(await look(spelled, [OLD]))]).toEqual([spelled, [4, 2, 0]]);
  });

  it("finds it across a change of keys, and says which key was in use when", async () => {
    await write([...dialled(0, "4155550100", [OLD]), ...dialled(1, "4155550100", [OLD, NEW])]);
    const found = await look("4155550100", [OLD, NEW]);
    expect(indexes(found)).toEqual([2, 0]);
    expect(found.evidence).toMatchObject({
      complete: true,
      gaps: [],
      epochs: [
        { epoch: "t1", held: true },
        { epoch: "t2", held: true },
      ],
      searched: { from: 0, to: 5 },
    });
    expect(found.evidence.epochs[0]!.first! >= found.evidence.searched.first!).toBe(true);
  });

  it("is not complete if an old key is missing", async () => {
    await write([...dialled(0, "4155550100", [OLD]), ...dialled(1, "4155550100", [OLD, NEW])]);
    const found = await look("4155550100", [NEW]);
    expect(indexes(found)).toEqual([2]);
    expect(found.evidence).toMatchObject({
      complete: false,
      epochs: [
        { epoch: "t1", held: false },
        { epoch: "t2", held: true },
      ],
    });
  });

  it("is not complete if the journal has a gap", async () => {
    await write([
      ...dialled(0, "4155550100", [OLD]),
      {
        kind: "gap",
        reason: "the disk was full",
        from: "2026-11-22T12:00:00.000000Z",
        to: "2026-11-22T12:01:00.000000Z",
      },
    ]);
    expect((await look("4155550101", [OLD])).evidence).toMatchObject({
      complete: false,
      gaps: [{ from: "2026-11-22T12:00:00.000000Z", to: "2026-11-22T12:01:00.000000Z", reason: "the disk was full" }],
    });
  });

  it("can be narrowed by a filter", async () => {
    await write([
      ...dialled(0, "4155550100", [OLD]),
      ...dialled(1, "4155550100", [OLD]).map(
        (entry) => ("client" in entry ? { ...entry, client: "beta-crm" } : entry) as Entry,
      ),
    ]);
    expect(indexes(await look("4155550100", [OLD], "client:beta-crm"))).toEqual([2]);
  });

  it("uses a customer id unchanged, and never as a phone number", async () => {
    await write(
      aDoNotCall(0, { tokens: createRedactor(RULES, [OLD]).tokens("customer_ids", "4155550100", new Map())! }),
    );
    expect([
      indexes(await look("4155550100", [OLD], "", "customer_id")),
      indexes(await look("4155550100", [OLD])),
    ]).toEqual([[0], []]);
  });

  it("rejects a value with neither digits nor letters", async () => {
    await write(dialled(0, "4155550100", [OLD]));
    await expect(look("+ -", [OLD])).rejects.toThrow(UnsearchableValue);
    await expect(look("", [OLD], "", "customer_id")).rejects.toThrow(UnsearchableValue);
  });

  it("describes the spellings without the number's digits", () => {
    const { spellings, tokens } = tokensFor({ kind: "phone", value: "+1 415 555 0100" }, [OLD, NEW])!;
    expect(spellings.join()).not.toMatch(/415|555|0100/);
    expect(tokens.map((token) => token.slice(0, 3))).toEqual([
      ...Array<string>(6).fill("t1:"),
      ...Array<string>(6).fill("t2:"),
    ]);
  });
});
