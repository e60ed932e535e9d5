/** The parts of a period of which the journal has no entries, with the reason of each. */
import { parseFilter } from "./filter/filter.ts";
import type { JournalSearch, Searched } from "./journal-search.ts";
import { aboutRequests, describeDeletedKinds, describeSetAside } from "./missing-segments.ts";
import { readMicros } from "../time.ts";

/** `from`, `to`: RFC 3339, or "the beginning" and "now". */
export type CoverageGap = { readonly from: string; readonly to: string; readonly reason: string };

const MOST_GAPS = 1000;

/**
 * Gaps that overlap the period (microseconds since 1970, ends included). If a clock was set, a deleted entry can have a
 * later time than the oldest remaining one.
 */
export const coverageGaps = async (
  search: JournalSearch,
  { from, first, set_aside: asides, deleted_to, deleted_kinds }: Searched,
  [since, until]: readonly [from: number, to: number],
): Promise<CoverageGap[]> => {
  const stated = await search.entriesWithProof(parseFilter("kind:gap"), MOST_GAPS + 1);
  const gaps = stated.slice(0, MOST_GAPS).flatMap(({ entry, proof }): CoverageGap[] => {
    if (entry.kind !== "gap") return [];
    if (proof === "unproved")
      return [
        {
          from: BEGINNING,
          to: "now",
          reason:
            `entry ${entry.index} records a gap, but was changed after signing; to find out: ` +
            "ocsgw audit verify -c FILE",
        },
      ];
    return [{ from: entry.from, to: entry.to, reason: entry.reason }];
  });
  const oldest = gaps.at(-1)?.to ?? "now";
  const unlisted: CoverageGap[] =
    stated.length <= MOST_GAPS
      ? []
      : [{ from: BEGINNING, to: oldest, reason: `more than ${MOST_GAPS} gaps; the older ones are not listed` }];
  const lastDeleted = deleted_to === undefined ? "now" : [first ?? "", deleted_to].toSorted().at(-1)!;
  const deleted: CoverageGap[] =
    from === 0
      ? []
      : [{ from: BEGINNING, to: lastDeleted, reason: `entries 0 to ${from - 1} are deleted, as audit.retention says` }];
  const reaches = (hole: CoverageGap): boolean =>
    timeOf(hole.from, -Infinity) <= until && timeOf(hole.to, Infinity) >= since;
  const aside = asides.map((each): CoverageGap => ({
    from: each.oldest ?? BEGINNING,
    to: each.youngest ?? "now",
    reason: describeSetAside(each),
  }));
  const kinds = describeDeletedKinds(aboutRequests(deleted_kinds)).map(({ to, text }): CoverageGap => ({
    from: BEGINNING,
    to,
    reason: text,
  }));
  return [...deleted, ...kinds, ...aside, ...unlisted, ...gaps.toReversed()].filter(reaches);
};

const BEGINNING = "the beginning";

const timeOf = (text: string, otherwise: number): number => {
  const micros = readMicros(text);
  return Number.isNaN(micros) ? otherwise : micros;
};
