/** A transaction as JSON: its fields, named like the keys of the filter language, and its entries as in the journal. */
import type { Recorded } from "../entry.ts";
import { fieldsOf, type Fields, type Transaction } from "./transaction.ts";

export type TransactionJson = Omit<Fields, "time" | "at"> & {
  /** Absent for people who may see single tenants only, as `index` and `crc` of the entries. */
  readonly at?: number;
  readonly time: string;
  readonly identifier: string | null;
  readonly entries: readonly Recorded[];
};

export const toJson = (transaction: Transaction): TransactionJson => {
  const [first] = transaction.entries;
  return {
    ...fieldsOf(transaction),
    time: first?.time ?? "",
    identifier: first && "identifier" in first ? (first.identifier ?? null) : null,
    entries: transaction.entries,
  };
};

/** Null if there is no next page. */
export const cursorOf = (next: number | undefined): string | null => (next === undefined ? null : String(next));

/** Undefined if the text is not a cursor. */
export const readCursor = (text: string): number | undefined => (/^\d{1,15}$/.test(text) ? Number(text) : undefined);
