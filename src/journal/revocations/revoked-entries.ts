/** The revocations that the journal's entries state, for processes that read the journal and do not write it. */
import { parseFilter } from "../search/filter/filter.ts";
import type { Entry } from "../entry.ts";
import { RevokedSet } from "./revoked-set.ts";
import type { JournalSearch } from "../search/journal-search.ts";

const PAGE = 200;

/** From the entries in the index. */
export const revokedIn = async (search: Pick<JournalSearch, "page">): Promise<RevokedSet> => {
  const set = new RevokedSet();
  for (const entry of (await backToStatement(search)).toReversed()) {
    set.accept(entry);
    set.settled(entry);
  }
  return set;
};

/** Newest first, back to the first entry that states all revocations. */
const backToStatement = async (search: Pick<JournalSearch, "page">): Promise<Entry[]> => {
  const filter = parseFilter("kind:config,deleted");
  const entries: Entry[] = [];
  for (let before: number | undefined = Number.MAX_SAFE_INTEGER; before !== undefined;) {
    const { transactions, next }: Awaited<ReturnType<JournalSearch["page"]>> = await search.page(filter, {
      before,
      limit: PAGE,
    });
    for (const {
      entries: [entry],
    } of transactions) {
      if (!entry) continue;
      entries.push(entry);
      if ("revocations" in entry && entry.revocations) return entries;
    }
    before = next;
  }
  return entries;
};
