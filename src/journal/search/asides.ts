/**
 * What a search cannot read because it was set aside, as the entries say. A segment that was put back from a copy is
 * read again.
 */
import { nodeDisk } from "../disk.ts";
import { parseFilter, type Filter } from "../filter.ts";
import { places } from "../places.ts";
import { segmentsIn } from "../segment.ts";
import type { Story } from "../story.ts";
import { readMicros } from "../time.ts";

/**
 * Entries from `from` to before `to`. `oldest`, `youngest`: as in the entry, RFC 3339. `entry`: the index of the entry
 * that says so.
 */
export type AsideSpan = {
  readonly from: number;
  readonly to: number;
  readonly oldest: string | null;
  readonly youngest: string | null;
  readonly entry: number;
  /** Open Do-Not-Calls in it that nobody can tell any more; null where it is not known whether there are any. */
  readonly lost: number | null;
};

type Page = (filter: Filter, options: { readonly limit: number }) => Promise<{ readonly stories: readonly Story[] }>;

const SET_ASIDE = parseFilter("kind:set-aside");
const DELETED = parseFilter("kind:deleted");
const MOST = 1000;

/** Ascending. */
export const asidesOf = async (dir: string, page: Page): Promise<readonly AsideSpan[]> => {
  const { stories } = await page(SET_ASIDE, { limit: MOST });
  return stories.length === 0 ? [] : spansOf(dir, [...stories, ...(await page(DELETED, { limit: 1 })).stories]);
};

/** The same for who goes through all entries. */
export class AsideWatch {
  readonly #stories: Story[] = [];

  see(story: Story): void {
    const kind = story.entries[0]?.kind;
    if (kind === "set-aside" || kind === "deleted") this.#stories.unshift(story);
  }

  spans(dir: string): Promise<readonly AsideSpan[]> {
    return spansOf(dir, this.#stories);
  }
}

/** The youngest first. */
const spansOf = async (dir: string, stories: readonly Story[]): Promise<readonly AsideSpan[]> => {
  const entries = stories.flatMap((story) => story.entries);
  const there = new Set(segmentsIn(await nodeDisk.list(places(dir).segments)));
  const gone = entries.find((entry) => entry.kind === "deleted")?.to ?? 0;
  const spans = new Map<number, AsideSpan>();
  for (const entry of entries.toReversed()) {
    if (entry.kind !== "set-aside") continue;
    // An entry that was set aside itself is known from a later one.
    for (const { from, to, by } of entry.before) if (!spans.has(from)) spans.set(from, { from, to, oldest: null, youngest: null, entry: by, lost: null });
    const { from, to, oldest, youngest, lost, index } = entry;
    spans.set(from, { from, to, oldest, youngest, entry: index, lost });
  }
  return [...spans.values()].filter(({ from, to }) => !there.has(from) && to > gone).toSorted((one, other) => one.from - other.from);
};

/** Those that may have entries of the period: microseconds since 1970, ends included. */
export const asidesWithin = (spans: readonly AsideSpan[], [since, until]: readonly [from: number, to: number]): readonly AsideSpan[] =>
  spans.filter(({ oldest, youngest }) => (oldest === null || readMicros(oldest) <= until) && (youngest === null || readMicros(youngest) >= since));

/** A sentence without a full stop. */
export const saysAside = ({ from, to, oldest, youngest, entry }: AsideSpan): string =>
  `entries ${from} to ${to - 1} (from ${oldest ?? "the beginning"} to ${youngest ?? "now"}) were damaged and are set aside, as entry ${entry} says`;
