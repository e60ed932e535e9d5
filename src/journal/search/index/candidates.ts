/**
 * Which stories may fit a filter, youngest first. The index only says where to look: who takes them reads the lines and asks the filter again.
 * Whatever is asked, a page costs about as much as the page and the number of facets: stories of one facet lie in their order, and those of
 * several are merged.
 */
import type { DatabaseSync, SQLInputValue, StatementSync } from "node:sqlite";
import { needed, type Expression } from "../filter.ts";
import type { Known } from "../filter/keys.ts";
import { askedOf, finite, PEOPLE, selectiveOf, type Condition } from "./conditions.ts";
import type { Facets } from "./facets.ts";
import { storiesWith } from "./lookups.ts";
import { merged } from "./merge.ts";
import { keysNeeded } from "./names.ts";
import { BLOCK } from "./write.ts";

export type Candidate = {
  readonly at: number;
  readonly position: number;
  readonly closed: number | null;
  readonly closed_position: number | null;
};

const SELECT =
  "SELECT at, position, at + closed AS closed, position + closed_position AS closed_position, facet FROM stories";
type Row = Candidate & { readonly facet: number };

const FIRST_TAKE = 1;
const LATER_TAKE = 32;

/** Some of the rows: between two indexes, and what is asked of them in SQL. */
type Part = {
  readonly from: number;
  readonly to: number;
  readonly sql: string;
  readonly given: readonly SQLInputValue[];
};

/** Called now and then; may throw. */
type OnStep = () => void;

/** Those with an index below `before`. */
export const candidates = function* (
  database: DatabaseSync,
  facets: Facets,
  expression: Expression,
  before: number,
  onStep: OnStep = () => undefined,
): Generator<Candidate, void, undefined> {
  const span = spanOf(database, expression, before);
  if (!span) return;
  const groups = groupsOf(facets, expression);
  const few = selectiveOf(expression);
  if (few)
    return yield* selected(
      database,
      { ...span, sql: few.sql, given: few.given },
      new Set(groups.flatMap(({ members }) => members)),
    );
  const [only, ...others] = groups;
  if (!only) return;
  if (others.length === 0 && isThroughAll(only, facets.all().length))
    return yield* throughAll(
      database,
      { ...span, ...partOf(only) },
      only.members.length === facets.all().length ? undefined : new Set(only.members),
      onStep,
    );
  yield* merged(
    groups.flatMap((group) =>
      group.members.map((facet) => {
        const { sql, given } = partOf(group);
        return run(
          database,
          { ...span, sql: sql === "" ? "facet = ?" : `facet = ? AND ${sql}`, given: [facet, ...given] },
          sql === "" ? undefined : onStep,
        );
      }),
    ),
  );
};

type Sealed = { readonly database: DatabaseSync; readonly facets: Facets; readonly first: number };

/** Of a sealed segment, which is small, and whose rows do not lie by facet: all of them are gone through once, whatever is asked. */
export const sealedCandidates = function* (
  { database, facets, first }: Sealed,
  expression: Expression,
  before: number,
  onStep: OnStep = () => undefined,
): Generator<Candidate, void, undefined> {
  const span = spanOf(database, expression, before);
  if (!span) return;
  const groups = groupsOf(facets, expression, PEOPLE);
  const keys = keysNeeded(expression);
  if (keys)
    return yield* named(
      database,
      { ...span, at: storiesWith(database, first, keys) },
      new Set(groups.flatMap(({ members }) => members)),
    );
  const asked = askedOfAll(groups);
  if (asked) yield* run(database, { ...span, ...asked }, onStep);
};

type Named = { readonly from: number; readonly to: number; readonly at: readonly number[] };

const NAMED_AT_ONCE = 64;

/** `at`: descending. */
const named = function* (
  database: DatabaseSync,
  { from, to, at }: Named,
  facets: ReadonlySet<number>,
): Generator<Candidate, void, undefined> {
  const statement = prepared(database, `${SELECT} WHERE at IN (SELECT value FROM json_each(?)) ORDER BY at DESC`);
  const within = at.filter((each) => each >= from && each <= to);
  for (let done = 0; done < within.length; done += NAMED_AT_ONCE) {
    const rows = statement.all(JSON.stringify(within.slice(done, done + NAMED_AT_ONCE))) as unknown as Row[];
    for (const row of rows) if (facets.has(row.facet)) yield row;
  }
};

/** Undefined when no facet fits. */
export const askedOfAll = (
  groups: readonly Group[],
): { readonly sql: string; readonly given: readonly SQLInputValue[] } | undefined =>
  groups.length === 0
    ? undefined
    : {
        sql: `(${groups.map((group) => `facet IN (${group.members.join(", ")})${group.condition ? ` AND ${group.condition.sql}` : ""}`).join(" OR ")})`,
        given: groups.flatMap(({ condition }) => condition?.given ?? []),
      };

/** Facets of whose rows the same is asked. */
export type Group = { readonly condition: Condition | undefined; readonly members: number[] };

/** `without`: facts that have no column. */
export const groupsOf = (facets: Facets, expression: Expression, without?: ReadonlySet<Known>): Group[] => {
  const groups = new Map<string, Group>();
  for (const { number, facet } of facets.all()) {
    const asked = askedOf(expression, facet, without);
    if (asked === false) continue;
    const condition = typeof asked === "object" ? asked : undefined;
    const key = condition ? JSON.stringify([condition.sql, condition.given]) : "";
    const group = groups.get(key);
    if (group) group.members.push(number);
    else groups.set(key, { condition, members: [number] });
  }
  return [...groups.values()];
};

const partOf = ({ condition }: Group): { readonly sql: string; readonly given: readonly SQLInputValue[] } => ({
  sql: condition?.sql ?? "",
  given: condition?.given ?? [],
});

/** To go through the rows in their order is quicker than by the facet, once it is most of them that must be looked at. */
const isThroughAll = ({ condition, members }: Group, all: number): boolean =>
  members.length === all || (condition !== undefined && members.length * 4 > all);

const throughAll = function* (
  database: DatabaseSync,
  part: Part,
  facets: ReadonlySet<number> | undefined,
  onStep: OnStep,
): Generator<Candidate, void, undefined> {
  for (const row of run(database, part, part.sql === "" && !facets ? undefined : onStep))
    if (!facets || facets.has(row.facet)) yield row;
};

/** By an index of their own; so few that they are sorted. The plus keeps SQLite from going through all rows in their order. */
const selected = function* (
  database: DatabaseSync,
  { from, to, sql, given }: Part,
  facets: ReadonlySet<number>,
): Generator<Candidate, void, undefined> {
  const found = database
    .prepare(`${SELECT} WHERE ${sql} AND +at BETWEEN ? AND ? ORDER BY +at DESC`)
    .iterate(...given, from, to);
  for (const row of found as Iterable<unknown>) if (facets.has((row as Row).facet)) yield row as Row;
};

/**
 * In their order; at first one alone, because of many facets most give none. Where rows must be looked at that may not fit, a statement goes
 * through so many indexes as take a moment, and `onStep` is called between two of them: SQLite cannot be stopped within one.
 */
const run = function* (
  database: DatabaseSync,
  { from, to, sql, given }: Part,
  onStep?: OnStep,
): Generator<Row, void, undefined> {
  const statement = prepared(
    database,
    `${SELECT} WHERE ${sql === "" ? "" : `${sql} AND `}at BETWEEN ? AND ? ORDER BY at DESC LIMIT ?`,
  );
  const stride = new Stride(onStep ? FIRST_STRIDE : Infinity);
  for (let take = FIRST_TAKE, last = onStep ? Math.min(to, youngest(database)) : to; last >= from;) {
    const first = Math.max(from, last - stride.length + 1);
    const rows = stride.timed(() => statement.all(...given, first, last, take)) as unknown as Row[];
    yield* rows;
    last = (rows.length < take ? first : rows.at(-1)!.at) - 1;
    if (rows.length > 0) take = LATER_TAKE;
    onStep?.();
  }
};

const FIRST_STRIDE = 65_536;
const QUICK_MS = 5;
const SLOW_MS = 50;

/** How many indexes one statement goes through. */
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

const youngest = (database: DatabaseSync): number =>
  Number(prepared(database, "SELECT max(at) AS at FROM stories").get()!["at"] ?? -1);

const MOST_PREPARED = 100;
const statements = new WeakMap<DatabaseSync, Map<string, StatementSync>>();

const prepared = (database: DatabaseSync, sql: string): StatementSync => {
  const known = statements.get(database) ?? new Map<string, StatementSync>();
  statements.set(database, known);
  const statement = known.get(sql) ?? database.prepare(sql);
  if (known.size > MOST_PREPARED) known.clear();
  known.set(sql, statement);
  return statement;
};

/** Between which indexes what fits can lie; undefined when nowhere. A clock that was set back makes blocks overlap, and all of them count. */
export const spanOf = (
  database: DatabaseSync,
  expression: Expression,
  before: number,
): { readonly from: number; readonly to: number } | undefined => {
  const blocks = prepared(
    database,
    "SELECT min(block) AS first, max(block) AS last FROM blocks WHERE latest >= ? AND earliest <= ?",
  );
  let [from, to] = [0, before - 1];
  for (const { fact, within } of needed(expression)) {
    if (fact !== "time" || !within) continue;
    const { first, last } = blocks.get(
      finite(Math.min(...within.map(([start]) => start))),
      finite(Math.max(...within.map(([, end]) => end))),
    ) as { first: number | null; last: number | null };
    if (first === null || last === null) return undefined;
    [from, to] = [Math.max(from, first * BLOCK), Math.min(to, (last + 1) * BLOCK - 1)];
  }
  return { from, to };
};
