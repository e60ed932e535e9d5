/**
 * What the words of a filter are held against. A word of a closed set that is none of it is a mistake, and an error. A
 * name that nobody knows may be one that the journal alone still has: it is looked for there, and what is not found is
 * said beside the answer.
 */
import { parseFilter, termsOf, type Filter } from "../filter.ts";
import { FilterError } from "./error.ts";
import type { Asked, Known } from "./keys.ts";
import { nearestOf } from "./text.ts";
import { windowOf } from "./windows.ts";
import type { Tenant } from "../entry.ts";

export type Vocabulary = {
  /** Every action and every code that there is. */
  readonly actions: readonly string[];
  readonly codes: readonly string[];
  /** The names that the config has, as facts have them. */
  readonly names: Readonly<Partial<Record<Known, readonly (string | Tenant)[]>>>;
};

/** What `would` and `code` hold are codes. */
const CLOSED: Partial<Record<Known, "actions" | "codes">> = { action: "actions", code: "codes", would: "codes" };

/** Facts whose values are names, and what such a name is called. */
const NAMED: Partial<Record<Known, string>> = {
  tenant: "tenant",
  client: "client",
  credential: "credential",
  source: "source address",
  listener: "listener",
  list: "calling list",
  group: "campaign group",
  campaign: "campaign",
  upstream: "upstream",
  lane: "lane",
  endpoint: "endpoint",
  config: "config hash",
};

/**
 * A filter that a person wrote. Throws FilterError, also for an action or a code that there is not. `now`:
 * milliseconds since 1970.
 */
export const readFilter = (text: string, vocabulary: Vocabulary, now?: number): Filter => {
  const filter = parseFilter(text, now);
  for (const term of termsOf(filter.expression)) {
    const set = CLOSED[term.fact];
    if (set) for (const value of term.values) requireKnown(value, vocabulary[set], text);
  }
  return filter;
};

const CODE = /^(?:OCSGW-)?(\d{4})$/i;

const requireKnown = ({ text: word, at, length, holds }: Asked, known: readonly string[], text: string): void => {
  if (known.some(holds)) return;
  // Of a code only its number is compared: what all begin with would make every code a near one.
  const code = CODE.exec(word)?.[1];
  const near =
    code === undefined
      ? nearestOf(word, known)
      : nearestOf(
          code,
          known.map((each) => each.replace(CODE, "$1")),
          (number) => `OCSGW-${number}`,
        );
  const help = near ?? `known here: ${known.join(", ")}`;
  throw new FilterError(`unknown word ${JSON.stringify(word.slice(0, 40))}`, { text, at, length, help });
};

/** A name that the config does not have. Plain values: it is asked of another thread. */
export type UnknownName = {
  /** A filter of it alone. */
  readonly filter: string;
  readonly noun: string;
  /** The config has names of this sort. */
  readonly isListed: boolean;
  readonly help: string | undefined;
};

export const unknownNames = ({ text, expression }: Filter, { names }: Vocabulary): readonly UnknownName[] =>
  termsOf(expression).flatMap((term) => {
    const noun = NAMED[term.fact];
    if (noun === undefined) return [];
    const listed = names[term.fact];
    return term.values
      .filter(({ holds }) => !listed?.some(holds))
      .map((value): UnknownName => ({
        filter: `${term.key}:${text.slice(value.at, value.at + value.length)}`,
        noun,
        isListed: listed !== undefined,
        help: nearestOf(value.text, listed?.map((name) => writtenAs(name, value)) ?? []),
      }));
  });

const writtenAs = (name: string | Tenant, { text }: Asked): string =>
  typeof name === "string" ? name : /^\d+$/.test(text) ? String(name.dbid) : name.name;

/**
 * `found`: whether the journal has it; undefined when it was not searched to the end. Undefined where there is nothing
 * to warn of.
 */
export const warningOf = (
  { filter, noun, isListed, help }: UnknownName,
  found: boolean | undefined,
): string | undefined => {
  if (found) return undefined;
  const where = [isListed ? "in the config" : undefined, found === false ? "in the journal" : undefined].filter(
    (part) => part !== undefined,
  );
  const known = where.length === 0 ? "" : `there is no such ${noun} ${where.join(" or ")}`;
  const open = found === false ? "" : `whether the journal has such a ${noun} was not found out in time`;
  return `${filter}: ${[known, open, help].filter((part) => part !== undefined && part !== "").join("; ")}`;
};

/** A sentence for what a filter asks and cannot be found yet. `now`: milliseconds since 1970. */
export const futureWarning = ({ expression }: Filter, now: number = Date.now()): readonly string[] => {
  const [first] = windowOf(expression, (_place, message) => new Error(message));
  return first && first[0] > now * 1000 ? ["the filter asks for a time that lies in the future"] : [];
};
