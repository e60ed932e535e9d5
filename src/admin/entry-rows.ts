/** Rows made of single journal entries, newest first, a page at a time: accesses, changes of the config. */
import type { DeletedKinds, Kind } from "../journal/entry.ts";
import type { Searched } from "../journal/search/journal-search.ts";
import { describeDeletedKinds, describeSetAside } from "../journal/search/missing-segments.ts";
import type { Transaction } from "../journal/search/transaction.ts";
import type { AuditParts } from "./audit-parts.ts";

/** Entries that one question looks at; seldom rows are on several pages. */
const MOST_LOOKED = 2000;

type Question<Row> = {
  /** Of the entries, without their kinds. */
  readonly filter?: string;
  readonly kinds: readonly Kind[];
  /** An index of the journal. */
  readonly before: number | undefined;
  /** Rows. */
  readonly wanted: number;
  /** Entries to read at once: the wanted rows if each entry makes one. */
  readonly atOnce: number;
  /** Undefined for an entry that makes no row. */
  readonly rowOf: (transaction: Transaction) => Row | undefined;
};

/** `next`: before which index the next page begins, which may be empty. `not_covered`: why rows may be missing. */
export type RowPage<Row> = {
  readonly rows: readonly Row[];
  readonly next: number | undefined;
  readonly not_covered: string[];
};

export const rowsOfEntries = async <Row>(
  ask: AuditParts["ask"],
  { filter = "", kinds, before, wanted, atOnce, rowOf }: Question<Row>,
): Promise<RowPage<Row>> => {
  const rows: Row[] = [];
  let [from, looked] = [before, 0];
  for (;;) {
    const {
      transactions = [],
      next,
      searched,
    } = await ask({
      kind: "page",
      filter: `kind:${kinds.join(",")} ${filter}`.trim(),
      names: [],
      ...(from !== undefined && { before: from }),
      limit: atOnce,
    });
    const not_covered = notCovered(searched, kinds);
    for (const [place, transaction] of transactions.entries()) {
      const row = rowOf(transaction);
      if (row === undefined) continue;
      rows.push(row);
      const isLast = place === transactions.length - 1 && next === undefined;
      if (rows.length === wanted) return { rows, next: isLast ? undefined : transaction.at, not_covered };
    }
    looked += transactions.length;
    if (next === undefined || looked >= MOST_LOOKED) return { rows, next, not_covered };
    from = next;
  }
};

const notCovered = (searched: Searched | undefined, kinds: readonly Kind[]): string[] => [
  ...(searched?.set_aside ?? []).map(describeSetAside),
  ...(searched?.deleted_to === undefined ? [] : [`entries up to ${searched.deleted_to} are deleted (audit.retention)`]),
  ...describeDeletedKinds(only(kinds, searched?.deleted_kinds)).map(({ text }) => text),
];

const only = (kinds: readonly Kind[], deleted: DeletedKinds = {}): DeletedKinds =>
  Object.fromEntries(Object.entries(deleted).filter(([kind]) => (kinds as readonly string[]).includes(kind)));
