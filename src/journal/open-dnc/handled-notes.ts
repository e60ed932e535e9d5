/**
 * Notes that somebody has handled an open Do-Not-Call by other means, as by adding the number to OCS's list by hand. A note
 * is an entry of kind `access` and changes nothing: OCS has still not answered 200, so the Do-Not-Call stays open and
 * listed, and is counted apart. It is about one request: when the same is asked for again, the note does not count.
 */
import type { Recorded } from "./entry.ts";
import { parseFilter } from "./filter.ts";
import type { Finder } from "./search.ts";
import type { TimeLimit } from "./search/time-limit.ts";
import { HANDLED, type Story } from "./story.ts";

export { HANDLED } from "./story.ts";

/** `id`: of the request that it is about. `at`: RFC 3339. `entry`: its index. */
export type Note = {
  readonly id: string;
  readonly by: string;
  readonly at: string;
  readonly note: string;
  readonly entry: number;
};

const QUERY = /^id:([0-9A-Za-z-]{1,64})$/;

/** The query of the entry that is a note about this request. */
export const queryFor = (id: string): string => `id:${id}`;

/** A sentence, when a note about an open Do-Not-Call cannot be written so. */
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
  const [, id] = QUERY.exec(entry.query ?? "") ?? [];
  return id === undefined
    ? undefined
    : { id, by: entry.user, at: entry.time, note: entry.purpose ?? "", entry: entry.index };
};

const PAGE = 500;

/** The last note about each of these open Do-Not-Calls. */
export const notesAbout = async (
  finder: Pick<Finder, "page">,
  open: readonly Story[],
  timeLimit?: TimeLimit,
): Promise<readonly Note[]> => {
  const tried = open.flatMap(({ entries: [entry] }) =>
    entry ? [entry.kind === "open-dnc" ? entry.last : entry.time] : [],
  );
  if (tried.length === 0) return [];
  const ids = new Set(open.flatMap(({ entries: [entry] }) => (entry && "id" in entry ? [entry.id] : [])));
  // By the facet: look-ups are entries of that kind too, and each handle that a registrar names.
  const filter = parseFilter(`kind:access action:${HANDLED} since:${tried.toSorted()[0]!}`);
  const notes = new Map<string, Note>();
  for (let before: number | undefined = Number.MAX_SAFE_INTEGER; before !== undefined;) {
    const { stories, next }: Awaited<ReturnType<Finder["page"]>> = await finder.page(filter, {
      before,
      limit: PAGE,
      timeLimit,
    });
    for (const {
      entries: [entry],
    } of stories) {
      const note = noteIn(entry);
      if (note && ids.has(note.id) && !notes.has(note.id)) notes.set(note.id, note);
    }
    before = next;
  }
  return [...notes.values()];
};
