/**
 * Searches for the requests of a person, and states what the result covers: the period, the index keys, and the gaps of
 * the journal. "Nothing found" is only as reliable as that.
 */
import { coverageGaps, type CoverageGap } from "./coverage-gaps.ts";
import { bothFilters, parseFilter, type Filter } from "./filter/filter.ts";
import { periodOf, uncoveredBy, type Uncovered } from "./person-coverage.ts";
import type { EpochRange } from "./index/search-index.ts";
import type { JournalSearch, PageOptions, Searched } from "./journal-search.ts";
import { tokenFilter, tokensFor, type Person, type PersonTokens } from "./phone-variants.ts";
import type { Transaction } from "./transaction.ts";
import { IndexKeyDiffers, keyDifferences, type NamedSecrets } from "../integrity/key-checks.ts";
import type { KeyChecks } from "../entry.ts";
import { indexKeysOf, type IndexKey, type IndexKeys } from "../redact.ts";
import { keyStatement } from "../integrity/stated-key-checks.ts";
import { writeMicros } from "../time.ts";

export type Epoch = {
  readonly epoch: string;
  /** The period of its tokens; undefined if there are none. */
  readonly first: string | undefined;
  readonly last: string | undefined;
  /** Whether its tokens were searched: the config has the key, and no check value contradicts it. */
  readonly held: boolean;
  /**
   * same: the secret in the config has the check value of the journal. unused: the journal has no token of this key.
   * unproven: some tokens are older than the check value, so it is unknown whether this secret made them.
   * other: the config has another secret under this name. missing: the config has no such key.
   */
  readonly key: "same" | "unused" | "unproven" | "other" | "missing";
  /** The first index that its check value covers; undefined if there is none. */
  readonly covered_from: number | undefined;
};

export type Evidence = {
  readonly spellings: readonly string[];
  readonly tokens: readonly string[];
  readonly searched: Searched;
  readonly epochs: readonly Epoch[];
  /** Parts of the period without records, or with deleted entries. */
  readonly gaps: readonly CoverageGap[];
  /** Requests that may concern the person but do not identify anyone. */
  readonly uncovered: readonly Uncovered[];
  /**
   * Every key is proven, and there is no gap and nothing uncovered: what was not found was not recorded. Of a scoped
   * search, for the tenants of the scope.
   */
  readonly complete: boolean;
};

export type Found = {
  readonly transactions: readonly Transaction[];
  readonly next: number | undefined;
  readonly evidence: Evidence;
};

export class UnsearchableValue extends Error {
  override readonly name = "UnsearchableValue";
}

/** `known`: secrets by name, for the message of IndexKeyDiffers. */
export type PersonRequest = {
  readonly person: Person;
  readonly keys: IndexKeys;
  readonly filter: Filter;
  readonly known?: NamedSecrets | undefined;
};

/**
 * `filter` must match too. Throws UnsearchableValue if the person's value has neither digits nor letters, and
 * IndexKeyDiffers if none of the keys is the journal's.
 */
export const searchPerson = async (
  search: JournalSearch,
  { person, keys, filter, known }: PersonRequest,
  options: PageOptions,
): Promise<Found> => {
  const asked = await preparePersonQuery(search, { person, keys, filter, known });
  const page = await search.page(bothFilters(parseFilter(tokenFilter(person, asked.wanted)), filter), options);
  return { ...page, evidence: await evidenceOf(search, asked, options) };
};

type Known = {
  readonly keys: readonly IndexKey[];
  readonly checks: KeyChecks;
  readonly known?: NamedSecrets | undefined;
};
/** `statedBy`: the index of the entry with the check values. */
type Stating = { readonly statedBy: number | undefined };

/** A person as tokens. `filter`: must match too. */
export type PersonQuery = Known &
  Stating & { readonly person: Person; readonly wanted: PersonTokens; readonly filter: Filter };

/** Throws as `searchPerson` does. */
export const preparePersonQuery = async (
  search: Pick<JournalSearch, "page">,
  { person, keys, filter, known }: PersonRequest,
): Promise<PersonQuery> => {
  const { checks, by: statedBy } = await keyStatement(search);
  const all: Known = { keys: indexKeysOf(keys), checks, known };
  const wanted = tokensFor(person, searchable(all));
  if (!wanted)
    throw new UnsearchableValue(
      person.kind === "phone"
        ? "expected a phone number (digits, with or without + and punctuation) or an address"
        : "expected a customer id",
    );
  return { ...all, statedBy, person, wanted, filter };
};

/** Keys that contradict a check value are left out: their tokens match nobody. */
const searchable = ({ keys, checks, known }: Known): readonly IndexKey[] => {
  const differences = keyDifferences(keys, checks, known);
  const fit = keys.filter(({ epoch }) => !differences.some((each) => each.epoch === epoch));
  if (fit.length === 0) throw new IndexKeyDiffers(differences);
  return fit;
};

/** Whether all tokens of the journal were searched, each with a key that is known to have made it. */
export const areKeysProven = ({ epochs }: Pick<Evidence, "epochs">): boolean =>
  epochs.every(({ key }) => key === "same" || key === "unused");

/**
 * What the result for this person covers, independent of what was found. With a scope, `uncovered` counts only what its
 * people may see; the rest is still about the whole journal.
 */
export const evidenceOf = async (
  search: JournalSearch,
  asked: PersonQuery,
  { timeLimit, scope }: Pick<PageOptions, "timeLimit" | "scope"> = {},
): Promise<Evidence> => {
  const { spellings, tokens, epochs: held } = asked.wanted;
  const searched = await search.searched();
  // Check values from an entry that may have been changed prove nothing.
  const checks = (await isStatementSound(search, asked)) ? asked.checks : {};
  const epochs = epochsOf(await search.epochs(), { ...asked, checks, held, searched });
  const gaps = await coverageGaps(search, searched, periodOf(asked.filter));
  const uncovered = await uncoveredBy(search, asked, timeLimit, scope);
  const complete = gaps.length === 0 && uncovered.length === 0 && areKeysProven({ epochs });
  return { spellings, tokens, searched, epochs, gaps, uncovered, complete };
};

/** An entry that no checkpoint covers yet has a checksum, which was verified when it was read. */
const isStatementSound = async (search: JournalSearch, { statedBy }: Stating): Promise<boolean> => {
  if (statedBy === undefined) return true;
  const [stated] = await search.entriesWithProof(ALL, 1, statedBy + 1);
  return stated?.entry.index === statedBy && stated.proof !== "unproved";
};

const ALL = parseFilter("");

type SearchedKeys = Known & { readonly held: readonly string[]; readonly searched: Searched };

const epochsOf = (all: readonly EpochRange[], { keys, checks, held, searched }: SearchedKeys): Epoch[] => {
  // Tokens of deleted entries can no longer be found.
  const seen = all.filter(({ last }) => last >= searched.from);
  const unseen = keys.filter(({ epoch }) => !seen.some((each) => each.epoch === epoch));
  const keyOf = (epoch: string, first: number): Epoch["key"] => {
    if (!keys.some((each) => each.epoch === epoch)) return "missing";
    if (!held.includes(epoch)) return "other";
    return Math.max(first, searched.from) < (checks[epoch]?.from ?? Number.POSITIVE_INFINITY) ? "unproven" : "same";
  };
  return [
    ...seen.map(({ epoch, first, first_time, last_time }) => ({
      epoch,
      first: writeMicros(first_time),
      last: writeMicros(last_time),
      held: held.includes(epoch),
      key: keyOf(epoch, first),
      covered_from: checks[epoch]?.from,
    })),
    ...unseen.map(({ epoch }) => ({
      epoch,
      first: undefined,
      last: undefined,
      held: held.includes(epoch),
      key: held.includes(epoch) ? ("unused" as const) : ("other" as const),
      covered_from: checks[epoch]?.from,
    })),
  ];
};
