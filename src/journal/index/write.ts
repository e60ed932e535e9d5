/** Entries → rows, all of a batch in one transaction. */
import type { DatabaseSync, StatementSync } from "node:sqlite";
import { isTaken } from "../do-not-call.ts";
import type { Recorded } from "../entry.ts";
import { closes, factsOf, type Facts } from "../story.ts";
import { tokenNumber } from "../token.ts";
import { Duties } from "./duties.ts";
import { closed, facetOf, Facets, type Facet } from "./facets.ts";

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

const waitsOf = ({ queue, ocs, total }: Facts): readonly (number | null)[] => [queue ?? null, ocs ?? null, total ?? null];

const rowOf = ({ entry, position }: Placed): Row => {
  const facts = factsOf({ at: entry.index, entries: [entry] });
  return { facts, position, facet: facetOf(facts), end: null, endPosition: null, waits: waitsOf(facts) };
};

export class Writer {
  readonly facets: Facets;
  readonly #duties: Duties;
  readonly #insert: StatementSync;
  readonly #find: StatementSync;
  readonly #close: StatementSync;
  readonly #block: StatementSync;
  readonly #epoch: StatementSync;

  constructor(database: DatabaseSync) {
    this.facets = new Facets(database);
    this.#duties = new Duties(database);
    this.#insert = database.prepare("INSERT OR REPLACE INTO stories VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)");
    this.#find = database.prepare("SELECT at, facet FROM stories WHERE id = ? AND at < ? ORDER BY at DESC LIMIT 1");
    this.#close = database.prepare("UPDATE stories SET closed = ?, closed_position = ?, facet = ?, queue = ?, ocs = ?, total = ? WHERE at = ?");
    this.#block = database.prepare("INSERT INTO blocks VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET earliest = min(earliest, excluded.earliest), latest = max(latest, excluded.latest)");
    this.#epoch = database.prepare("INSERT INTO epochs VALUES (?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET last = excluded.last, last_time = excluded.last_time");
  }

  /** To be called within a transaction, with entries in their order. */
  write(batch: readonly Placed[]): void {
    const rows: Row[] = [];
    const open = new Map<string, Row>();
    for (const placed of batch) {
      const row = closes(placed.entry) ? this.#end(placed, open) : rowOf(placed);
      if (row) rows.push(row);
      if (row && placed.entry.kind === "intent") open.set(placed.entry.id, row);
      this.#duties.asked(placed.entry);
    }
    for (const row of rows) this.#store(row);
    this.#noteTimes(rows);
    this.#noteEpochs(rows);
  }

  /** The row of an end whose intent is in a segment that is there no more: then it is a story by itself. */
  #end(placed: Placed, open: Map<string, Row>): Row | undefined {
    const end = rowOf(placed);
    const id = end.facts.id!;
    const row = open.get(id);
    if (!row) return this.#endEarlier(end, id);
    open.delete(id);
    row.facet = closed(row.facet, end.facet);
    if (row.facet.action === "DoNotCall") this.#duties.ended(id, end.facts.at, isTaken(end.facts));
    [row.end, row.endPosition, row.waits] = [end.facts.at, end.position, end.waits];
    return undefined;
  }

  #endEarlier(end: Row, id: string): Row | undefined {
    const found = this.#find.get(id, end.facts.at) as { readonly at: number; readonly facet: number } | undefined;
    if (!found) {
      this.#duties.ended(id, end.facts.at, isTaken(end.facts));
      return end;
    }
    const facet = closed(this.facets.read(found.facet), end.facet);
    if (facet.action === "DoNotCall") this.#duties.ended(id, end.facts.at, isTaken(end.facts));
    this.#close.run(end.facts.at, end.position, this.facets.numberOf(facet), ...end.waits, found.at);
    return undefined;
  }

  #store({ facts, facet, position, end, endPosition, waits }: Row): void {
    const { at, time, id, source, group, record, list, campaign, phone, customer } = facts;
    const { announced_phone: announcedPhone, announced_customer: announcedCustomer } = facts;
    this.#insert.run(
      at, position, end, endPosition, this.facets.numberOf(facet), Number.isNaN(time) ? 0 : time, id ?? null,
      source ?? null, record ?? null, list ?? null, campaign ?? null, group ?? null,
      tokenNumber(phone), tokenNumber(customer), tokenNumber(announcedPhone), tokenNumber(announcedCustomer), ...waits,
    );
  }

  #noteTimes(rows: readonly Row[]): void {
    const blocks = new Map<number, readonly [number, number]>();
    for (const { facts: { at, time } } of rows) {
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
