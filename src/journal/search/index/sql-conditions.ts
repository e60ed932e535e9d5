/**
 * The SQL condition of a filter for the rows of one facet. It never excludes a match: if the index cannot decide, the
 * lines do.
 */
import { requiredTerms } from "../filter/filter.ts";
import type { Expression } from "../filter/keys.ts";
import type { FieldName, Term } from "../filter/keys.ts";
import type { Fields } from "../transaction.ts";
import { FACET_FIELDS, type Facet } from "./facets.ts";
import { tokenNumber } from "../../token-number.ts";
import { digitsColumn, idRange, timeColumn, waitColumn } from "./columns.ts";

/** A condition with the values of its question marks. */
export type Condition = {
  readonly sql: string;
  readonly parameters: readonly (string | number | null)[];
  /** It is true for exactly the matching rows, so it can be negated. */
  readonly exact: boolean;
};

/** True or false: for all rows of the facet. Undefined: only the lines can tell. */
export type FacetCondition = boolean | Condition | undefined;

const COLUMNS: Partial<Record<FieldName, string>> = {
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

const TOKENS: ReadonlySet<FieldName> = new Set(["phone", "customer", "announced_phone", "announced_customer"]);
/** Fields without a column in a sealed segment. */
export const TOKEN_FIELDS = TOKENS;
const WORDS: ReadonlySet<FieldName> = new Set(["source", "list", "campaign"]);

const NONE: ReadonlySet<FieldName> = new Set();

/** Fields with an SQL index of their own. */
const SELECTIVE: ReadonlySet<FieldName> = new Set(["record", "group", "phone", "customer"]);

/** `without`: fields without a column. */
export const conditionFor = (
  expression: Expression,
  facet: Facet,
  without: ReadonlySet<FieldName> = NONE,
): FacetCondition => {
  switch (expression.kind) {
    case "term":
      if (without.has(expression.term.field)) return undefined;
      return FACET_FIELDS.has(expression.term.field)
        ? expression.term.matches(facet as Fields)
        : termCondition(expression.term);
    case "not":
      return negated(conditionFor(expression.of, facet, without));
    default:
      return combined(
        expression.of.map((each) => conditionFor(each, facet, without)),
        expression.kind === "any",
      );
  }
};

const negated = (asked: FacetCondition): FacetCondition => {
  if (typeof asked !== "object") return asked === undefined ? undefined : !asked;
  // In SQL a comparison with NULL is neither true nor false; a row without the field must count as false.
  return asked.exact ? { ...asked, sql: `NOT (${asked.sql}) IS TRUE` } : undefined;
};

const combined = (all: readonly FacetCondition[], any: boolean): FacetCondition => {
  if (all.includes(any)) return any;
  const open = all.includes(undefined);
  if (open && any) return undefined;
  const conditions = all.filter((each) => typeof each === "object");
  if (conditions.length === 0) return open ? undefined : !any;
  return {
    sql: `(${conditions.map(({ sql }) => sql).join(any ? " OR " : " AND ")})`,
    parameters: conditions.flatMap(({ parameters }) => parameters),
    exact: !open && conditions.every(({ exact }) => exact),
  };
};

/** The part of the filter that an SQL index can find, if there is one. */
export const selectiveCondition = (expression: Expression): Condition | undefined => {
  const conditions = requiredTerms(expression)
    .filter(({ field, oneOf }) => oneOf && SELECTIVE.has(field))
    .map(termCondition)
    .filter((each) => each !== undefined);
  return conditions.length === 0 ? undefined : (combined(conditions, false) as Condition);
};

/** A field with two columns matches in either. */
const termCondition = (term: Term): Condition | undefined => {
  const conditions = [term.field, ...(term.alternateField ? [term.alternateField] : [])].map((field) =>
    columnCondition(field, term),
  );
  return conditions.includes(undefined) ? undefined : (combined(conditions, true) as Condition);
};

const columnCondition = (field: FieldName, { oneOf, within, patterns }: Term): Condition | undefined => {
  const column = COLUMNS[field];
  if (column === undefined) return undefined;
  const each =
    oneOf?.map((value) => exactly(column, field, value)) ??
    within?.map(([from, to]): Condition => ({
      sql: `${column} BETWEEN ? AND ?`,
      parameters: [columnBound(field, from), columnBound(field, to)],
      exact: true,
    })) ??
    patterns?.map((glob) => likeCondition(column, field, glob));
  return each === undefined || each.includes(undefined) ? undefined : (combined(each, true) as Condition);
};

export const finite = (value: number): number =>
  Math.min(Math.max(value, -Number.MAX_SAFE_INTEGER), Number.MAX_SAFE_INTEGER);

/** The bound in the units of the field's column. */
export const columnBound = (field: FieldName, value: number): number =>
  finite(field === "time" ? timeColumn(value) : (waitColumn(value) ?? 0));

const exactly = (column: string, field: FieldName, value: string): Condition => {
  if (TOKENS.has(field)) return { sql: `${column} = ?`, parameters: [tokenNumber(value)], exact: false };
  if (field === "id") return { sql: `${column} BETWEEN ? AND ?`, parameters: idRange(value), exact: false };
  if (WORDS.has(field))
    return { sql: `${column} IN (SELECT string FROM strings WHERE text = ?)`, parameters: [value], exact: true };
  const digits = digitsColumn(value);
  return { sql: `${column} = ?`, parameters: [typeof digits === "bigint" ? Number(digits) : digits], exact: true };
};

/** SQLite ignores case for ASCII only. */
const likeCondition = (column: string, field: FieldName, glob: string): Condition | undefined => {
  const pattern = likePattern(glob);
  return pattern === undefined || !WORDS.has(field)
    ? undefined
    : {
        sql: `${column} IN (SELECT string FROM strings WHERE text LIKE ? ESCAPE '\\')`,
        parameters: [pattern],
        exact: true,
      };
};

/** Undefined if SQLite would match other texts. */
export const likePattern = (glob: string): string | undefined =>
  /^[\x20-\x7e]*$/.test(glob) ? glob.replaceAll(/[\\%_]/g, "\\$&").replaceAll("*", "%") : undefined;
