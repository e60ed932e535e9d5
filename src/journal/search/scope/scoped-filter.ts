/**
 * A filter of people who may see single tenants only is evaluated on what they may see, so that no filter finds out
 * what the rest contains. Their tenants are a part of the expression, which no text of theirs can escape.
 */
import { allTerms, evaluate } from "../filter/filter.ts";
import type { Expression, Term } from "../filter/keys.ts";
import type { Transaction } from "../transaction.ts";
import { isShown, LEFT_OUT, partFor, type Scope, type ScopedPart } from "./part.ts";

/** Undefined if people of this scope may not see the transaction, or if what they may see of it does not match. */
export const matchingPart = (
  scope: Scope,
  filter: Expression,
  transaction: Pick<Transaction, "entries">,
): ScopedPart | undefined => {
  const part = partFor(scope, transaction);
  return part && evaluate(filter, part.fields) === true ? part : undefined;
};

/** A filter for whole transactions that matches at least those whose part matches `filter`. */
export const candidateFilter = ({ tenants }: Scope, filter: Expression): Expression => ({
  kind: "all",
  of: [{ kind: "term", term: tenantTerm(tenants) }, widened(filter, false)],
});

/** A filter that matches as many whole transactions as there are matching parts; undefined if only parts can tell. */
export const countedFilter = (scope: Scope | undefined, filter: Expression): Expression | undefined => {
  if (!scope) return filter;
  if (allTerms(filter).some(({ field }) => LEFT_OUT.has(field))) return undefined;
  return { kind: "all", of: [candidateFilter(scope, filter), { kind: "term", term: SHOWN_KINDS }] };
};

const SHOWN_KINDS: Term = {
  key: "kind",
  field: "kinds",
  values: [],
  matches: ({ kinds }) => kinds.every(isShown),
};

const tenantTerm = (tenants: readonly number[]): Term => ({
  key: "tenant",
  field: "tenant",
  values: [],
  matches: ({ tenant }) => tenant !== undefined && tenants.includes(tenant.dbid),
});

const NEVER: Expression = { kind: "any", of: [] };

/** A negated term matches a part that lacks the field, whatever the transaction has. */
const widened = (filter: Expression, isNegated: boolean): Expression => {
  if (filter.kind === "not") return { kind: "not", of: widened(filter.of, !isNegated) };
  if (filter.kind === "term") return isNegated && LEFT_OUT.has(filter.term.field) ? NEVER : filter;
  return { kind: filter.kind, of: filter.of.map((each) => widened(each, isNegated)) };
};
