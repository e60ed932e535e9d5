/** Finds the counts that may include a refusal without an entry of its own. */
import type { Flood, Recorded } from "../journal/entry.ts";
import type { Asks } from "./ask.ts";
import { isUlid, timeOfUlid } from "../common/ulid.ts";

export type CountedIn = Flood & Pick<Recorded, "index" | "time">;

/** A count is written when its minute is over. */
const WRITTEN_WITHIN_MS = 120_000;
const MOST = 1000;

const LONGEST_COUNT_MS = 62_000;
/** Milliseconds by which the clock of the host that made the id may be ahead. */
const AHEAD_MS = 5000;

/**
 * Why a request without an entry may be among the counted refusals; undefined if it cannot be. `final`: a later call
 * would find no more. `now`: milliseconds since 1970.
 */
export const mayBeCounted = (
  given: string,
  now = Date.now(),
): { readonly why: string; readonly final: boolean } | undefined => {
  const id = given.toUpperCase();
  if (!isUlid(id)) return { why: "a refusal that was only counted is found by its whole id", final: true };
  const until = timeOfUlid(id) + LONGEST_COUNT_MS;
  if (now >= until || timeOfUlid(id) > now + AHEAD_MS) return undefined;
  return {
    why:
      "identical refusals are counted, and a count is written when its minute is over: ask again after " +
      new Date(until).toISOString(),
    final: false,
  };
};

/** Undefined for an incomplete request id. */
export const countsOver = async ({ ask }: Asks, given: string): Promise<readonly CountedIn[] | undefined> => {
  const id = given.toUpperCase();
  if (!isUlid(id)) return undefined;
  const at = timeOfUlid(id);
  const text = (ms: number): string => new Date(ms).toISOString().slice(0, -5);
  const { transactions = [] } = await ask({
    kind: "page",
    filter: `kind:flood time:${text(at - 1000)}..${text(at + WRITTEN_WITHIN_MS)}`,
    names: [],
    limit: MOST,
  });
  return transactions.flatMap(({ entries: [entry] }) =>
    entry?.kind === "flood" && (entry.first_id ?? "~") <= id && id <= (entry.last_id ?? "") ? [entry] : [],
  );
};

export const describeCounted = (id: string, counts: readonly CountedIn[]): string =>
  [
    `${id} has no entry of its own. If this gateway gave the id, its request was refused, not sent, and counted here:`,
    ...counts.map(
      (count) =>
        `  #${count.index}  ${count.count} ${nounFor(count.count)}${originOf(count)} from ${count.second}, within ` +
        `${count.seconds ?? 1} s: ${codesIn(count)}`,
    ),
  ].join("\n");

const nounFor = (count: number): string => (count === 1 ? "refusal" : "refusals");

const originOf = ({ action, client, tenant, source }: Flood): string =>
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
