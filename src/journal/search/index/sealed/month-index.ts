/**
 * The file of one month: a short description of each of its segments, so that a search opens only segments with
 * possible matches. Per segment it has a summary (facets with counts, times, waits, addresses, campaigns) and a Bloom
 * filter over its tokens, record handles and campaign groups. It is built from the segments' indexes and can be
 * deleted. A segment is skipped only if its row exists and is intact.
 */
import type { DatabaseSync } from "node:sqlite";
import { crc32 } from "node:zlib";
import {
  fileAt,
  isDatabaseFault,
  openMonthDatabase,
  openUnchanged,
  removeDatabase,
  VERSION,
  versionOf,
  inTransaction,
} from "../schema.ts";
import { keysIn } from "./key-lookups.ts";
import { mayHave, partOf, makeFilters } from "./bloom-filters.ts";
import type { Extent } from "../../../segments/segment-list.ts";
import type { SegmentIndex } from "./segment-index.ts";
import type { Facet } from "../facets.ts";
import type { Row } from "./segment-selection.ts";
import type { MonthFacets, Summary } from "./segment-summary.ts";

/** The summary of a segment that ends at `end`. */
type Known = { readonly end: number; readonly summary: Summary };

/** The sums of these summaries. */
type Totals = { readonly of: readonly Summary[]; readonly totals: ReadonlyMap<number, number> };

const MOST_SUMMARIES = 2000;

export class MonthIndex {
  readonly #database: DatabaseSync;
  readonly #path: string;
  readonly #file: string | undefined;
  readonly isReadOnly: boolean;
  readonly #known = new Map<number, Known | undefined>();
  readonly #facets = new Map<number, Facet>();
  #totals: Totals = { of: [], totals: new Map() };

  /** Throws SQLite's errors. Replaces a damaged file, unless `readOnly`. */
  constructor(path: string, { readOnly }: { readonly readOnly: boolean }) {
    this.#path = path;
    this.isReadOnly = readOnly;
    this.#database = readOnly ? openUnchanged(path) : openAnyway(path);
    this.#file = fileAt(path);
  }

  /** Whether its file was removed or replaced. */
  get isGone(): boolean {
    return fileAt(this.#path) !== this.#file;
  }

  close(): void {
    this.#database.close();
  }

  remove(): void {
    this.close();
    removeDatabase(this.#path);
  }

  /** The first indexes of its segments, ascending. */
  firsts(): readonly number[] {
    // A read-only file of another version is ignored: all its segments are searched.
    if (versionOf(this.#database) !== VERSION) return [];
    return this.#database
      .prepare("SELECT first FROM segments ORDER BY first")
      .all()
      .map(({ first }) => Number(first));
  }

  /** The facets of the summaries that were read. */
  get facets(): MonthFacets {
    return this.#facets;
  }

  /** Undefined if the row is missing, damaged or of another extent. */
  summaryOf({ first, end }: Extent): Summary | undefined {
    if (!this.#known.has(first)) {
      if (this.#known.size >= MOST_SUMMARIES) this.#known.clear();
      this.#known.set(first, this.#read(first));
    }
    const known = this.#known.get(first);
    return known?.end === end ? known.summary : undefined;
  }

  /** How many transactions of these segments each facet has. The last sums are kept. */
  totalsOf(rows: readonly Row[]): ReadonlyMap<number, number> {
    const { of, totals } = this.#totals;
    if (of.length === rows.length && of.every((summary, at) => summary === rows[at]!.summary)) return totals;
    const sums = new Map<number, number>();
    for (const { summary } of rows)
      for (const [facet, transactions] of summary.facets) sums.set(facet, (sums.get(facet) ?? 0) + transactions);
    this.#totals = { of: rows.map(({ summary }) => summary), totals: sums };
    return sums;
  }

  /** The segments that may have one of the keys (see `bloom-filters.ts`). */
  mayHave(keys: readonly number[], firsts: readonly number[]): ReadonlySet<number> {
    const found = new Set<number>();
    // The rows of one part are stored together, so a key costs one query for any number of segments.
    const find = this.#database.prepare("SELECT first, bits FROM names WHERE part = ?");
    find.setReturnArrays(true);
    for (const [part, some] of Map.groupBy(keys, partOf)) {
      const filters = new Map(find.all(part) as unknown as [first: number, bits: Uint8Array][]);
      for (const first of firsts) if (some.some((key) => mayHave(filters.get(first), key))) found.add(first);
    }
    return found;
  }

  /** Does nothing if the segment is there already. */
  add(index: SegmentIndex): void {
    const { first, end } = index;
    if (this.summaryOf(index)) return;
    const own = index.summary();
    this.#within(() => {
      const summary = JSON.stringify({
        ...own,
        facets: own.facets.map(([facet, transactions]) => [this.#numberOf(facet), transactions]),
      });
      this.#delete("first = ?", first);
      this.#database
        .prepare("INSERT INTO segments VALUES (?, ?, ?, ?)")
        .run(first, end, summary, sumOf(first, end, summary));
      const insert = this.#database.prepare("INSERT INTO names VALUES (?, ?, ?)");
      for (const [part, bits] of makeFilters(keysIn(index.database)).entries()) insert.run(part, first, bits);
    });
    this.#known.delete(first);
  }

  /** Removes the rows of deleted segments. */
  forget(below: number): void {
    this.#within(() => this.#delete("first < ?", below));
    this.#known.clear();
  }

  #delete(where: string, first: number): void {
    for (const table of ["segments", "names"]) this.#database.prepare(`DELETE FROM ${table} WHERE ${where}`).run(first);
  }

  #read(first: number): Known | undefined {
    const row = this.#database.prepare("SELECT end, summary, sum FROM segments WHERE first = ?").get(first) as
      | { readonly end: number; readonly summary: string; readonly sum: number }
      | undefined;
    if (!row || sumOf(first, row.end, row.summary) !== row.sum) return undefined;
    const summary = JSON.parse(row.summary) as Summary;
    return summary.facets.every(([facet]) => this.#isKnown(facet)) ? { end: row.end, summary } : undefined;
  }

  #isKnown(facet: number): boolean {
    if (this.#facets.has(facet)) return true;
    const row = this.#database.prepare("SELECT text, sum FROM facets WHERE facet = ?").get(facet) as
      | { readonly text: string; readonly sum: number }
      | undefined;
    if (!row || facetSum(facet, row.text) !== row.sum) return false;
    this.#facets.set(facet, JSON.parse(row.text) as Facet);
    return true;
  }

  #numberOf(facet: Facet): number {
    const text = JSON.stringify(facet);
    const found = this.#database.prepare("SELECT facet FROM facets WHERE text = ?").get(text);
    const number = Number(
      found?.["facet"] ??
        this.#database.prepare("SELECT coalesce(max(facet), 0) + 1 AS next FROM facets").get()!["next"],
    );
    this.#database.prepare("INSERT OR REPLACE INTO facets VALUES (?, ?, ?)").run(number, text, facetSum(number, text));
    return number;
  }

  #within(work: () => void): void {
    inTransaction(this.#database, work);
  }
}

const sumOf = (first: number, end: number, summary: string): number => crc32(`${first} ${end} ${summary}`);

const facetSum = (facet: number, text: string): number => crc32(`${facet} ${text}`);

const openAnyway = (path: string): DatabaseSync => {
  try {
    return openMonthDatabase(path);
  } catch (error) {
    if (!isDatabaseFault(error)) throw error;
    removeDatabase(path);
    return openMonthDatabase(path);
  }
};
