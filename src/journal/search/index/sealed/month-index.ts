/**
 * One month's file: what each segment of that month has in it, in short, so that a search opens only segments in which something may fit. Of each
 * segment there is a summary (facets with their counts, times, waits, addresses, campaigns) and a filter over the tokens, record handles and
 * campaign groups that it names. It is made from the segments' indexes, and may be deleted. A segment is left out of a search only where a row of
 * it is there and whole: what is missing or damaged is searched.
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
  within,
} from "./schema.ts";
import { keysIn } from "./lookups.ts";
import { mayHave, partOf, sealKeys } from "./names.ts";
import type { Extent, SegmentIndex } from "./segment.ts";
import type { Facet } from "./facets.ts";
import type { MonthFacets, Summary } from "./summary.ts";

/** Of one segment, which ends at `end`. */
type Known = { readonly end: number; readonly summary: Summary };

const MOST_SUMMARIES = 2000;

export class Month {
  readonly #database: DatabaseSync;
  readonly #path: string;
  readonly #file: string | undefined;
  readonly isReadOnly: boolean;
  readonly #known = new Map<number, Known | undefined>();
  readonly #facets = new Map<number, Facet>();

  /** Throws what SQLite throws; a file that is damaged is made again, but where it is only read. */
  constructor(path: string, { readOnly }: { readonly readOnly: boolean }) {
    this.#path = path;
    this.isReadOnly = readOnly;
    this.#database = readOnly ? openUnchanged(path) : openAnyway(path);
    this.#file = fileAt(path);
  }

  /** Whether its file was removed, or replaced. */
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

  /** The segments of which it has rows, ascending. */
  firsts(): readonly number[] {
    // One of another version, which is only read, says something else: all its segments are searched.
    if (versionOf(this.#database) !== VERSION) return [];
    return this.#database
      .prepare("SELECT first FROM segments ORDER BY first")
      .all()
      .map(({ first }) => Number(first));
  }

  /** Those of the summaries that were read. */
  get facets(): MonthFacets {
    return this.#facets;
  }

  /** Undefined where it has none, or a damaged one, or one of another extent. */
  summaryOf({ first, end }: Extent): Summary | undefined {
    if (!this.#known.has(first)) {
      if (this.#known.size >= MOST_SUMMARIES) this.#known.clear();
      this.#known.set(first, this.#read(first));
    }
    const known = this.#known.get(first);
    return known?.end === end ? known.summary : undefined;
  }

  /** Of these segments, those that may have one of the keys (see `names.ts`). */
  mayHave(keys: readonly number[], firsts: readonly number[]): ReadonlySet<number> {
    const found = new Set<number>();
    // The rows of one part lie together, so that a key costs one look however many segments there are.
    const find = this.#database.prepare("SELECT first, bits FROM names WHERE part = ?");
    for (const [part, some] of Map.groupBy(keys, partOf)) {
      const filters = new Map(find.all(part).map(({ first, bits }) => [Number(first), bits as Uint8Array]));
      for (const first of firsts) if (some.some((key) => mayHave(filters.get(first), key))) found.add(first);
    }
    return found;
  }

  /** Nothing when it has it already. */
  add(index: SegmentIndex): void {
    const { first, end } = index;
    if (this.summaryOf(index)) return;
    const own = index.summary();
    this.#within(() => {
      const summary = JSON.stringify({
        ...own,
        facets: own.facets.map(([facet, stories]) => [this.#numberOf(facet), stories]),
      });
      this.#delete("first = ?", first);
      this.#database
        .prepare("INSERT INTO segments VALUES (?, ?, ?, ?)")
        .run(first, end, summary, sumOf(first, end, summary));
      const insert = this.#database.prepare("INSERT INTO names VALUES (?, ?, ?)");
      for (const [part, bits] of sealKeys(keysIn(index.database)).entries()) insert.run(part, first, bits);
    });
    this.#known.delete(first);
  }

  /** What belongs to deleted segments. */
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
    const row = this.#database.prepare("SELECT says, sum FROM facets WHERE facet = ?").get(facet) as
      | { readonly says: string; readonly sum: number }
      | undefined;
    if (!row || facetSum(facet, row.says) !== row.sum) return false;
    this.#facets.set(facet, JSON.parse(row.says) as Facet);
    return true;
  }

  #numberOf(facet: Facet): number {
    const says = JSON.stringify(facet);
    const found = this.#database.prepare("SELECT facet FROM facets WHERE says = ?").get(says);
    const number = Number(
      found?.["facet"] ??
        this.#database.prepare("SELECT coalesce(max(facet), 0) + 1 AS next FROM facets").get()!["next"],
    );
    this.#database.prepare("INSERT OR REPLACE INTO facets VALUES (?, ?, ?)").run(number, says, facetSum(number, says));
    return number;
  }

  #within(work: () => void): void {
    within(this.#database, work);
  }
}

const sumOf = (first: number, end: number, summary: string): number => crc32(`${first} ${end} ${summary}`);

const facetSum = (facet: number, says: string): number => crc32(`${facet} ${says}`);

const openAnyway = (path: string): DatabaseSync => {
  try {
    return openMonthDatabase(path);
  } catch (error) {
    if (!isDatabaseFault(error)) throw error;
    removeDatabase(path);
    return openMonthDatabase(path);
  }
};
