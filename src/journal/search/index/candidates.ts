/**
 * Finds transactions that may match a filter, newest first. The caller reads their lines and evaluates the filter
 * again. A page costs about as much as the page and the number of facets: the transactions of one facet are stored in
 * order, and those of several facets are merged.
 */
import type { DatabaseSync, SQLInputValue } from "node:sqlite";
import { prepared } from "../../../common/prepared-statement.ts";
import { requiredTerms } from "../filter/filter.ts";
import type { Expression } from "../filter/keys.ts";
import type { FieldName } from "../filter/keys.ts";
import { conditionFor, finite, TOKEN_FIELDS, selectiveCondition, type Condition } from "./sql-conditions.ts";
import type { Facets } from "./facets.ts";
import { transactionsWith } from "./sealed/key-lookups.ts";
import { merged } from "./merge.ts";
import { keysNeeded } from "./sealed/bloom-filters.ts";
import { BLOCK } from "./index-writer.ts";

export type Candidate = {
  readonly at: number;
  readonly position: number;
  readonly closed: number | null;
  readonly closed_position: number | null;
};

const SELECT =
  "SELECT at, position, at + closed AS closed, position + closed_position AS closed_position, facet FROM transactions";
type Row = Candidate & { readonly facet: number };

const FIRST_TAKE = 1;
const LATER_TAKE = 32;

/** Rows between two indexes that fulfil an SQL condition. */
type Part = {
  readonly from: number;
  readonly to: number;
  readonly sql: string;
  readonly parameters: readonly SQLInputValue[];
};

/** Called between two steps; may throw to stop the search. */
type OnStep = () => void;

/** Candidates with an index below `before`. */
export const candidates = function* (
  database: DatabaseSync,
  facets: Facets,
  expression: Expression,
  before: number,
  onStep: OnStep = () => undefined,
): Generator<Candidate, void, undefined> {
  const span = spanOf(database, expression, before);
  if (!span) return;
  const groups = groupFacets(facets, expression);
  const few = selectiveCondition(expression);
  if (few)
    return yield* selectiveCandidates(
      database,
      { ...span, sql: few.sql, parameters: few.parameters },
      new Set(groups.flatMap(({ members }) => members)),
    );
  const [only, ...others] = groups;
  if (!only) return;
  if (others.length === 0 && shouldScanAll(only, facets.all().length))
    return yield* scanAll(
      database,
      { ...span, ...partOf(only) },
      only.members.length === facets.all().length ? undefined : new Set(only.members),
      onStep,
    );
  yield* merged(
    groups.flatMap((group) =>
      group.members.map((facet) => {
        const { sql, parameters } = partOf(group);
        return rowsInOrder(
          database,
          { ...span, sql: sql === "" ? "facet = ?" : `facet = ? AND ${sql}`, parameters: [facet, ...parameters] },
          sql === "" ? undefined : onStep,
        );
      }),
    ),
  );
};

type SealedSegment = { readonly database: DatabaseSync; readonly facets: Facets; readonly first: number };

/** Candidates of a sealed segment. It is small and not ordered by facet, so one pass over all rows finds them. */
export const sealedCandidates = function* (
  { database, facets, first }: SealedSegment,
  expression: Expression,
  before: number,
  onStep: OnStep = () => undefined,
): Generator<Candidate, void, undefined> {
  const span = spanOf(database, expression, before);
  if (!span) return;
  const keys = keysNeeded(expression);
  if (keys)
    return yield* candidatesByKey(
      database,
      { ...span, at: transactionsWith(database, first, keys) },
      facetTest(facets, expression),
    );
  const asked = conditionOfGroups(groupFacets(facets, expression, TOKEN_FIELDS));
  if (asked) yield* rowsInOrder(database, { ...span, ...asked }, onStep);
};

type KeyedCandidates = { readonly from: number; readonly to: number; readonly at: readonly number[] };

const NAMED_AT_ONCE = 64;

/** `at`: descending. */
const candidatesByKey = function* (
  database: DatabaseSync,
  { from, to, at }: KeyedCandidates,
  mayMatch: (facet: number) => boolean,
): Generator<Candidate, void, undefined> {
  const statement = prepared(database, `${SELECT} WHERE at IN (SELECT value FROM json_each(?)) ORDER BY at DESC`);
  const within = at.filter((each) => each >= from && each <= to);
  for (let done = 0; done < within.length; done += NAMED_AT_ONCE) {
    const rows = statement.all(JSON.stringify(within.slice(done, done + NAMED_AT_ONCE))) as unknown as Row[];
    for (const row of rows) if (mayMatch(row.facet)) yield row;
  }
};

/** Whether rows of a facet may match. It reads only the facets that it is asked about: a few of many hundred. */
const facetTest = (facets: Facets, expression: Expression): ((facet: number) => boolean) => {
  const known = new Map<number, boolean>();
  return (facet) => {
    const answer = known.get(facet) ?? conditionFor(expression, facets.read(facet), TOKEN_FIELDS) !== false;
    known.set(facet, answer);
    return answer;
  };
};

/** Undefined if no facet matches. */
export const conditionOfGroups = (
  groups: readonly Group[],
): { readonly sql: string; readonly parameters: readonly SQLInputValue[] } | undefined =>
  groups.length === 0
    ? undefined
    : {
        sql: `(${groups.map(groupSql).join(" OR ")})`,
        parameters: groups.flatMap(({ condition }) => condition?.parameters ?? []),
      };

const groupSql = ({ members, condition }: Group): string =>
  `facet IN (${members.join(", ")})${condition ? ` AND ${condition.sql}` : ""}`;

/** Facets whose rows need the same condition. */
export type Group = { readonly condition: Condition | undefined; readonly members: number[] };

/** `without`: fields without a column. */
export const groupFacets = (facets: Facets, expression: Expression, without?: ReadonlySet<FieldName>): Group[] => {
  const groups = new Map<string, Group>();
  for (const { number, facet } of facets.all()) {
    const asked = conditionFor(expression, facet, without);
    if (asked === false) continue;
    const condition = typeof asked === "object" ? asked : undefined;
    const key = condition ? JSON.stringify([condition.sql, condition.parameters]) : "";
    const group = groups.get(key);
    if (group) group.members.push(number);
    else groups.set(key, { condition, members: [number] });
  }
  return [...groups.values()];
};

const partOf = ({ condition }: Group): { readonly sql: string; readonly parameters: readonly SQLInputValue[] } => ({
  sql: condition?.sql ?? "",
  parameters: condition?.parameters ?? [],
});

/** A scan of all rows is faster than one per facet if most rows must be read. */
const shouldScanAll = ({ condition, members }: Group, all: number): boolean =>
  members.length === all || (condition !== undefined && members.length * 4 > all);

const scanAll = function* (
  database: DatabaseSync,
  part: Part,
  facets: ReadonlySet<number> | undefined,
  onStep: OnStep,
): Generator<Candidate, void, undefined> {
  for (const row of rowsInOrder(database, part, part.sql === "" && !facets ? undefined : onStep))
    if (!facets || facets.has(row.facet)) yield row;
};

/**
 * Finds the rows by an SQL index and sorts them; they are few. The plus stops SQLite from scanning all rows in order.
 */
const selectiveCandidates = function* (
  database: DatabaseSync,
  { from, to, sql, parameters }: Part,
  facets: ReadonlySet<number>,
): Generator<Candidate, void, undefined> {
  const found = database
    .prepare(`${SELECT} WHERE ${sql} AND +at BETWEEN ? AND ? ORDER BY +at DESC`)
    .iterate(...parameters, from, to);
  for (const row of found as Iterable<unknown>) if (facets.has((row as Row).facet)) yield row as Row;
};

/**
 * Rows in order. The first query takes one row, because most of many facets have none. If rows may not match, each
 * statement covers a range that takes a moment, and `onStep` is called in between: SQLite cannot stop inside a
 * statement.
 */
const rowsInOrder = function* (
  database: DatabaseSync,
  { from, to, sql, parameters }: Part,
  onStep?: OnStep,
): Generator<Row, void, undefined> {
  const statement = prepared(
    database,
    `${SELECT} WHERE ${sql === "" ? "" : `${sql} AND `}at BETWEEN ? AND ? ORDER BY at DESC LIMIT ?`,
  );
  const stride = new Stride(onStep ? FIRST_STRIDE : Infinity);
  for (let take = FIRST_TAKE, last = onStep ? Math.min(to, newestIndex(database)) : to; last >= from;) {
    const first = Math.max(from, last - stride.length + 1);
    const rows = stride.timed(() => statement.all(...parameters, first, last, take)) as unknown as Row[];
    yield* rows;
    last = (rows.length < take ? first : rows.at(-1)!.at) - 1;
    if (rows.length > 0) take = LATER_TAKE;
    onStep?.();
  }
};

const FIRST_STRIDE = 65_536;
const QUICK_MS = 5;
const SLOW_MS = 50;

/** How many indexes one statement covers; adapts to the time that statements take. */
class Stride {
  length: number;

  constructor(length: number) {
    this.length = length;
  }

  timed<Found>(look: () => Found): Found {
    const start = performance.now();
    const found = look();
    const took = performance.now() - start;
    if (took < QUICK_MS) this.length *= 4;
    else if (took > SLOW_MS) this.length = Math.max(1024, Math.floor(this.length / 2));
    return found;
  }
}

const newestIndex = (database: DatabaseSync): number =>
  Number(prepared(database, "SELECT max(at) AS at FROM transactions").get()!["at"] ?? -1);

/**
 * The range of indexes for the filter's times; undefined if empty. Blocks overlap when a clock was set back; all count.
 */
export const spanOf = (
  database: DatabaseSync,
  expression: Expression,
  before: number,
): { readonly from: number; readonly to: number } | undefined => {
  let [from, to] = [0, before - 1];
  for (const { field, within } of requiredTerms(expression)) {
    if (field !== "time" || !within) continue;
    const blocks = prepared(
      database,
      "SELECT min(block) AS first, max(block) AS last FROM blocks WHERE latest >= ? AND earliest <= ?",
    );
    const { first, last } = blocks.get(
      finite(Math.min(...within.map(([start]) => start))),
      finite(Math.max(...within.map(([, end]) => end))),
    ) as { first: number | null; last: number | null };
    if (first === null || last === null) return undefined;
    [from, to] = [Math.max(from, first * BLOCK), Math.min(to, (last + 1) * BLOCK - 1)];
  }
  return { from, to };
};
