/**
 * What a person search cannot cover: requests of the period and tenant that may concern the person but do not identify
 * anyone. If there are any, "nothing found" does not mean that nothing was requested.
 */
import { bothFilters, requiredTerms, parseFilter, type Filter } from "./filter/filter.ts";
import type { Expression } from "./filter/keys.ts";
import type { Counted, JournalSearch } from "./journal-search.ts";
import type { Scope } from "./scope/part.ts";
import type { TimeLimit } from "./worker/time-limit.ts";
import { tokenFilter, type Person, type PersonTokens } from "./phone-variants.ts";

export type Uncovered = Counted & {
  /** A sentence without a full stop. */
  readonly says: string;
  /** The filter with which `audit search` lists them. */
  readonly filter: string;
};

type Row = {
  readonly filter: string;
  readonly what?: string;
  readonly says: (count: string, are: (one: string, many: string) => string) => string;
};

/**
 * Beyond its tenant's budget, the journal only counts a client's refused requests; Do-Not-Calls always have entries.
 */
const FLOODS: Row = {
  filter: "kind:flood client:* -action:DoNotCall",
  what: "count",
  says: (counts, are) =>
    `${counts} of refused requests without entries of their own ${are("contains", "contain")} no person`,
};

/** After the first, identical refused Do-Not-Calls are only counted; the first may be before the period. */
const repeated = (missing: string, named: string): Row => ({
  filter: `${missing} kind:flood action:DoNotCall`,
  what: "count",
  says: (counts, are) =>
    `${counts} of Do-Not-Calls that were refused like an earlier one ${are("contains", "contain")} no ${named}`,
});

const ROWS: Readonly<Record<Person["kind"], readonly Row[]>> = {
  phone: [
    {
      filter: "missing:phone action:DoNotCall resource:records",
      says: (dnc, are) => `${dnc} by record handle ${are("contains", "contain")} no phone number`,
    },
    {
      filter: "missing:phone action:DoNotCall resource:customer_ids",
      says: (dnc, are) => `${dnc} by customer id ${are("contains", "contain")} no phone number`,
    },
    {
      filter: "missing:phone action:DoNotCall -resource:records,customer_ids",
      says: (dnc, are) => `${dnc} by phone number ${are("has", "have")} no token (audit.redact.phone was drop)`,
    },
    {
      filter: "missing:phone -action:DoNotCall",
      says: (others, are) => `${others} by record handle or customer id ${are("contains", "contain")} no phone number`,
    },
    {
      filter: "missing:chain",
      says: (chains, are) =>
        `${chains} for a whole chain of records (AllChain) ${are("contains", "contain")} at most one of its numbers`,
    },
    repeated("missing:phone", "phone number"),
    FLOODS,
  ],
  customer_id: [
    {
      filter: "missing:customer action:DoNotCall resource:records",
      says: (dnc, are) => `${dnc} by record handle ${are("contains", "contain")} no customer id`,
    },
    {
      filter: "missing:customer action:DoNotCall resource:phones",
      says: (dnc, are) => `${dnc} by phone number ${are("contains", "contain")} no customer id`,
    },
    {
      filter: "missing:customer action:DoNotCall -resource:records,phones",
      says: (dnc, are) => `${dnc} by customer id ${are("has", "have")} no token (audit.redact.customer_id was drop)`,
    },
    {
      filter: "missing:customer -action:DoNotCall",
      says: (others, are) => `${others} by record handle or phone number ${are("contains", "contain")} no customer id`,
    },
    repeated("missing:customer", "customer id"),
    FLOODS,
  ],
};

type CoverageQuery = { readonly person: Person; readonly wanted: PersonTokens; readonly filter: Filter };

/**
 * Empty if the search covers everything. Do-Not-Calls by record handle come first. `scope`: counts only what people of
 * this scope may see; a request without a tenant belongs to nobody.
 */
export const uncoveredBy = async (
  search: JournalSearch,
  { person, wanted, filter }: CoverageQuery,
  timeLimit?: TimeLimit,
  scope?: Scope,
): Promise<Uncovered[]> => {
  const all: Filter = { text: filter.text, expression: orUnknownTenant(filter.expression) };
  const single = bothFilters(NO_COUNT, all);
  const found: Uncovered[] = [];
  for (const row of ROWS[person.kind]) {
    const within = row.filter.includes("kind:flood") ? all : single;
    const fitting = await search.count(bothFilters(parseFilter(row.filter), within), timeLimit, scope);
    // Requests for a chain that contain the person are found.
    const isChain = row.filter.startsWith("missing:chain");
    const named = isChain
      ? await search.count(
          bothFilters(parseFilter(`${row.filter} ${tokenFilter(person, wanted)}`), within),
          timeLimit,
          scope,
        )
      : NONE;
    const counted = { ...fitting, count: fitting.count - named.count, refused: fitting.refused - named.refused };
    // If the count was limited, the rest may contain other persons.
    if (counted.count > 0 || counted.more) found.push(uncovered(row, counted, filter));
  }
  const nameless = scope ? undefined : await tenantless(search, { person, wanted, filter }, timeLimit);
  return nameless ? [...found, nameless] : found;
};

const NO_COUNT = parseFilter("-kind:flood");
const NONE: Counted = { count: 0, refused: 0 };

/** Requests that were refused before their tenant was known; they may belong to this tenant. */
const tenantless = async (
  search: JournalSearch,
  { person, wanted, filter }: CoverageQuery,
  timeLimit: TimeLimit | undefined,
): Promise<Uncovered | undefined> => {
  const within = orUnknownTenant(filter.expression);
  if (within === filter.expression) return undefined;
  const row: Row = {
    filter: "missing:tenant",
    says: (requests, are) => `${requests} of this person ${are("was", "were")} refused before the tenant was known`,
  };
  const named = parseFilter(`missing:tenant ${tokenFilter(person, wanted)}`);
  const asked: Expression = { kind: "all", of: [within, { kind: "not", of: filter.expression }] };
  const counted = await search.count(bothFilters(named, { text: filter.text, expression: asked }), timeLimit);
  return counted.count > 0 ? uncovered(row, counted, filter) : undefined;
};

const uncovered = (
  { filter, says, what: named }: Row,
  { count, refused, more }: Counted,
  within: Filter,
): Uncovered => {
  const isOne = count === 1 && !more;
  const what = named ?? wordFor(filter);
  const sentence = says(`${count}${more ? " or more" : ""} ${what}${isOne ? "" : "s"}`, (one, many) =>
    isOne ? one : many,
  );
  return {
    count,
    refused,
    ...(more && { more }),
    says:
      refused === 0
        ? sentence
        : `${sentence}; the gateway refused ` +
          `${refused === count ? (isOne ? "it" : "all of them") : `${refused} of them`}`,
    filter: bothFilters(parseFilter(filter), within).text,
  };
};

const wordFor = (filter: string): string =>
  filter.includes(" action:DoNotCall") ? "Do-Not-Call" : filter.includes(" -action:") ? "other request" : "request";

/** The same filter, in which a request without a tenant matches every tenant. */
const orUnknownTenant = (expression: Expression, isTurned = false): Expression => {
  switch (expression.kind) {
    case "term":
      return expression.term.field === "tenant" && !isTurned
        ? { kind: "any", of: [expression, WITHOUT_TENANT] }
        : expression;
    case "not": {
      const of = orUnknownTenant(expression.of, !isTurned);
      return of === expression.of ? expression : { kind: "not", of };
    }
    default: {
      const of = expression.of.map((each) => orUnknownTenant(each, isTurned));
      return of.every((each, at) => each === expression.of[at]) ? expression : { ...expression, of };
    }
  }
};

const WITHOUT_TENANT = parseFilter("missing:tenant").expression;

/** The period of a filter: microseconds since 1970, ends included. */
export const periodOf = ({ expression }: Filter): readonly [from: number, to: number] => {
  const spans = requiredTerms(expression).flatMap(({ field, within }) => (field === "time" && within ? [within] : []));
  return [
    Math.max(-Infinity, ...spans.map((span) => Math.min(...span.map(([from]) => from)))),
    Math.min(Infinity, ...spans.map((span) => Math.max(...span.map(([, to]) => to)))),
  ];
};
