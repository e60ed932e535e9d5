/**
 * Looking for a person's requests: what was found, and what that means when nothing was. A result says which period and which keys were
 * searched and where the journal has a gap in it, because "nothing there" is only worth as much as that.
 */
import { bothOf, parseFilter, type Filter } from "./filter.ts";
import type { EpochSeen } from "./index.ts";
import type { Finder, PageOptions, Searched } from "./search.ts";
import { filterFor, wantedOf, type Person, type Wanted } from "./spellings.ts";
import type { Story } from "./story.ts";
import type { IndexKeys } from "./redact.ts";
import { writeMicros } from "./time.ts";

export type Epoch = {
  readonly epoch: string;
  /** When tokens of it were written; undefined when none were. */
  readonly first: string | undefined;
  readonly last: string | undefined;
  /** The key is in the config, so its tokens were searched. */
  readonly held: boolean;
};

export type Hole = { readonly from: string; readonly to: string; readonly reason: string };

export type Evidence = {
  readonly spellings: readonly string[];
  readonly tokens: readonly string[];
  readonly searched: Searched;
  readonly epochs: readonly Epoch[];
  /** Times in which something was not recorded, or whose entries are deleted. */
  readonly gaps: readonly Hole[];
  /** Every key is there and there is no gap: what was not found was not recorded. */
  readonly complete: boolean;
};

export type Found = { readonly stories: readonly Story[]; readonly next: number | undefined; readonly evidence: Evidence };

export class NothingToLookFor extends Error {
  override readonly name = "NothingToLookFor";
}

/** `filter` must hold as well. Throws NothingToLookFor when the person's value has no digits or is empty. */
export const lookUp = async (finder: Finder, { person, keys, filter }: { readonly person: Person; readonly keys: IndexKeys; readonly filter: Filter }, options: PageOptions): Promise<Found> => {
  const wanted = wantedOf(person, keys);
  if (!wanted) throw new NothingToLookFor(person.kind === "phone" ? "expected a phone number: digits, with or without + and signs between them" : "expected a customer id");
  const page = await finder.page(bothOf(parseFilter(filterFor(person, wanted)), filter), options);
  return { ...page, evidence: await evidenceOf(finder, wanted) };
};

const evidenceOf = async (finder: Finder, { spellings, tokens, epochs: held }: Wanted): Promise<Evidence> => {
  const searched = await finder.searched();
  const epochs = epochsOf(finder.epochs(), held);
  const gaps = await gapsOf(finder, searched);
  return { spellings, tokens, searched, epochs, gaps, complete: gaps.length === 0 && epochs.every((epoch) => epoch.held) };
};

const epochsOf = (seen: readonly EpochSeen[], held: readonly string[]): Epoch[] => [
  ...seen.map(({ epoch, first_time, last_time }) => ({ epoch, first: writeMicros(first_time), last: writeMicros(last_time), held: held.includes(epoch) })),
  ...held.filter((epoch) => !seen.some((each) => each.epoch === epoch)).map((epoch) => ({ epoch, first: undefined, last: undefined, held: true })),
];

const MOST_GAPS = 1000;

const gapsOf = async (finder: Finder, { from, first }: Searched): Promise<Hole[]> => {
  const { stories } = await finder.page(parseFilter("kind:gap"), { limit: MOST_GAPS });
  const holes = stories.flatMap(({ entries }) => entries.flatMap((entry): Hole[] => (entry.kind === "gap" ? [{ from: entry.from, to: entry.to, reason: entry.reason }] : [])));
  const retired: Hole[] = from > 0 ? [{ from: "the beginning", to: first ?? "now", reason: `entries 0 to ${from - 1} are deleted, as audit.retention says` }] : [];
  return [...retired, ...holes.toReversed()];
};
