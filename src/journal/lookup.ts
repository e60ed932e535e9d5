/**
 * Looking for a person's requests: what was found, and what that means when nothing was. A result says which period and which keys were
 * searched and where the journal has a gap in it, because "nothing there" is only worth as much as that.
 */
import { bothOf, parseFilter, type Filter } from "./filter.ts";
import type { EpochSeen } from "./index.ts";
import type { Finder, PageOptions, Searched } from "./search.ts";
import { filterFor, wantedOf, type Person, type Wanted } from "./spellings.ts";
import type { Story } from "./story.ts";
import { IndexKeyDiffers, keyDifferences, type KeyChecks, type NamedSecrets } from "./key-checks.ts";
import { indexKeysOf, type IndexKey, type IndexKeys } from "./redact.ts";
import { statedKeyChecks } from "./stated-key-checks.ts";
import { writeMicros } from "./time.ts";

export type Epoch = {
  readonly epoch: string;
  /** When tokens of it were written; undefined when none were. */
  readonly first: string | undefined;
  readonly last: string | undefined;
  /** Its tokens were searched: the key is in the config, and is not known to be another one. */
  readonly held: boolean;
  /**
   * same: the secret in the config has the check value that the journal states. unused: the journal has no token of it.
   * unproven: tokens of it are older than its check value, so whether this secret made them cannot be told.
   * other: the config has another secret under this name. missing: the config has none.
   */
  readonly key: "same" | "unused" | "unproven" | "other" | "missing";
  /** The first index that its check value covers; undefined while there is none. */
  readonly covered_from: number | undefined;
};

export type Hole = { readonly from: string; readonly to: string; readonly reason: string };

export type Evidence = {
  readonly spellings: readonly string[];
  readonly tokens: readonly string[];
  readonly searched: Searched;
  readonly epochs: readonly Epoch[];
  /** Times in which something was not recorded, or whose entries are deleted. */
  readonly gaps: readonly Hole[];
  /** Every key is there and proven, and there is no gap: what was not found was not recorded. */
  readonly complete: boolean;
};

export type Found = { readonly stories: readonly Story[]; readonly next: number | undefined; readonly evidence: Evidence };

export class NothingToLookFor extends Error {
  override readonly name = "NothingToLookFor";
}

/** `known`: secrets by name, for the message of IndexKeyDiffers. */
export type LookUp = { readonly person: Person; readonly keys: IndexKeys; readonly filter: Filter; readonly known?: NamedSecrets };

/**
 * `filter` must hold as well. Throws NothingToLookFor when the person's value has no digits or is empty, and
 * IndexKeyDiffers when not one of the keys is the journal's.
 */
export const lookUp = async (finder: Finder, { person, keys, filter, known }: LookUp, options: PageOptions): Promise<Found> => {
  const asked: Asked = { keys: indexKeysOf(keys), checks: await statedKeyChecks(finder), known };
  const wanted = wantedOf(person, searchable(asked));
  if (!wanted) throw new NothingToLookFor(person.kind === "phone" ? "expected a phone number: digits, with or without + and signs between them" : "expected a customer id");
  const page = await finder.page(bothOf(parseFilter(filterFor(person, wanted)), filter), options);
  return { ...page, evidence: await evidenceOf(finder, wanted, asked) };
};

type Asked = { readonly keys: readonly IndexKey[]; readonly checks: KeyChecks; readonly known?: NamedSecrets | undefined };

/** What another secret under the name of a key makes are tokens of nobody. */
const searchable = ({ keys, checks, known }: Asked): readonly IndexKey[] => {
  const differences = keyDifferences(keys, checks, known);
  const fit = keys.filter(({ epoch }) => !differences.some((each) => each.epoch === epoch));
  if (fit.length === 0) throw new IndexKeyDiffers(differences);
  return fit;
};

/** Whether every token that the journal has could be searched for, by a key that is known to be the one that made it. */
export const areKeysProven = ({ epochs }: Pick<Evidence, "epochs">): boolean => epochs.every(({ key }) => key === "same" || key === "unused");

const evidenceOf = async (finder: Finder, { spellings, tokens, epochs: held }: Wanted, asked: Asked): Promise<Evidence> => {
  const searched = await finder.searched();
  const epochs = epochsOf(finder.epochs(), { ...asked, held, searched });
  const gaps = await gapsOf(finder, searched);
  return { spellings, tokens, searched, epochs, gaps, complete: gaps.length === 0 && areKeysProven({ epochs }) };
};

type Held = Asked & { readonly held: readonly string[]; readonly searched: Searched };

const epochsOf = (all: readonly EpochSeen[], { keys, checks, held, searched }: Held): Epoch[] => {
  // Tokens of entries that are deleted are nobody's any more.
  const seen = all.filter(({ last }) => last >= searched.from);
  const unseen = keys.filter(({ epoch }) => !seen.some((each) => each.epoch === epoch));
  const keyOf = (epoch: string, first: number): Epoch["key"] => {
    if (!keys.some((each) => each.epoch === epoch)) return "missing";
    if (!held.includes(epoch)) return "other";
    return Math.max(first, searched.from) < (checks[epoch]?.from ?? Number.POSITIVE_INFINITY) ? "unproven" : "same";
  };
  return [
    ...seen.map(({ epoch, first, first_time, last_time }) => ({
      epoch, first: writeMicros(first_time), last: writeMicros(last_time), held: held.includes(epoch),
      key: keyOf(epoch, first), covered_from: checks[epoch]?.from,
    })),
    ...unseen.map(({ epoch }) => ({
      epoch, first: undefined, last: undefined, held: held.includes(epoch),
      key: held.includes(epoch) ? "unused" as const : "other" as const, covered_from: checks[epoch]?.from,
    })),
  ];
};

const MOST_GAPS = 1000;

const gapsOf = async (finder: Finder, { from, first }: Searched): Promise<Hole[]> => {
  const { stories } = await finder.page(parseFilter("kind:gap"), { limit: MOST_GAPS });
  const holes = stories.flatMap(({ entries }) => entries.flatMap((entry): Hole[] => (entry.kind === "gap" ? [{ from: entry.from, to: entry.to, reason: entry.reason }] : [])));
  const retired: Hole[] = from > 0 ? [{ from: "the beginning", to: first ?? "now", reason: `entries 0 to ${from - 1} are deleted, as audit.retention says` }] : [];
  return [...retired, ...holes.toReversed()];
};
