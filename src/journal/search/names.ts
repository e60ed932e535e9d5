/**
 * Whether the journal has the names of a filter that the config does not have: what it does not have either is said
 * beside the answer.
 */
import { judge, parseFilter, type Expression, type Filter } from "../filter.ts";
import { futureWarning, warningOf, type UnknownName } from "../filter/vocabulary.ts";
import type { Finder } from "../search.ts";
import { factsOf, type Facts, type Story } from "../story.ts";
import { TimeLimit, TookTooLong } from "./time-limit.ts";

/** For all names of a filter together. */
const MOST_MS = 1000;

/**
 * Besides a page of the filter: a sentence for each of these names that nobody knows, and for a time that has not
 * come.
 */
export const warningsFor = async (
  finder: Finder,
  filter: Filter,
  names: readonly UnknownName[],
  stories: readonly Story[],
): Promise<readonly string[]> => {
  const watch = new NameWatch(names);
  for (const story of stories) watch.see(factsOf(story));
  const limit = new TimeLimit(MOST_MS);
  const warnings = [...futureWarning(filter)];
  for (const name of watch.unseen) {
    const warning = warningOf(name, await isThere(finder, name, limit));
    if (warning !== undefined) warnings.push(warning);
  }
  return warnings;
};

const isThere = async (finder: Finder, { filter }: UnknownName, timeLimit: TimeLimit): Promise<boolean | undefined> => {
  try {
    return (await finder.page(parseFilter(filter), { limit: 1, timeLimit })).stories.length > 0;
  } catch (error) {
    if (error instanceof TookTooLong) return undefined;
    throw error;
  }
};

/** For who reads everything: which of the names no story had. */
export class NameWatch {
  #open: readonly { readonly name: UnknownName; readonly expression: Expression }[];

  constructor(names: readonly UnknownName[]) {
    this.#open = names.map((name) => ({ name, expression: parseFilter(name.filter).expression }));
  }

  see(facts: Facts): void {
    if (this.#open.some(({ expression }) => judge(expression, facts)))
      this.#open = this.#open.filter(({ expression }) => !judge(expression, facts));
  }

  get unseen(): readonly UnknownName[] {
    return this.#open.map(({ name }) => name);
  }

  /** When every story was seen. */
  warnings(): readonly string[] {
    return this.unseen.flatMap((name) => warningOf(name, false) ?? []);
  }
}
