/** What a filter asks of the rows of one facet, as SQL. It never asks too much: where the index cannot tell, it leaves the answer to the lines. */
import { needed, type Expression } from "../filter.ts";
import type { Known, Term } from "../filter/keys.ts";
import type { Facts } from "../story.ts";
import { FACET_FACTS, type Facet } from "./facets.ts";
import { tokenNumber } from "../token.ts";
import { digitsColumn, idRange, timeColumn, waitColumn } from "./columns.ts";

/** With what stands for the question marks. */
export type Condition = {
  readonly sql: string;
  readonly given: readonly (string | number | null)[];
  /** It holds for exactly the rows that fit, and so may be turned round. */
  readonly exact: boolean;
};

/** True and false hold for all rows of the facet; undefined: only the lines can tell. */
export type Asked = boolean | Condition | undefined;

const COLUMNS: Partial<Record<Known, string>> = {
  time: "time",
  queue: "queue",
  ocs: "ocs",
  total: "total",
  source: "source",
  record: "record",
  group: "grouped",
  list: "list",
  campaign: "campaign",
  phone: "phone",
  customer: "customer",
  announced_phone: "announced_phone",
  announced_customer: "announced_customer",
  id: "id",
};

const TOKENS: ReadonlySet<Known> = new Set(["phone", "customer", "announced_phone", "announced_customer"]);
/** Facts that have no column in a sealed segment. */
export const PEOPLE = TOKENS;
const WORDS: ReadonlySet<Known> = new Set(["source", "list", "campaign"]);

const NONE: ReadonlySet<Known> = new Set();

/** Facts whose rows are found by an index of their own. */
const SELECTIVE: ReadonlySet<Known> = new Set(["record", "group", "phone", "customer"]);

/** `without`: facts that have no column. */
export const askedOf = (expression: Expression, facet: Facet, without: ReadonlySet<Known> = NONE): Asked => {
  switch (expression.kind) {
    case "term":
      if (without.has(expression.term.fact)) return undefined;
      return FACET_FACTS.has(expression.term.fact)
        ? expression.term.holds(facet as Facts)
        : conditionOf(expression.term);
    case "not":
      return turned(askedOf(expression.of, facet, without));
    default:
      return joined(
        expression.of.map((each) => askedOf(each, facet, without)),
        expression.kind === "any",
      );
  }
};

const turned = (asked: Asked): Asked => {
  if (typeof asked !== "object") return asked === undefined ? undefined : !asked;
  // A row without the fact does not have it: in SQL it would be neither.
  return asked.exact ? { ...asked, sql: `NOT (${asked.sql}) IS TRUE` } : undefined;
};

const joined = (all: readonly Asked[], any: boolean): Asked => {
  if (all.includes(any)) return any;
  const open = all.includes(undefined);
  if (open && any) return undefined;
  const conditions = all.filter((each) => typeof each === "object");
  if (conditions.length === 0) return open ? undefined : !any;
  return {
    sql: `(${conditions.map(({ sql }) => sql).join(any ? " OR " : " AND ")})`,
    given: conditions.flatMap(({ given }) => given),
    exact: !open && conditions.every(({ exact }) => exact),
  };
};

/** By what few stories are found, when the filter asks for such. */
export const selectiveOf = (expression: Expression): Condition | undefined => {
  const conditions = needed(expression)
    .filter(({ fact, oneOf }) => oneOf && SELECTIVE.has(fact))
    .map(conditionOf)
    .filter((each) => each !== undefined);
  return conditions.length === 0 ? undefined : (joined(conditions, false) as Condition);
};

/** Of a fact that stands in two columns, in either. */
const conditionOf = (term: Term): Condition | undefined => {
  const conditions = [term.fact, ...(term.also ? [term.also] : [])].map((fact) => columnIs(fact, term));
  return conditions.includes(undefined) ? undefined : (joined(conditions, true) as Condition);
};

const columnIs = (fact: Known, { oneOf, within, like }: Term): Condition | undefined => {
  const column = COLUMNS[fact];
  if (column === undefined) return undefined;
  const each =
    oneOf?.map((value) => exactly(column, fact, value)) ??
    within?.map(([from, to]): Condition => ({
      sql: `${column} BETWEEN ? AND ?`,
      given: [boundOf(fact, from), boundOf(fact, to)],
      exact: true,
    })) ??
    like?.map((glob) => likeness(column, fact, glob));
  return each === undefined || each.includes(undefined) ? undefined : (joined(each, true) as Condition);
};

export const finite = (value: number): number =>
  Math.min(Math.max(value, -Number.MAX_SAFE_INTEGER), Number.MAX_SAFE_INTEGER);

/** In the units of the fact's column. */
export const boundOf = (fact: Known, value: number): number =>
  finite(fact === "time" ? timeColumn(value) : (waitColumn(value) ?? 0));

const exactly = (column: string, fact: Known, value: string): Condition => {
  if (TOKENS.has(fact)) return { sql: `${column} = ?`, given: [tokenNumber(value)], exact: false };
  if (fact === "id") return { sql: `${column} BETWEEN ? AND ?`, given: idRange(value), exact: false };
  if (WORDS.has(fact))
    return { sql: `${column} IN (SELECT word FROM words WHERE says = ?)`, given: [value], exact: true };
  const digits = digitsColumn(value);
  return { sql: `${column} = ?`, given: [typeof digits === "bigint" ? Number(digits) : digits], exact: true };
};

/** SQLite knows upper and lower case of ASCII alone. */
const likeness = (column: string, fact: Known, glob: string): Condition | undefined => {
  const pattern = likePattern(glob);
  return pattern === undefined || !WORDS.has(fact)
    ? undefined
    : { sql: `${column} IN (SELECT word FROM words WHERE says LIKE ? ESCAPE '\\')`, given: [pattern], exact: true };
};

/** Undefined where SQLite would find something else. */
export const likePattern = (glob: string): string | undefined =>
  /^[\x20-\x7e]*$/.test(glob) ? glob.replaceAll(/[\\%_]/g, "\\$&").replaceAll("*", "%") : undefined;
