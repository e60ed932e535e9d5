/** Checks whether the journal contains names of a filter that the config does not have, and warns about the others. */
import { evaluate, parseFilter, type Filter } from "./filter/filter.ts";
import type { Expression } from "./filter/keys.ts";
import { futureTimeWarning, unknownNameWarning, type UnknownName } from "./filter/vocabulary.ts";
import type { JournalSearch, PageOptions } from "./journal-search.ts";
import { partFor, type Scope } from "./scope/part.ts";
import { fieldsOf, type Fields, type Transaction } from "./transaction.ts";
import { TimeLimit, SearchTimeout } from "./worker/time-limit.ts";

/** For all names of a filter together, milliseconds. */
const MOST_MS = 1000;

/** Warnings for a page of the filter: names that neither config nor journal has, and times in the future. */
export const warningsFor = async (
  search: JournalSearch,
  filter: Filter,
  names: readonly UnknownName[],
  transactions: readonly Transaction[],
  scope?: Scope,
): Promise<readonly string[]> => {
  const watch = new UnknownNameCheck(names);
  for (const transaction of transactions) {
    const fields = scope ? partFor(scope, transaction)?.fields : fieldsOf(transaction);
    if (fields) watch.add(fields);
  }
  const limit = new TimeLimit(MOST_MS);
  const warnings = [...futureTimeWarning(filter)];
  for (const name of watch.unseen) {
    const warning = unknownNameWarning(name, await isInJournal(search, name, { timeLimit: limit, scope }));
    if (warning !== undefined) warnings.push(warning);
  }
  return warnings;
};

const isInJournal = async (
  search: JournalSearch,
  { filter }: UnknownName,
  options: Pick<PageOptions, "timeLimit" | "scope">,
): Promise<boolean | undefined> => {
  try {
    return (await search.page(parseFilter(filter), { ...options, limit: 1 })).transactions.length > 0;
  } catch (error) {
    if (error instanceof SearchTimeout) return undefined;
    throw error;
  }
};

/** For a caller that reads all entries: finds the names that no transaction has. */
export class UnknownNameCheck {
  #open: readonly { readonly name: UnknownName; readonly expression: Expression }[];

  constructor(names: readonly UnknownName[]) {
    this.#open = names.map((name) => ({ name, expression: parseFilter(name.filter).expression }));
  }

  add(fields: Fields): void {
    if (this.#open.some(({ expression }) => evaluate(expression, fields)))
      this.#open = this.#open.filter(({ expression }) => !evaluate(expression, fields));
  }

  get unseen(): readonly UnknownName[] {
    return this.#open.map(({ name }) => name);
  }

  /** Call it after the last transaction. */
  warnings(): readonly string[] {
    return this.unseen.flatMap((name) => unknownNameWarning(name, false) ?? []);
  }
}
