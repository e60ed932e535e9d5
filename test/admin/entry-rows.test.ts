import { expect, it } from "vitest";
import type { AuditParts } from "../../src/admin/audit-parts.ts";
import { rowsOfEntries } from "../../src/admin/entry-rows.ts";
import type { DeletedKinds } from "../../src/journal/entry.ts";
import type { Transaction } from "../../src/journal/search/transaction.ts";

type Ask = AuditParts["ask"];
type Asked = { readonly filter: string; readonly before?: number; readonly limit: number };

/** A journal with entries of index `most - 1` down to 0, and what the search says of missing ones. */
const aJournal = (most: number, deleted_kinds?: DeletedKinds) => {
  const asked: Asked[] = [];
  const ask = (async (question: Asked) => {
    asked.push(question);
    const first = Math.min(question.before ?? most, most) - 1;
    const length = Math.max(0, Math.min(question.limit, first + 1));
    const transactions = Array.from({ length }, (_, at) => ({ at: first - at, entries: [] }) as Transaction);
    const next = first + 1 > length ? first - length + 1 : undefined;
    return { transactions, next, searched: { from: 0, to: most, set_aside: [], deleted_kinds } };
  }) as unknown as Ask;
  return { asked, ask };
};

const DELETED: DeletedKinds = {
  access: { to: 9, youngest: "2026-01-01T00:00:00Z" },
  config: { to: 9, youngest: "2026-02-02T00:00:00Z" },
  refusal: { to: 9, youngest: "2026-03-03T00:00:00Z" },
};
const sentence = (kind: string, to: string): string =>
  `entries of kind ${kind} up to ${to} are deleted, as audit.retention says`;

it.each([
  ["accesses", ["access"], [sentence("access", "2026-01-01T00:00:00Z")]],
  ["changes of the config", ["config", "start"], [sentence("config", "2026-02-02T00:00:00Z")]],
  ["a kind that is kept", ["start"], []],
] as const)("say that %s may be missing because entries of their kinds are deleted", async (_what, kinds, expected) => {
  const { ask, asked } = aJournal(3, DELETED);
  const page = await rowsOfEntries(ask, { kinds, before: undefined, wanted: 5, atOnce: 5, rowOf: ({ at }) => at });
  expect(page).toEqual({ rows: [2, 1, 0], next: undefined, not_covered: expected });
  expect(asked[0]!.filter).toBe(`kind:${kinds.join(",")}`);
});

it("gives each row once over all pages, also where few entries make a row", async () => {
  const { ask } = aJournal(1000);
  const rows: number[] = [];
  let before: number | undefined;
  do {
    const page = await rowsOfEntries(ask, {
      kinds: ["config"],
      before,
      wanted: 3,
      atOnce: 20,
      rowOf: ({ at }) => (at % 70 === 0 ? at : undefined),
    });
    expect(page.rows.length).toBeLessThanOrEqual(3);
    rows.push(...page.rows);
    before = page.next;
  } while (before !== undefined);
  expect(rows).toEqual(Array.from({ length: 15 }, (_, row) => (14 - row) * 70));
});

it("looks at a limited number of entries, and continues on the next page", async () => {
  const { ask, asked } = aJournal(10_000);
  const page = await rowsOfEntries(ask, {
    kinds: ["config"],
    before: undefined,
    wanted: 1,
    atOnce: 200,
    rowOf: () => undefined,
  });
  expect(page).toMatchObject({ rows: [], next: 8000 });
  expect(asked).toHaveLength(10);
});
