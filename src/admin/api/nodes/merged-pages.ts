/**
 * Pages of several journals as one, newest first. Each journal keeps its own order, which is that of its entries; only
 * between journals the times decide, because the clocks of two machines may differ. The cursor has the place in each
 * journal, so that the next page begins where this one ended in that journal.
 */
import { InvalidQuestion } from "../../../journal/search/worker/search-worker.ts";

type Row = { readonly time: string };

/** `cursors`: of the pages behind each row. `next`: null if the journal has no further rows. */
export type NodePage<Own extends Row> = {
  readonly node: string;
  readonly rows: readonly Own[];
  readonly cursors: readonly string[];
  readonly next: string | null;
};

/** By node: where its next page begins; null behind its last one. A node that is missing begins at its newest row. */
export type Places = Readonly<Record<string, string | null>>;

export type Merged<Own extends Row> = {
  readonly rows: (Own & { readonly node: string })[];
  readonly next: string | null;
};

/** `before`: the places at which these pages began. */
export const mergePages = <Own extends Row>(
  pages: readonly NodePage<Own>[],
  limit: number,
  before: Places,
): Merged<Own> => {
  const taken = new Map(pages.map(({ node }) => [node, 0]));
  const rows: (Own & { readonly node: string })[] = [];
  while (rows.length < limit) {
    const newest = pages.reduce<NodePage<Own> | undefined>(
      (best, page) => (isNewer(headOf(page, taken), best && headOf(best, taken)) ? page : best),
      undefined,
    );
    if (!newest) break;
    const { node } = newest;
    rows.push({ ...headOf(newest, taken)!, node });
    taken.set(node, taken.get(node)! + 1);
    // What follows in this journal is not known: it may be newer than the rows of the others.
    if (headOf(newest, taken) === undefined && newest.next !== null) break;
  }
  const places: Record<string, string | null> = { ...before };
  for (const page of pages) {
    const place = placeBehind(page, taken.get(page.node)!);
    if (place !== undefined) places[page.node] = place;
  }
  const isEnd = pages.every(({ node }) => places[node] === null);
  return { rows, next: isEnd ? null : cursorOf(places) };
};

const headOf = <Own extends Row>({ node, rows }: NodePage<Own>, taken: ReadonlyMap<string, number>): Own | undefined =>
  rows[taken.get(node)!];

const isNewer = (row: Row | undefined, best: Row | undefined): boolean =>
  row !== undefined && (best === undefined || row.time > best.time);

/** Undefined: the place stays as it was. */
const placeBehind = <Own extends Row>(
  { rows, cursors, next }: NodePage<Own>,
  taken: number,
): string | null | undefined => {
  if (taken === rows.length) return next;
  return taken === 0 ? undefined : cursors[taken - 1];
};

const cursorOf = (places: Places): string => Buffer.from(JSON.stringify(places)).toString("base64url");

/** Throws InvalidQuestion. */
export const readPlaces = (cursor: string | undefined): Places => {
  if (cursor === undefined) return {};
  try {
    const places: unknown = JSON.parse(Buffer.from(cursor, "base64url").toString("utf8"));
    if (isPlaces(places)) return places;
  } catch {
    // Falls through.
  }
  throw new InvalidQuestion("cursor: expected the value of next from an earlier page");
};

const isPlaces = (value: unknown): value is Places =>
  typeof value === "object" &&
  value !== null &&
  !Array.isArray(value) &&
  Object.values(value).every((place) => place === null || typeof place === "string");
