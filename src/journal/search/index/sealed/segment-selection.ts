/** Selects the segments of a month that may match a filter, and counts matches by facets. */
import type { Expression } from "../../filter/keys.ts";
import type { Term } from "../../filter/keys.ts";
import type { Fields } from "../../transaction.ts";
import { idRange } from "../columns.ts";
import { conditionFor, columnBound, type FacetCondition } from "../sql-conditions.ts";
import type { Count } from "../count.ts";
import { keysFor } from "./bloom-filters.ts";
import type { Extent } from "../../../segments/segment-list.ts";
import type { MonthFacets, Span, Summary, TextField } from "./segment-summary.ts";

/** A segment and its summary. */
export type Row = { readonly extent: Extent; readonly summary: Summary };

/** The data of one month. `mayHave`: the segments that may have one of the keys. */
export type Source = {
  readonly facets: MonthFacets;
  readonly mayHave: (keys: readonly number[], firsts: readonly number[]) => ReadonlySet<number>;
  /** How many transactions of these segments each facet has. */
  readonly totalsOf: (rows: readonly Row[]) => ReadonlyMap<number, number>;
};

/** The segments that may have matches. */
export const mayFit = (source: Source, rows: readonly Row[], expression: Expression): readonly Row[] => {
  const asked = askedOnce(source.facets, expression);
  return narrowed(
    source,
    rows.filter(({ summary }) => summary.facets.some(([facet]) => asked(facet) !== false)),
    expression,
  );
};

/** Evaluates each facet once, however many segments have it. */
const askedOnce = (facets: MonthFacets, expression: Expression): ((facet: number) => FacetCondition) => {
  const known = new Map<number, FacetCondition>();
  return (facet) => {
    if (!known.has(facet)) known.set(facet, conditionFor(expression, facets.get(facet)!));
    return known.get(facet);
  };
};

const narrowed = (source: Source, rows: readonly Row[], expression: Expression): readonly Row[] => {
  switch (expression.kind) {
    case "term":
      return narrowedBy(source, rows, expression.term);
    case "all":
      return expression.of.reduce((left, each) => narrowed(source, left, each), rows);
    case "any": {
      const found = new Set(expression.of.flatMap((each) => narrowed(source, rows, each)));
      return rows.filter((row) => found.has(row));
    }
    default:
      return rows;
  }
};

const narrowedBy = (source: Source, rows: readonly Row[], term: Term): readonly Row[] => {
  const { field, oneOf, within } = term;
  const keys = keysFor(term);
  if (keys) {
    const found = source.mayHave(
      keys,
      rows.map(({ extent }) => extent.first),
    );
    return rows.filter(({ extent }) => found.has(extent.first));
  }
  if (field === "source" || field === "list" || field === "campaign")
    return rowsWithText(rows, field, (text) => term.matches({ [field]: text } as unknown as Fields));
  if (field === "id" && oneOf)
    return rows.filter(({ summary }) => oneOf.some((value) => overlap(summary.id, idRange(value))));
  if ((field === "time" || field === "queue" || field === "ocs" || field === "total") && within) {
    return rows.filter(({ summary }) =>
      within.some(([from, to]) => overlap(summary[field], [columnBound(field, from), columnBound(field, to)])),
    );
  }
  return rows;
};

/** Asks once for each text, however many segments have it. */
const rowsWithText = (rows: readonly Row[], field: TextField, matches: (text: string) => boolean): readonly Row[] => {
  const known = new Map<string, boolean>();
  const asked = (text: string): boolean => {
    const before = known.get(text);
    if (before !== undefined) return before;
    const now = matches(text);
    known.set(text, now);
    return now;
  };
  return rows.filter(({ summary }) => summary[field]?.some(asked) ?? true);
};

const overlap = (span: Span | undefined, [from, to]: Span): boolean =>
  span !== undefined && span[0] <= to && from <= span[1];

const ALWAYS: Expression = { kind: "all", of: [] };
const NEVER: Expression = { kind: "any", of: [] };

/** Removes conditions on times that all transactions of the segment fulfil, or none. */
export const timeless = (expression: Expression, { time }: Pick<Summary, "time">): Expression => {
  switch (expression.kind) {
    case "term": {
      const { field, within } = expression.term;
      if (field !== "time" || !within || !time) return expression;
      const spans = within.map(([from, to]): Span => [columnBound("time", from), columnBound("time", to)]);
      if (spans.some(([from, to]) => from <= time[0] && time[1] <= to)) return ALWAYS;
      return spans.some((span) => overlap(time, span)) ? expression : NEVER;
    }
    case "not": {
      const of = timeless(expression.of, { time });
      return of === expression.of ? expression : { kind: "not", of };
    }
    default: {
      const of = expression.of.map((each) => timeless(each, { time }));
      return of.every((each, at) => each === expression.of[at]) ? expression : { kind: expression.kind, of };
    }
  }
};

/** Counts the matches of a month's segments by their facets. `left`: segments that facets alone cannot count. */
export const countByFacets = (
  source: Source,
  rows: readonly Row[],
  expression: Expression,
): Count & { readonly left: readonly Extent[] } => {
  // Most questions have no times, or times that include the whole month.
  const whole = sharedByAll(rows, expression);
  const total = whole && countIn(source.totalsOf(rows), askedOnce(source.facets, whole), source.facets);
  if (total) return { ...total, left: [] };
  let [count, refused] = [0, 0];
  const left: Extent[] = [];
  const counted = facetCounter(source.facets, expression);
  for (const { extent, summary } of rows) {
    const found = counted(summary);
    if (!found) left.push(extent);
    else [count, refused] = [count + found.count, refused + found.refused];
  }
  return { count, refused, left };
};

/** The expression without its times, if all segments have that one in common. */
const sharedByAll = (rows: readonly Row[], expression: Expression): Expression | undefined => {
  const span = rows.reduce<Span | undefined>((sum, { summary: { time } }) => joined(sum, time), undefined);
  const left = timeless(expression, { time: span });
  return hasTime(left) ? undefined : left;
};

const joined = (one: Span | undefined, other: Span | undefined): Span | undefined =>
  one && other ? [Math.min(one[0], other[0]), Math.max(one[1], other[1])] : (one ?? other);

const hasTime = (expression: Expression): boolean =>
  expression.kind === "term"
    ? expression.term.field === "time"
    : (expression.kind === "not" ? [expression.of] : expression.of).some(hasTime);

/** Counts the matches of a segment; undefined if its facets cannot tell. */
const facetCounter = (facets: MonthFacets, expression: Expression): ((summary: Summary) => Count | undefined) => {
  const counters = new Map<Expression, (facet: number) => FacetCondition>();
  const shapes = new Map<string, Expression>();
  return (summary) => {
    const asks = shared(shapes, timeless(expression, summary));
    const asked = counters.get(asks) ?? askedOnce(facets, asks);
    counters.set(asks, asked);
    return countIn(summary.facets, asked, facets);
  };
};

/** Undefined if one of the facets cannot tell. */
const countIn = (
  transactions: Iterable<readonly [facet: number, transactions: number]>,
  asked: (facet: number) => FacetCondition,
  facets: MonthFacets,
): Count | undefined => {
  let [count, refused] = [0, 0];
  for (const [facet, many] of transactions) {
    const found = asked(facet);
    if (typeof found !== "boolean") return undefined;
    if (!found) continue;
    count += many;
    if (facets.get(facet)!.state === "refused") refused += many;
  }
  return { count, refused };
};

/** One expression for all segments from which the same times were removed. */
const shared = (shapes: Map<string, Expression>, expression: Expression): Expression => {
  const shape = shapeOf(expression);
  const found = shapes.get(shape) ?? expression;
  shapes.set(shape, found);
  return found;
};

const shapeOf = (expression: Expression): string =>
  expression.kind === "term"
    ? "t"
    : expression.kind === "not"
      ? `-${shapeOf(expression.of)}`
      : `${expression.kind === "all" ? "(" : "["}${expression.of.map(shapeOf).join("")})`;
