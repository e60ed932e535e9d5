/** Reads the check values of index keys from the journal, for processes that only read it. */
import { parseFilter } from "../search/filter/filter.ts";
import { IndexKeyDiffers, keyDifferences, type NamedSecrets } from "./key-checks.ts";
import type { KeyChecks } from "../entry.ts";
import type { IndexKeys } from "../redact.ts";
import type { JournalSearch } from "../search/journal-search.ts";

const PAGE = 100;

/** `by`: the index of the entry with the check values; undefined if there is none. */
export type KeyStatement = { readonly checks: KeyChecks; readonly by: number | undefined };

/** The last statement among the indexed entries. */
export const keyStatement = async (search: Pick<JournalSearch, "page">): Promise<KeyStatement> => {
  const filter = parseFilter("kind:start,config,deleted");
  for (let before: number | undefined = Number.MAX_SAFE_INTEGER; before !== undefined;) {
    const { transactions, next }: Awaited<ReturnType<JournalSearch["page"]>> = await search.page(filter, {
      before,
      limit: PAGE,
    });
    for (const {
      entries: [entry],
    } of transactions) {
      // Each such entry has all check values.
      if (entry && "index_keys" in entry && entry.index_keys) return { checks: entry.index_keys, by: entry.index };
    }
    before = next;
  }
  return { checks: {}, by: undefined };
};

/** Check values from the indexed entries; empty before the first entry with check values. */
export const statedKeyChecks = async (search: Pick<JournalSearch, "page">): Promise<KeyChecks> =>
  (await keyStatement(search)).checks;

/** Throws IndexKeyDiffers if a key contradicts the journal's check value. */
export const requireSameKeys = async (
  search: Pick<JournalSearch, "page">,
  keys: IndexKeys,
  known: NamedSecrets = {},
): Promise<void> => {
  const differences = keyDifferences(keys, await statedKeyChecks(search), known);
  if (differences.length > 0) throw new IndexKeyDiffers(differences);
};
