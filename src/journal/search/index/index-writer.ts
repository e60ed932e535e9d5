/** Writes entries as rows of the index; a batch is written in one database transaction. */
import type { DatabaseSync, StatementSync } from "node:sqlite";
import type { Recorded } from "../../entry.ts";
import { closesIntent, fieldsOf, type Fields } from "../transaction.ts";
import { tokenNumber } from "../../token-number.ts";
import { digitsColumn, idColumn, timeColumn, waitColumn } from "./columns.ts";
import { withOutcome, facetOf, Facets, type Facet } from "./facets.ts";
import { StringTable } from "./string-table.ts";

/** An entry and the byte of its segment where its line begins. */
export type LocatedEntry = { readonly entry: Recorded; readonly position: number };

/** Entries per block; the index has the times of each block. */
export const BLOCK = 4096;

type Row = {
  readonly fields: Fields;
  facet: Facet;
  readonly position: number;
  end: number | null;
  endPosition: number | null;
  waits: readonly (number | null)[];
};

const waitsOf = ({ queue, ocs, total }: Fields): readonly (number | null)[] => [
  waitColumn(queue),
  waitColumn(ocs),
  waitColumn(total),
];

const rowOf = ({ entry, position }: LocatedEntry): Row => {
  const fields = fieldsOf({ at: entry.index, entries: [entry] });
  return { fields, position, facet: facetOf(fields), end: null, endPosition: null, waits: waitsOf(fields) };
};

export class IndexWriter {
  readonly facets: Facets;
  readonly #strings: StringTable;
  readonly #insert: StatementSync;
  readonly #find: StatementSync;
  readonly #open: StatementSync;
  readonly #shut: StatementSync;
  readonly #close: StatementSync;
  readonly #block: StatementSync;
  readonly #epoch: StatementSync;

  constructor(database: DatabaseSync) {
    this.facets = new Facets(database);
    this.#strings = new StringTable(database);
    this.#insert = database.prepare(
      "INSERT OR REPLACE INTO transactions VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
    );
    this.#find = database.prepare(
      "SELECT open.at AS at, facet, position FROM open JOIN transactions ON transactions.at = open.at WHERE " +
        "open.id = ? AND open.at < ?",
    );
    this.#open = database.prepare("INSERT OR REPLACE INTO open VALUES (?, ?)");
    this.#shut = database.prepare("DELETE FROM open WHERE id = ?");
    this.#close = database.prepare(
      "UPDATE transactions SET closed = ?, closed_position = ?, facet = ?, queue = ?, ocs = ?, total = ? WHERE at = ?",
    );
    this.#block = database.prepare(
      "INSERT INTO blocks VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET earliest = min(earliest, " +
        "excluded.earliest), latest = max(latest, excluded.latest)",
    );
    this.#epoch = database.prepare(
      "INSERT INTO epochs VALUES (?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET last = excluded.last, last_time = " +
        "excluded.last_time",
    );
  }

  /**
   * Call it within a database transaction, with entries in order. Returns the indexes of outcomes whose intent is not
   * in this index: each is a transaction of its own.
   */
  write(batch: readonly LocatedEntry[]): readonly number[] {
    const rows: Row[] = [];
    const open = new Map<string, Row>();
    const ends: number[] = [];
    for (const placed of batch) {
      const isEnd = closesIntent(placed.entry);
      const row = isEnd ? this.#end(placed, open) : rowOf(placed);
      if (!row) continue;
      rows.push(row);
      if (isEnd) ends.push(placed.entry.index);
      if (placed.entry.kind === "intent") open.set(placed.entry.id, row);
    }
    for (const row of rows) this.#store(row);
    for (const [id, { fields }] of open) this.#open.run(id, fields.at);
    this.#noteTimes(rows);
    this.#noteEpochs(rows);
    return ends;
  }

  /** The database transaction was rolled back. */
  forget(): void {
    this.facets.forget();
    this.#strings.forget();
  }

  /** The row of an outcome whose intent is not in this index; undefined if the outcome was added to its intent. */
  #end(placed: LocatedEntry, open: Map<string, Row>): Row | undefined {
    const end = rowOf(placed);
    const id = end.fields.id!;
    const row = open.get(id);
    if (!row) return this.#endEarlier(end, id);
    open.delete(id);
    row.facet = withOutcome(row.facet, end.facet);
    [row.end, row.endPosition, row.waits] = [end.fields.at, end.position, end.waits];
    return undefined;
  }

  #endEarlier(end: Row, id: string): Row | undefined {
    const found = this.#find.get(id, end.fields.at) as
      | { readonly at: number; readonly facet: number; readonly position: number }
      | undefined;
    if (!found) return end;
    const facet = withOutcome(this.facets.read(found.facet), end.facet);
    this.#close.run(
      end.fields.at - found.at,
      end.position - found.position,
      this.facets.numberOf(facet),
      ...end.waits,
      found.at,
    );
    this.#shut.run(id);
    return undefined;
  }

  #store({ fields, facet, position, end, endPosition, waits }: Row): void {
    const { at, time, id, source, group, record, list, campaign, phone, customer } = fields;
    const { announced_phone: announcedPhone, announced_customer: announcedCustomer } = fields;
    this.#insert.run(
      at,
      position,
      end === null ? null : end - at,
      endPosition === null ? null : endPosition - position,
      this.facets.numberOf(facet),
      timeColumn(time),
      id === undefined ? null : idColumn(id),
      this.#strings.numberOf(source),
      digitsColumn(record),
      this.#strings.numberOf(list),
      this.#strings.numberOf(campaign),
      digitsColumn(group),
      ...waits,
      tokenNumber(phone),
      tokenNumber(customer),
      tokenNumber(announcedPhone),
      tokenNumber(announcedCustomer),
    );
  }

  #noteTimes(rows: readonly Row[]): void {
    const blocks = new Map<number, readonly [number, number]>();
    for (const {
      fields: { at, time },
    } of rows) {
      const block = Math.floor(at / BLOCK);
      const [earliest, latest] = blocks.get(block) ?? [time, time];
      blocks.set(block, [Math.min(earliest, time), Math.max(latest, time)]);
    }
    for (const [block, [earliest, latest]] of blocks) this.#block.run(block, earliest, latest);
  }

  #noteEpochs(rows: readonly Row[]): void {
    const seen = new Map<string, readonly [Fields, Fields]>();
    for (const { fields } of rows) {
      // The tokens of an announcement may have been made with an older key.
      for (const token of [fields.phone, fields.customer, fields.announced_phone, fields.announced_customer]) {
        if (token === undefined) continue;
        const epoch = token.slice(0, token.indexOf(":"));
        seen.set(epoch, [seen.get(epoch)?.[0] ?? fields, fields]);
      }
    }
    for (const [epoch, [first, last]] of seen) this.#epoch.run(epoch, first.at, last.at, first.time, last.time);
  }
}
