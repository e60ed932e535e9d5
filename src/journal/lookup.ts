/**
 * Looking for a person's requests: what was found, and what that means when nothing was. A result says which period and which keys were
 * searched and where the journal has a gap in it, because "nothing there" is only worth as much as that.
 */
import { bothOf, parseFilter, type Filter } from "./filter.ts";
import { periodOf, uncoveredBy, type Uncovered } from "./coverage.ts";
import type { EpochSeen } from "./index.ts";
import type { Finder, PageOptions, Searched } from "./search.ts";
import { saysAside } from "./search/asides.ts";
import type { TimeLimit } from "./search/time-limit.ts";
import { filterFor, wantedOf, type Person, type Wanted } from "./spellings.ts";
import type { Story } from "./story.ts";
import { IndexKeyDiffers, keyDifferences, type KeyChecks, type NamedSecrets } from "./key-checks.ts";
import { indexKeysOf, type IndexKey, type IndexKeys } from "./redact.ts";
import { keyStatement } from "./stated-key-checks.ts";
import { readMicros, writeMicros } from "./time.ts";

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
  /** Times of the period asked about in which something was not recorded, or whose entries are deleted. */
  readonly gaps: readonly Hole[];
  /** Requests that may be about the person and do not say whom they are about. */
  readonly uncovered: readonly Uncovered[];
  /** Every key is there and proven, there is no gap and nothing uncovered: what was not found was not recorded. */
  readonly complete: boolean;
};

export type Found = {
  readonly stories: readonly Story[];
  readonly next: number | undefined;
  readonly evidence: Evidence;
};

export class NothingToLookFor extends Error {
  override readonly name = "NothingToLookFor";
}

/** `known`: secrets by name, for the message of IndexKeyDiffers. */
export type LookUp = {
  readonly person: Person;
  readonly keys: IndexKeys;
  readonly filter: Filter;
  readonly known?: NamedSecrets | undefined;
};

/**
 * `filter` must hold as well. Throws NothingToLookFor when the person's value has neither digits nor letters, and
 * IndexKeyDiffers when not one of the keys is the journal's.
 */
export const lookUp = async (
  finder: Finder,
  { person, keys, filter, known }: LookUp,
  options: PageOptions,
): Promise<Found> => {
  const asked = await askedFor(finder, { person, keys, filter, known });
  const page = await finder.page(bothOf(parseFilter(filterFor(person, asked.wanted)), filter), options);
  return { ...page, evidence: await evidenceOf(finder, asked, options.timeLimit) };
};

type Known = {
  readonly keys: readonly IndexKey[];
  readonly checks: KeyChecks;
  readonly known?: NamedSecrets | undefined;
};
/** `statedBy`: the index of the entry that states the check values. */
type Stating = { readonly statedBy: number | undefined };

/** Who is looked for, by tokens. `filter`: what must hold besides. */
export type Asked = Known & Stating & { readonly person: Person; readonly wanted: Wanted; readonly filter: Filter };

/** Throws as `lookUp` does. */
export const askedFor = async (
  finder: Pick<Finder, "page">,
  { person, keys, filter, known }: LookUp,
): Promise<Asked> => {
  const { checks, by: statedBy } = await keyStatement(finder);
  const all: Known = { keys: indexKeysOf(keys), checks, known };
  const wanted = wantedOf(person, searchable(all));
  if (!wanted)
    throw new NothingToLookFor(
      person.kind === "phone"
        ? "expected a phone number (digits, with or without + and signs between them) or an address"
        : "expected a customer id",
    );
  return { ...all, statedBy, person, wanted, filter };
};

/** What another secret under the name of a key makes are tokens of nobody. */
const searchable = ({ keys, checks, known }: Known): readonly IndexKey[] => {
  const differences = keyDifferences(keys, checks, known);
  const fit = keys.filter(({ epoch }) => !differences.some((each) => each.epoch === epoch));
  if (fit.length === 0) throw new IndexKeyDiffers(differences);
  return fit;
};

/** Whether every token that the journal has could be searched for, by a key that is known to be the one that made it. */
export const areKeysProven = ({ epochs }: Pick<Evidence, "epochs">): boolean =>
  epochs.every(({ key }) => key === "same" || key === "unused");

/** What an answer about this person is worth, whatever was found. */
export const evidenceOf = async (finder: Finder, asked: Asked, timeLimit?: TimeLimit): Promise<Evidence> => {
  const { spellings, tokens, epochs: held } = asked.wanted;
  const searched = await finder.searched();
  // Check values that may be others prove no key.
  const checks = (await isStatementSound(finder, asked)) ? asked.checks : {};
  const epochs = epochsOf(await finder.epochs(), { ...asked, checks, held, searched });
  const gaps = await gapsOf(finder, searched, periodOf(asked.filter));
  const uncovered = await uncoveredBy(finder, asked, timeLimit);
  const complete = gaps.length === 0 && uncovered.length === 0 && areKeysProven({ epochs });
  return { spellings, tokens, searched, epochs, gaps, uncovered, complete };
};

/** What no checkpoint covers yet has the line's checksum, which was looked at. */
const isStatementSound = async (finder: Finder, { statedBy }: Stating): Promise<boolean> => {
  if (statedBy === undefined) return true;
  const [stated] = await finder.statements(ALL, 1, statedBy + 1);
  return stated?.entry.index === statedBy && stated.proof !== "unproved";
};

const ALL = parseFilter("");

type Held = Known & { readonly held: readonly string[]; readonly searched: Searched };

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

const MOST_GAPS = 1000;

/**
 * Those that reach into the period. A clock that was set may have given a deleted entry a later time than the oldest one
 * that is left.
 */
const gapsOf = async (
  finder: Finder,
  { from, first, set_aside: asides, deleted_to }: Searched,
  [since, until]: readonly [from: number, to: number],
): Promise<Hole[]> => {
  const stated = await finder.statements(parseFilter("kind:gap"), MOST_GAPS + 1);
  const gaps = stated.slice(0, MOST_GAPS).flatMap(({ entry, proof }): Hole[] => {
    if (entry.kind !== "gap") return [];
    if (proof === "unproved")
      return [
        {
          from: BEGINNING,
          to: "now",
          reason: `entry ${entry.index} tells of a gap and is not as it was signed; ocsgw audit verify tells more`,
        },
      ];
    return [{ from: entry.from, to: entry.to, reason: entry.reason }];
  });
  const oldest = gaps.at(-1)?.to ?? "now";
  const unlisted: Hole[] =
    stated.length <= MOST_GAPS
      ? []
      : [{ from: BEGINNING, to: oldest, reason: `more than ${MOST_GAPS} gaps; the older ones are not listed` }];
  const lastDeleted = deleted_to === undefined ? "now" : [first ?? "", deleted_to].toSorted().at(-1)!;
  const deleted: Hole[] =
    from === 0
      ? []
      : [{ from: BEGINNING, to: lastDeleted, reason: `entries 0 to ${from - 1} are deleted, as audit.retention says` }];
  const reaches = (hole: Hole): boolean => timeOf(hole.from, -Infinity) <= until && timeOf(hole.to, Infinity) >= since;
  const aside = asides.map((each): Hole => ({
    from: each.oldest ?? BEGINNING,
    to: each.youngest ?? "now",
    reason: saysAside(each),
  }));
  return [...deleted, ...aside, ...unlisted, ...gaps.toReversed()].filter(reaches);
};

const BEGINNING = "the beginning";

const timeOf = (text: string, otherwise: number): number => {
  const micros = readMicros(text);
  return Number.isNaN(micros) ? otherwise : micros;
};
