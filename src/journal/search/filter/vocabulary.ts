/**
 * Checks the words of a filter. An unknown word of a closed set is an error. A name that the config does not have may
 * still be in the journal: it is searched there, and a warning says if it is not found.
 */
import { parseFilter, allTerms, type Filter } from "./filter.ts";
import { FilterError } from "./error.ts";
import type { TermValue, FieldName } from "./keys.ts";
import { nearestOf } from "./text.ts";
import { timeWindow } from "./windows.ts";
import type { Tenant } from "../../entry.ts";

export type Vocabulary = {
  /** All actions and all codes. */
  readonly actions: readonly string[];
  readonly codes: readonly string[];
  /** The names in the config, in the form of the fields. */
  readonly names: Readonly<Partial<Record<FieldName, readonly (string | Tenant)[]>>>;
  /** The names are those of some tenants, for people who may see these only. */
  readonly isNarrowed?: true;
};

/** Fields with a closed set of words. */
const CLOSED: Partial<Record<FieldName, "actions" | "codes">> = { action: "actions", code: "codes", would: "codes" };

/** The values of a field that are known: words of a closed set, or names in the config. */
export const knownValues = (field: FieldName, vocabulary: Vocabulary): readonly string[] => {
  const set = CLOSED[field];
  if (set) return vocabulary[set];
  return (vocabulary.names[field] ?? []).map((name) => (typeof name === "string" ? name : name.name));
};

/** Fields whose values are names, with the noun for messages. */
const NAMED: Partial<Record<FieldName, string>> = {
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

/** Parses a user's filter. Throws FilterError, also for an unknown action or code. `now`: milliseconds since 1970. */
export const readFilter = (text: string, vocabulary: Vocabulary, now?: number): Filter => {
  const filter = parseFilter(text, now);
  for (const term of allTerms(filter.expression)) {
    const set = CLOSED[term.field];
    if (set) for (const value of term.values) requireKnown(value, vocabulary[set], text);
  }
  return filter;
};

const CODE = /^(?:OCSGW-)?(\d{4})$/i;

const requireKnown = ({ text: word, at, length, matches }: TermValue, known: readonly string[], text: string): void => {
  if (known.some(matches)) return;
  // Compares only the numbers of codes: the common prefix would make all codes similar.
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

/** A name that the config does not have. Plain values, because another thread searches it. */
export type UnknownName = {
  /** A filter with this name only. */
  readonly filter: string;
  readonly noun: string;
  /** Whether the config has names of this sort. */
  readonly isListed: boolean;
  readonly isNarrowed?: true;
  readonly help: string | undefined;
};

export const unknownNames = ({ text, expression }: Filter, { names, isNarrowed }: Vocabulary): readonly UnknownName[] =>
  allTerms(expression).flatMap((term) => {
    const noun = NAMED[term.field];
    if (noun === undefined) return [];
    const listed = names[term.field];
    return term.values
      .filter(({ matches }) => !listed?.some(matches))
      .map((value): UnknownName => ({
        filter: `${term.key}:${text.slice(value.at, value.at + value.length)}`,
        noun,
        isListed: listed !== undefined,
        ...(isNarrowed && { isNarrowed }),
        help: nearestOf(value.text, listed?.map((name) => writtenAs(name, value)) ?? []),
      }));
  });

const writtenAs = (name: string | Tenant, { text }: TermValue): string =>
  typeof name === "string" ? name : /^\d+$/.test(text) ? String(name.dbid) : name.name;

export const CONFIG_OF_TENANTS = "in the config of your tenants";

/** `found`: whether the journal has the name; undefined if the search was not complete. Undefined if it was found. */
export const unknownNameWarning = (
  { filter, noun, isListed, isNarrowed, help }: UnknownName,
  found: boolean | undefined,
): string | undefined => {
  if (found) return undefined;
  const where = [
    isListed ? (isNarrowed ? CONFIG_OF_TENANTS : "in the config") : undefined,
    found === false ? (isNarrowed ? "in their requests" : "in the journal") : undefined,
  ].filter((part) => part !== undefined);
  const known = where.length === 0 ? "" : `there is no such ${noun} ${where.join(" or ")}`;
  const open = found === false ? "" : `the search for such a ${noun} in the journal was not complete in time`;
  return `${filter}: ${[known, open, help].filter((part) => part !== undefined && part !== "").join("; ")}`;
};

/** A warning if the filter asks for a time in the future. `now`: milliseconds since 1970. */
export const futureTimeWarning = ({ expression }: Filter, now: number = Date.now()): readonly string[] => {
  const [first] = timeWindow(expression, (_place, message) => new Error(message));
  return first && first[0] > now * 1000 ? ["the filter asks for a time in the future"] : [];
};
