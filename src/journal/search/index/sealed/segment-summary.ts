/** What a segment has in it, in short: enough to leave it closed when nothing in it can fit, and to count by facets. */
import type { DatabaseSync } from "node:sqlite";
import type { Facet } from "./facets.ts";

export type Span = readonly [from: number, to: number];

/** Of the stories that lie whole in one segment. Spans are of columns, ends included; undefined where no story has the fact. */
type About<Facets> = {
  /** Each facet and how many stories have it. */
  readonly facets: readonly (readonly [facet: Facets, stories: number])[];
  readonly time?: Span | undefined;
  readonly id?: Span | undefined;
  readonly queue?: Span | undefined;
  readonly ocs?: Span | undefined;
  readonly total?: Span | undefined;
  /** The texts that there are; undefined where they are too many. */
  readonly source?: readonly string[] | undefined;
  readonly list?: readonly string[] | undefined;
  readonly campaign?: readonly string[] | undefined;
  readonly epochs: readonly EpochSeen[];
};

/** As the segment's index has it. */
export type OwnSummary = About<Facet>;
/** As the file of its month has it, whose facets have numbers. */
export type Summary = About<number>;
export type MonthFacets = ReadonlyMap<number, Facet>;

export type EpochSeen = {
  readonly epoch: string;
  readonly first: number;
  readonly last: number;
  readonly first_time: number;
  readonly last_time: number;
};

const SPANS = ["time", "id", "queue", "ocs", "total"] as const;
const TEXTS = ["source", "list", "campaign"] as const;
const MOST_TEXTS = 500;

/** Of an index that has all its rows. */
export const summaryIn = (database: DatabaseSync): OwnSummary => ({
  facets: database
    .prepare("SELECT says, count(*) AS stories FROM stories JOIN facets USING (facet) GROUP BY facet")
    .all()
    .map((row) => [JSON.parse(String(row["says"])) as Facet, Number(row["stories"])] as const),
  ...Object.fromEntries(SPANS.map((column) => [column, spanOf(database, column)])),
  ...Object.fromEntries(TEXTS.map((column) => [column, textsOf(database, column)])),
  epochs: database.prepare("SELECT * FROM epochs ORDER BY first").all() as unknown as EpochSeen[],
});

const spanOf = (database: DatabaseSync, column: (typeof SPANS)[number]): Span | undefined => {
  const { from, to } = database
    .prepare(`SELECT min(${column}) AS "from", max(${column}) AS "to" FROM stories`)
    .get() as { from: number | null; to: number | null };
  return from === null || to === null ? undefined : [from, to];
};

const textsOf = (database: DatabaseSync, column: (typeof TEXTS)[number]): readonly string[] | undefined => {
  const rows = database
    .prepare(`SELECT says FROM words WHERE word IN (SELECT DISTINCT ${column} FROM stories) LIMIT ?`)
    .all(MOST_TEXTS + 1);
  return rows.length > MOST_TEXTS ? undefined : rows.map((row) => String(row["says"]));
};
