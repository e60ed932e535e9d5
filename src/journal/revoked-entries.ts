/** What is revoked as the journal's entries say it, for who reads the journal and does not write it. */
import { parseFilter } from "./filter.ts";
import type { Entry } from "./entry.ts";
import { RevokedSet } from "./revoked.ts";
import type { Finder } from "./search.ts";

const PAGE = 200;

/** Of what the finder took in. */
export const revokedIn = async (finder: Pick<Finder, "page">): Promise<RevokedSet> => {
  const set = new RevokedSet();
  for (const entry of (await backToStatement(finder)).toReversed()) {
    set.took(entry);
    set.settled(entry);
  }
  return set;
};

/** Youngest first, back to the first entry that states all. */
const backToStatement = async (finder: Pick<Finder, "page">): Promise<Entry[]> => {
  const filter = parseFilter("kind:config,deleted");
  const entries: Entry[] = [];
  for (let before: number | undefined = Number.MAX_SAFE_INTEGER; before !== undefined;) {
    const { stories, next }: Awaited<ReturnType<Finder["page"]>> = await finder.page(filter, { before, limit: PAGE });
    for (const {
      entries: [entry],
    } of stories) {
      if (!entry) continue;
      entries.push(entry);
      if ("revocations" in entry && entry.revocations) return entries;
    }
    before = next;
  }
  return entries;
};
