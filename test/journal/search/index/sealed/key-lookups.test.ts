import { DatabaseSync } from "node:sqlite";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { parseFilter } from "../../../../../src/journal/search/filter/filter.ts";
import {
  LOOKUPS,
  keysIn,
  transactionsWith,
  writeLookups,
} from "../../../../../src/journal/search/index/sealed/key-lookups.ts";
import { keysNeeded, pairsOf } from "../../../../../src/journal/search/index/sealed/bloom-filters.ts";

type Story = {
  readonly at: number;
  readonly phone: number | null;
  readonly announced: number | null;
  readonly record: number | null;
};

const databaseOf = (first: number, transactions: readonly Story[]): DatabaseSync => {
  const database = new DatabaseSync(":memory:");
  database.exec(
    "CREATE TABLE transactions (at INTEGER PRIMARY KEY, record BLOB, grouped BLOB, phone INTEGER, customer INTEGER, " +
      `announced_phone INTEGER, announced_customer INTEGER); ${LOOKUPS}`,
  );
  const insert = database.prepare("INSERT INTO transactions VALUES (?, ?, NULL, ?, NULL, ?, NULL)");
  for (const { at, phone, announced, record } of transactions) insert.run(at, record, phone, announced);
  writeLookups(database, first);
  return database;
};

const few = fc.option(fc.integer({ min: 0, max: 40 }), { nil: null });
const many = fc.option(fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 }), { nil: null });
const transactionsFrom = (first: number) =>
  fc.uniqueArray(
    fc.record({ at: fc.integer({ min: first, max: first + 200_000 }), phone: many, announced: many, record: few }),
    { selector: ({ at }) => at, maxLength: 400 },
  );

describe("the lookups of a sealed segment", () => {
  it("have every name of every transaction, and give the places of each key", () => {
    fc.assert(
      fc.property(
        fc.constantFrom(0, 41, 5_000_000_000).chain((first) => fc.tuple(fc.constant(first), transactionsFrom(first))),
        ([first, transactions]) => {
          const database = databaseOf(first, transactions);
          const expected = new Map<number, Set<number>>();
          for (const [key, at] of pairsOf(database)) expected.set(key, (expected.get(key) ?? new Set()).add(at));
          expect(new Set(keysIn(database))).toEqual(new Set(expected.keys()));
          for (const [key, at] of expected)
            expect(transactionsWith(database, first, [key])).toEqual([...at].toSorted((one, other) => other - one));
          const all = [...expected.keys()].slice(0, 5);
          expect(transactionsWith(database, first, all)).toEqual(
            [...new Set(all.flatMap((key) => [...expected.get(key)!]))].toSorted((one, other) => other - one),
          );
          database.close();
        },
      ),
      { numRuns: 60 },
    );
  });

  it("are empty for a segment without transactions", () => {
    const database = databaseOf(7, []);
    expect([transactionsWith(database, 7, [0, 2 ** 26 - 1]), [...keysIn(database)]]).toEqual([[], []]);
    database.close();
  });

  it("take five bytes per name in a segment with a hundred thousand names", () => {
    const transactions = Array.from({ length: 100_000 }, (_, place): Story => ({
      at: place * 2,
      phone: (place * 2_654_435_761) | 0,
      announced: null,
      record: null,
    }));
    const database = databaseOf(0, transactions);
    expect(
      Number(database.prepare("SELECT sum(length(pairs)) AS bytes FROM lookups").get()!["bytes"]) / 100_000,
    ).toBeLessThan(5.2);
    database.close();
  });
});

const TOKEN = `t1:${"a".repeat(64)}`;
const OTHER = `t1:${"b".repeat(64)}`;

describe("the keys of a filter, of which every match has one,", () => {
  it.each([
    [`phone:${TOKEN}`, 1],
    [`phone:${TOKEN},${OTHER}`, 2],
    [`phone:${TOKEN} status:500`, 1],
    [`(phone:${TOKEN} OR customer:${OTHER})`, 2],
    [`(phone:${TOKEN} OR record:15) tenant:101`, 2],
    ["record:15", 1],
    ["group:106", 1],
  ])("are known for %s", (filter, count) => expect(keysNeeded(parseFilter(filter).expression)).toHaveLength(count));

  it.each([["status:500"], [`-phone:${TOKEN}`], [`(phone:${TOKEN} OR status:500)`], [""]])(
    "are unknown for %j",
    (filter) => {
      expect(keysNeeded(parseFilter(filter).expression)).toBeUndefined();
    },
  );
});
