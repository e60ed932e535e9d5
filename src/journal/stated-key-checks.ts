/** The check values of index keys as the journal's entries state them, for those who only read the journal. */
import { parseFilter } from "./filter.ts";
import { IndexKeyDiffers, keyDifferences, type KeyChecks, type NamedSecrets } from "./key-checks.ts";
import type { IndexKeys } from "./redact.ts";
import type { Finder } from "./search.ts";

const PAGE = 100;

/** `by`: the index of the entry that states them; undefined where none does. */
export type KeyStatement = { readonly checks: KeyChecks; readonly by: number | undefined };

/** The last one of what the finder took in. */
export const keyStatement = async (finder: Pick<Finder, "page">): Promise<KeyStatement> => {
  const filter = parseFilter("kind:start,config,deleted");
  for (let before: number | undefined = Number.MAX_SAFE_INTEGER; before !== undefined;) {
    const { stories, next }: Awaited<ReturnType<Finder["page"]>> = await finder.page(filter, { before, limit: PAGE });
    for (const {
      entries: [entry],
    } of stories) {
      // Each of them states all.
      if (entry && "index_keys" in entry && entry.index_keys) return { checks: entry.index_keys, by: entry.index };
    }
    before = next;
  }
  return { checks: {}, by: undefined };
};

/** Of what the finder took in. None before the first entry that states some. */
export const statedKeyChecks = async (finder: Pick<Finder, "page">): Promise<KeyChecks> =>
  (await keyStatement(finder)).checks;

/** Throws IndexKeyDiffers when one of the keys is not the one that the journal has under its name. */
export const requireSameKeys = async (
  finder: Pick<Finder, "page">,
  keys: IndexKeys,
  known: NamedSecrets = {},
): Promise<void> => {
  const differences = keyDifferences(keys, await statedKeyChecks(finder), known);
  if (differences.length > 0) throw new IndexKeyDiffers(differences);
};
