/** The summary of a segment, with which a search can skip the segment or count by facets. */
import type { DatabaseSync } from "node:sqlite";
import type { Facet } from "../facets.ts";

export type Span = readonly [from: number, to: number];

/**
 * About the transactions that are completely in one segment. Spans are of column values, ends included; undefined if no
 * transaction has the field.
 */
type About<Facets> = {
  /** Each facet and how many transactions have it. */
  readonly facets: readonly (readonly [facet: Facets, transactions: number])[];
  readonly time?: Span | undefined;
  readonly id?: Span | undefined;
  readonly queue?: Span | undefined;
  readonly ocs?: Span | undefined;
  readonly total?: Span | undefined;
  /** All texts of the field; undefined if there are too many. */
  readonly source?: readonly string[] | undefined;
  readonly list?: readonly string[] | undefined;
  readonly campaign?: readonly string[] | undefined;
  readonly epochs: readonly EpochRange[];
};

/** In the segment's index. */
export type OwnSummary = About<Facet>;
/** In the month's file, where facets have numbers. */
export type Summary = About<number>;
export type MonthFacets = ReadonlyMap<number, Facet>;

export type EpochRange = {
  readonly epoch: string;
  readonly first: number;
  readonly last: number;
  readonly first_time: number;
  readonly last_time: number;
};

const SPANS = ["time", "id", "queue", "ocs", "total"] as const;
const TEXTS = ["source", "list", "campaign"] as const;
export type TextField = (typeof TEXTS)[number];

const MOST_TEXTS = 500;

/** Call it when the index has all rows. */
export const summaryIn = (database: DatabaseSync): OwnSummary => ({
  facets: database
    .prepare("SELECT text, count(*) AS transactions FROM transactions JOIN facets USING (facet) GROUP BY facet")
    .all()
    .map((row) => [JSON.parse(String(row["text"])) as Facet, Number(row["transactions"])] as const),
  ...Object.fromEntries(SPANS.map((column) => [column, spanOf(database, column)])),
  ...Object.fromEntries(TEXTS.map((column) => [column, textsOf(database, column)])),
  epochs: database.prepare("SELECT * FROM epochs ORDER BY first").all() as unknown as EpochRange[],
});

const spanOf = (database: DatabaseSync, column: (typeof SPANS)[number]): Span | undefined => {
  const { from, to } = database
    .prepare(`SELECT min(${column}) AS "from", max(${column}) AS "to" FROM transactions`)
    .get() as { from: number | null; to: number | null };
  return from === null || to === null ? undefined : [from, to];
};

const textsOf = (database: DatabaseSync, column: (typeof TEXTS)[number]): readonly string[] | undefined => {
  const rows = database
    .prepare(`SELECT text FROM strings WHERE string IN (SELECT DISTINCT ${column} FROM transactions) LIMIT ?`)
    .all(MOST_TEXTS + 1);
  return rows.length > MOST_TEXTS ? undefined : rows.map((row) => String(row["text"]));
};
