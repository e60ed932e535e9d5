/**
 * What a look-up of a person cannot cover: requests that may be about the person and name nobody, in the period and for the tenant that were asked
 * about. Where there is one, "nothing found" does not mean that nothing was asked for.
 */
import { bothOf, needed, parseFilter, type Expression, type Filter } from "./filter.ts";
import type { Counted, Finder } from "./search.ts";
import type { TimeLimit } from "./search/time-limit.ts";
import { filterFor, type Person, type Wanted } from "./spellings.ts";

export type Uncovered = Counted & {
  /** A sentence without a full stop. */
  readonly says: string;
  /** With which `audit search` lists them. */
  readonly filter: string;
};

type Row = {
  readonly filter: string;
  readonly what?: string;
  readonly says: (count: string, are: (one: string, many: string) => string) => string;
};

/** Beyond its tenant's budget a client's refused requests are counted and are no entries; Do-Not-Calls always are. */
const FLOODS: Row = {
  filter: "kind:flood client:* -action:DoNotCall",
  what: "count",
  says: (counts, are) =>
    `${counts} of refused requests that have no entries of their own ${are("names", "name")} nobody`,
};

/** Of identical refused Do-Not-Calls all but the first are counted; the first may lie before the period. */
const repeated = (missing: string, named: string): Row => ({
  filter: `${missing} kind:flood action:DoNotCall`,
  what: "count",
  says: (counts, are) =>
    `${counts} of Do-Not-Calls that were refused like an earlier one ${are("names", "name")} no ${named}`,
});

const ROWS: Readonly<Record<Person["kind"], readonly Row[]>> = {
  phone: [
    {
      filter: "missing:phone action:DoNotCall resource:records",
      says: (dnc, are) => `${dnc} by record handle ${are("names", "name")} no number`,
    },
    {
      filter: "missing:phone action:DoNotCall resource:customer_ids",
      says: (dnc, are) => `${dnc} by customer id ${are("names", "name")} no number`,
    },
    {
      filter: "missing:phone action:DoNotCall -resource:records,customer_ids",
      says: (dnc, are) => `${dnc} by phone number ${are("has", "have")} no token (audit.redact.phone was drop)`,
    },
    {
      filter: "missing:phone -action:DoNotCall",
      says: (others, are) => `${others} by record handle or customer id ${are("names", "name")} no number`,
    },
    {
      filter: "missing:chain",
      says: (chains, are) =>
        `${chains} for a whole chain of records (AllChain) ${are("names", "name")} at most one number of it`,
    },
    repeated("missing:phone", "number"),
    FLOODS,
  ],
  customer_id: [
    {
      filter: "missing:customer action:DoNotCall resource:records",
      says: (dnc, are) => `${dnc} by record handle ${are("names", "name")} no customer id`,
    },
    {
      filter: "missing:customer action:DoNotCall resource:phones",
      says: (dnc, are) => `${dnc} by phone number ${are("names", "name")} no customer id`,
    },
    {
      filter: "missing:customer action:DoNotCall -resource:records,phones",
      says: (dnc, are) => `${dnc} by customer id ${are("has", "have")} no token (audit.redact.customer_id was drop)`,
    },
    {
      filter: "missing:customer -action:DoNotCall",
      says: (others, are) => `${others} by record handle or phone number ${are("names", "name")} no customer id`,
    },
    repeated("missing:customer", "customer id"),
    FLOODS,
  ],
};

type Asked = { readonly person: Person; readonly wanted: Wanted; readonly filter: Filter };

/** Only what there is; the Do-Not-Calls by record handle come first. */
export const uncoveredBy = async (
  finder: Finder,
  { person, wanted, filter }: Asked,
  timeLimit?: TimeLimit,
): Promise<Uncovered[]> => {
  const all: Filter = { text: filter.text, expression: orUnknownTenant(filter.expression) };
  const single = bothOf(NO_COUNT, all);
  const found: Uncovered[] = [];
  for (const row of ROWS[person.kind]) {
    const within = row.filter.includes("kind:flood") ? all : single;
    const fitting = await finder.count(bothOf(parseFilter(row.filter), within), timeLimit);
    // A chain's one that names the person is found.
    const isChain = row.filter.startsWith("missing:chain");
    const named = isChain
      ? await finder.count(bothOf(parseFilter(`${row.filter} ${filterFor(person, wanted)}`), within), timeLimit)
      : NONE;
    const counted = { ...fitting, count: fitting.count - named.count, refused: fitting.refused - named.refused };
    // Where not all were counted, those that are left may name somebody else.
    if (counted.count > 0 || counted.more) found.push(uncovered(row, counted, filter));
  }
  const nameless = await tenantless(finder, { person, wanted, filter }, timeLimit);
  return nameless ? [...found, nameless] : found;
};

const NO_COUNT = parseFilter("-kind:flood");
const NONE: Counted = { count: 0, refused: 0 };

/** Refused before the tenant was known, so that it may be this tenant's. */
const tenantless = async (
  finder: Finder,
  { person, wanted, filter }: Asked,
  timeLimit: TimeLimit | undefined,
): Promise<Uncovered | undefined> => {
  const within = orUnknownTenant(filter.expression);
  if (within === filter.expression) return undefined;
  const row: Row = {
    filter: "missing:tenant",
    says: (requests, are) => `${requests} of this person ${are("was", "were")} refused before the tenant was known`,
  };
  const named = parseFilter(`missing:tenant ${filterFor(person, wanted)}`);
  const asked: Expression = { kind: "all", of: [within, { kind: "not", of: filter.expression }] };
  const counted = await finder.count(bothOf(named, { text: filter.text, expression: asked }), timeLimit);
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
        : `${sentence}; the gateway refused ${refused === count ? (isOne ? "it" : "all of them") : `${refused} of them`}`,
    filter: bothOf(parseFilter(filter), within).text,
  };
};

const wordFor = (filter: string): string =>
  filter.includes(" action:DoNotCall") ? "Do-Not-Call" : filter.includes(" -action:") ? "other request" : "request";

/** A request whose tenant is not known may be that of any. */
const orUnknownTenant = (expression: Expression, isTurned = false): Expression => {
  switch (expression.kind) {
    case "term":
      return expression.term.fact === "tenant" && !isTurned
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

/** Microseconds since 1970 between which what the filter asks for must lie, ends included. */
export const periodOf = ({ expression }: Filter): readonly [from: number, to: number] => {
  const spans = needed(expression).flatMap(({ fact, within }) => (fact === "time" && within ? [within] : []));
  return [
    Math.max(-Infinity, ...spans.map((span) => Math.min(...span.map(([from]) => from)))),
    Math.min(Infinity, ...spans.map((span) => Math.max(...span.map(([, to]) => to)))),
  ];
};
