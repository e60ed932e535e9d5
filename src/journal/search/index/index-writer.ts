/** Entries → rows, all of a batch in one transaction. */
import type { DatabaseSync, StatementSync } from "node:sqlite";
import type { Recorded } from "../entry.ts";
import { closes, factsOf, type Facts } from "../story.ts";
import { tokenNumber } from "../token.ts";
import { digitsColumn, idColumn, timeColumn, waitColumn } from "./columns.ts";
import { closed, facetOf, Facets, type Facet } from "./facets.ts";
import { Words } from "./words.ts";

/** An entry and the byte of its segment at which its line begins. */
export type Placed = { readonly entry: Recorded; readonly position: number };

/** Stories of one block begin with indexes that agree but for the last digits. */
export const BLOCK = 4096;

type Row = {
  readonly facts: Facts;
  facet: Facet;
  readonly position: number;
  end: number | null;
  endPosition: number | null;
  waits: readonly (number | null)[];
};

const waitsOf = ({ queue, ocs, total }: Facts): readonly (number | null)[] => [
  waitColumn(queue),
  waitColumn(ocs),
  waitColumn(total),
];

const rowOf = ({ entry, position }: Placed): Row => {
  const facts = factsOf({ at: entry.index, entries: [entry] });
  return { facts, position, facet: facetOf(facts), end: null, endPosition: null, waits: waitsOf(facts) };
};

export class Writer {
  readonly facets: Facets;
  readonly #words: Words;
  readonly #insert: StatementSync;
  readonly #find: StatementSync;
  readonly #open: StatementSync;
  readonly #shut: StatementSync;
  readonly #close: StatementSync;
  readonly #block: StatementSync;
  readonly #epoch: StatementSync;

  constructor(database: DatabaseSync) {
    this.facets = new Facets(database);
    this.#words = new Words(database);
    this.#insert = database.prepare(
      "INSERT OR REPLACE INTO stories VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
    );
    this.#find = database.prepare(
      "SELECT open.at AS at, facet, position FROM open JOIN stories ON stories.at = open.at WHERE open.id = ? AND open.at < ?",
    );
    this.#open = database.prepare("INSERT OR REPLACE INTO open VALUES (?, ?)");
    this.#shut = database.prepare("DELETE FROM open WHERE id = ?");
    this.#close = database.prepare(
      "UPDATE stories SET closed = ?, closed_position = ?, facet = ?, queue = ?, ocs = ?, total = ? WHERE at = ?",
    );
    this.#block = database.prepare(
      "INSERT INTO blocks VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET earliest = min(earliest, excluded.earliest), latest = max(latest, excluded.latest)",
    );
    this.#epoch = database.prepare(
      "INSERT INTO epochs VALUES (?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET last = excluded.last, last_time = excluded.last_time",
    );
  }

  /** To be called within a transaction, with entries in their order. Returns the indexes of ends whose beginning is not here: each is a story by itself. */
  write(batch: readonly Placed[]): readonly number[] {
    const rows: Row[] = [];
    const open = new Map<string, Row>();
    const ends: number[] = [];
    for (const placed of batch) {
      const isEnd = closes(placed.entry);
      const row = isEnd ? this.#end(placed, open) : rowOf(placed);
      if (!row) continue;
      rows.push(row);
      if (isEnd) ends.push(placed.entry.index);
      if (placed.entry.kind === "intent") open.set(placed.entry.id, row);
    }
    for (const row of rows) this.#store(row);
    for (const [id, { facts }] of open) this.#open.run(id, facts.at);
    this.#noteTimes(rows);
    this.#noteEpochs(rows);
    return ends;
  }

  /** A transaction was taken back. */
  forget(): void {
    this.facets.forget();
    this.#words.forget();
  }

  /** The row of an end whose intent is not here: then it is a story by itself. */
  #end(placed: Placed, open: Map<string, Row>): Row | undefined {
    const end = rowOf(placed);
    const id = end.facts.id!;
    const row = open.get(id);
    if (!row) return this.#endEarlier(end, id);
    open.delete(id);
    row.facet = closed(row.facet, end.facet);
    [row.end, row.endPosition, row.waits] = [end.facts.at, end.position, end.waits];
    return undefined;
  }

  #endEarlier(end: Row, id: string): Row | undefined {
    const found = this.#find.get(id, end.facts.at) as
      | { readonly at: number; readonly facet: number; readonly position: number }
      | undefined;
    if (!found) return end;
    const facet = closed(this.facets.read(found.facet), end.facet);
    this.#close.run(
      end.facts.at - found.at,
      end.position - found.position,
      this.facets.numberOf(facet),
      ...end.waits,
      found.at,
    );
    this.#shut.run(id);
    return undefined;
  }

  #store({ facts, facet, position, end, endPosition, waits }: Row): void {
    const { at, time, id, source, group, record, list, campaign, phone, customer } = facts;
    const { announced_phone: announcedPhone, announced_customer: announcedCustomer } = facts;
    this.#insert.run(
      at,
      position,
      end === null ? null : end - at,
      endPosition === null ? null : endPosition - position,
      this.facets.numberOf(facet),
      timeColumn(time),
      id === undefined ? null : idColumn(id),
      this.#words.numberOf(source),
      digitsColumn(record),
      this.#words.numberOf(list),
      this.#words.numberOf(campaign),
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
      facts: { at, time },
    } of rows) {
      const block = Math.floor(at / BLOCK);
      const [earliest, latest] = blocks.get(block) ?? [time, time];
      blocks.set(block, [Math.min(earliest, time), Math.max(latest, time)]);
    }
    for (const [block, [earliest, latest]] of blocks) this.#block.run(block, earliest, latest);
  }

  #noteEpochs(rows: readonly Row[]): void {
    const seen = new Map<string, readonly [Facts, Facts]>();
    for (const { facts } of rows) {
      // A record may have been announced under an older key.
      for (const token of [facts.phone, facts.customer, facts.announced_phone, facts.announced_customer]) {
        if (token === undefined) continue;
        const epoch = token.slice(0, token.indexOf(":"));
        seen.set(epoch, [seen.get(epoch)?.[0] ?? facts, facts]);
      }
    }
    for (const [epoch, [first, last]] of seen) this.#epoch.run(epoch, first.at, last.at, first.time, last.time);
  }
}
