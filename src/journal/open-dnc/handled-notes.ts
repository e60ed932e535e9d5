/**
 * Notes that an operator has handled an open Do-Not-Call by other means, for example by adding the number to OCS's list
 * by hand. A note is an entry of kind `access` and changes nothing: OCS has still not answered 200, so the Do-Not-Call
 * stays open and listed, but is counted separately. A note belongs to one request: it does not count for a later
 * request with the same subject.
 */
import type { Recorded } from "../entry.ts";
import { parseFilter } from "../search/filter/filter.ts";
import type { JournalSearch } from "../search/journal-search.ts";
import type { TimeLimit } from "../search/worker/time-limit.ts";
import { HANDLED, type Transaction } from "../search/transaction.ts";

export { HANDLED } from "../search/transaction.ts";

/** `id`: of the request that the note is about. `at`: RFC 3339. `entry`: the note's index. */
export type Note = {
  readonly id: string;
  readonly by: string;
  readonly at: string;
  readonly note: string;
  readonly entry: number;
};

const QUERY = /^id:([0-9A-Za-z-]{1,64})$/;

/** The `query` of an entry that is a note about this request. */
export const queryFor = (id: string): string => `id:${id}`;

/** The id of the request that a note with this `query` is about. */
export const notedId = (query: string | undefined): string | undefined => QUERY.exec(query ?? "")?.[1];

/** The fault, in words, of a note about an open Do-Not-Call that must not be written. */
export const noteFault = ({
  query,
  purpose,
}: {
  readonly query?: unknown;
  readonly purpose?: unknown;
}): string | undefined => {
  if (typeof query !== "string" || !QUERY.test(query))
    return "query: expected id: and the id of the request, as in id:01KAPQ8C10QX01KAPQ8C000001";
  return purpose === undefined ? "purpose: expected how the Do-Not-Call was handled" : undefined;
};

const noteIn = (entry: Recorded | undefined): Note | undefined => {
  if (entry?.kind !== "access" || entry.operation !== HANDLED) return undefined;
  const id = notedId(entry.query);
  return id === undefined
    ? undefined
    : { id, by: entry.user, at: entry.time, note: entry.purpose ?? "", entry: entry.index };
};

const PAGE = 500;

/** The last note about each of these open Do-Not-Calls. */
export const notesAbout = async (
  search: Pick<JournalSearch, "page">,
  open: readonly Transaction[],
  timeLimit?: TimeLimit,
): Promise<readonly Note[]> => {
  const tried = open.flatMap(({ entries: [entry] }) =>
    entry ? [entry.kind === "open-dnc" ? entry.last : entry.time] : [],
  );
  if (tried.length === 0) return [];
  const ids = new Set(open.flatMap(({ entries: [entry] }) => (entry && "id" in entry ? [entry.id] : [])));
  // By the facet `action`: look-ups and registrars' handles are entries of that kind too.
  const filter = parseFilter(`kind:access action:${HANDLED} since:${tried.toSorted()[0]!}`);
  const notes = new Map<string, Note>();
  for (let before: number | undefined = Number.MAX_SAFE_INTEGER; before !== undefined;) {
    const { transactions, next }: Awaited<ReturnType<JournalSearch["page"]>> = await search.page(filter, {
      before,
      limit: PAGE,
      timeLimit,
    });
    for (const {
      entries: [entry],
    } of transactions) {
      const note = noteIn(entry);
      if (note && ids.has(note.id) && !notes.has(note.id)) notes.set(note.id, note);
    }
    before = next;
  }
  return [...notes.values()];
};
