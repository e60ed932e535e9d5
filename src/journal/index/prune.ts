/** In which segments of a month a filter may find something, and how many stories of a segment fit by their facets alone. */
import type { Expression } from "../filter.ts";
import type { Term } from "../filter/keys.ts";
import type { Facts } from "../story.ts";
import { idRange } from "./columns.ts";
import { askedOf, boundOf, type Asked } from "./conditions.ts";
import type { Count } from "./count.ts";
import { keysFor } from "./names.ts";
import type { Extent } from "./segment.ts";
import type { MonthFacets, Span, Summary } from "./summary.ts";

/** A segment and what is known of it. */
export type Row = { readonly extent: Extent; readonly summary: Summary };

/** Of one month. `mayHave`: of the segments, those that may have one of the keys. */
export type Source = {
  readonly facets: MonthFacets;
  readonly mayHave: (keys: readonly number[], firsts: readonly number[]) => ReadonlySet<number>;
};

/** Those in which something may fit. */
export const mayFit = (source: Source, rows: readonly Row[], expression: Expression): readonly Row[] => {
  const asked = askedOnce(source.facets, expression);
  return narrowed(
    source,
    rows.filter(({ summary }) => summary.facets.some(([facet]) => asked(facet) !== false)),
    expression,
  );
};

/** Each facet is asked once, however many segments have it. */
const askedOnce = (facets: MonthFacets, expression: Expression): ((facet: number) => Asked) => {
  const known = new Map<number, Asked>();
  return (facet) => {
    if (!known.has(facet)) known.set(facet, askedOf(expression, facets.get(facet)!));
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
  const { fact, oneOf, within } = term;
  const keys = keysFor(term);
  if (keys) {
    const found = source.mayHave(
      keys,
      rows.map(({ extent }) => extent.first),
    );
    return rows.filter(({ extent }) => found.has(extent.first));
  }
  if (fact === "source" || fact === "list" || fact === "campaign")
    return rows.filter(
      ({ summary }) => summary[fact]?.some((text) => term.holds({ [fact]: text } as unknown as Facts)) ?? true,
    );
  if (fact === "id" && oneOf)
    return rows.filter(({ summary }) => oneOf.some((value) => overlap(summary.id, idRange(value))));
  if ((fact === "time" || fact === "queue" || fact === "ocs" || fact === "total") && within) {
    return rows.filter(({ summary }) =>
      within.some(([from, to]) => overlap(summary[fact], [boundOf(fact, from), boundOf(fact, to)])),
    );
  }
  return rows;
};

const overlap = (span: Span | undefined, [from, to]: Span): boolean =>
  span !== undefined && span[0] <= to && from <= span[1];

const ALWAYS: Expression = { kind: "all", of: [] };
const NEVER: Expression = { kind: "any", of: [] };

/** Of a segment all of whose stories lie within a time, or none, that time is not asked any more. */
export const timeless = (expression: Expression, { time }: Summary): Expression => {
  switch (expression.kind) {
    case "term": {
      const { fact, within } = expression.term;
      if (fact !== "time" || !within || !time) return expression;
      const spans = within.map(([from, to]): Span => [boundOf("time", from), boundOf("time", to)]);
      if (spans.some(([from, to]) => from <= time[0] && time[1] <= to)) return ALWAYS;
      return spans.some((span) => overlap(time, span)) ? expression : NEVER;
    }
    case "not": {
      const of = timeless(expression.of, { time } as Summary);
      return of === expression.of ? expression : { kind: "not", of };
    }
    default: {
      const of = expression.of.map((each) => timeless(each, { time } as Summary));
      return of.every((each, at) => each === expression.of[at]) ? expression : { kind: expression.kind, of };
    }
  }
};

/** Counts segments of one month by their facets; undefined where these do not tell. */
export const facetCounter = (
  facets: MonthFacets,
  expression: Expression,
): ((summary: Summary) => Count | undefined) => {
  const counters = new Map<Expression, (facet: number) => Asked>();
  const shapes = new Map<string, Expression>();
  return (summary) => {
    const asks = shared(shapes, timeless(expression, summary));
    const asked = counters.get(asks) ?? askedOnce(facets, asks);
    counters.set(asks, asked);
    let [count, refused] = [0, 0];
    for (const [facet, stories] of summary.facets) {
      const found = asked(facet);
      if (typeof found !== "boolean") return undefined;
      if (!found) continue;
      count += stories;
      if (facets.get(facet)!.state === "refused") refused += stories;
    }
    return { count, refused };
  };
};

/** Where only a time was taken out, the same for all segments of which the same was. */
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
