/** A refusal that was counted and is no entry of its own: in which counts its id may be. */
import type { Flood, Recorded } from "../../journal/entry.ts";
import type { Searcher } from "../audit/searcher.ts";

export type CountedIn = Flood & Pick<Recorded, "index" | "time">;

const ULID = /^[0-7][0-9A-HJKMNP-TV-Z]{25}$/;
const CROCKFORD = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
const TIME_LENGTH = 10;
/** A count is written when its minute is over. */
const WRITTEN_WITHIN_MS = 120_000;
const MOST = 1000;

const timeOf = (id: string): number =>
  Array.from(id.slice(0, TIME_LENGTH)).reduce((ms, letter) => ms * CROCKFORD.length + CROCKFORD.indexOf(letter), 0);

const LONGEST_COUNT_MS = 62_000;
/** How far the clock of who gave the id may be ahead. */
const AHEAD_MS = 5000;

/**
 * Why a request that is not found may have been refused and counted all the same; undefined where it was not. `final`: no later look finds more.
 * `now`: milliseconds since 1970.
 */
export const mayBeCounted = (
  given: string,
  now = Date.now(),
): { readonly why: string; readonly final: boolean } | undefined => {
  const id = given.toUpperCase();
  if (!ULID.test(id)) return { why: "one that was refused and only counted is found by its whole id", final: true };
  const until = timeOf(id) + LONGEST_COUNT_MS;
  if (now >= until || timeOf(id) > now + AHEAD_MS) return undefined;
  return {
    why: `this may change: identical refusals are counted, and the count is written when its minute is over; ask again after ${new Date(until).toISOString()}`,
    final: false,
  };
};

/** Undefined: this is no whole request id. The id tells when its request came (ULID: 48 bits of milliseconds since 1970). */
export const countsOver = async (
  { ask }: Pick<Searcher, "ask">,
  given: string,
): Promise<readonly CountedIn[] | undefined> => {
  const id = given.toUpperCase();
  if (!ULID.test(id)) return undefined;
  const at = timeOf(id);
  const text = (ms: number): string => new Date(ms).toISOString().slice(0, -5);
  const { stories = [] } = await ask({
    kind: "page",
    filter: `kind:flood time:${text(at - 1000)}..${text(at + WRITTEN_WITHIN_MS)}`,
    names: [],
    limit: MOST,
  });
  return stories.flatMap(({ entries: [entry] }) =>
    entry?.kind === "flood" && (entry.first_id ?? "~") <= id && id <= (entry.last_id ?? "") ? [entry] : [],
  );
};

export const countedInWords = (id: string, counts: readonly CountedIn[]): string =>
  [
    `${id} has no entry of its own. If this gateway gave the id, its request was refused, not sent, and counted here:`,
    ...counts.map(
      (count) =>
        `  #${count.index}  ${count.count} refusals${whose(count)} from ${count.second}, within ${count.seconds ?? 1} s: ${codesIn(count)}`,
    ),
  ].join("\n");

const whose = ({ action, client, tenant, source }: Flood): string =>
  [
    ...(action === undefined ? [] : [` of the same ${action}`]),
    ...(client ? [client === "*" ? " of several clients" : ` of client ${client}`] : []),
    ...(tenant ? [` (tenant ${tenant.name})`] : []),
    ...(source === "*" ? [] : [` at ${source}`]),
  ].join("");

const codesIn = ({ codes = {} }: Flood): string =>
  Object.entries(codes)
    .map(([code, count]) => `${code} ${count}`)
    .join(", ");
