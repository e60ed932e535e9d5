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

/** Undefined: this is no whole request id. The id tells when its request came (ULID: 48 bits of milliseconds since 1970). */
export const countsOver = async ({ ask }: Pick<Searcher, "ask">, given: string): Promise<readonly CountedIn[] | undefined> => {
  const id = given.toUpperCase();
  if (!ULID.test(id)) return undefined;
  const at = Array.from(id.slice(0, TIME_LENGTH)).reduce((ms, letter) => ms * CROCKFORD.length + CROCKFORD.indexOf(letter), 0);
  const text = (ms: number): string => new Date(ms).toISOString().slice(0, -5);
  const { stories = [] } = await ask({ kind: "page", filter: `kind:flood time:${text(at - 1000)}..${text(at + WRITTEN_WITHIN_MS)}`, names: [], limit: MOST });
  return stories.flatMap(({ entries: [entry] }) =>
    (entry?.kind === "flood" && (entry.first_id ?? "~") <= id && id <= (entry.last_id ?? "") ? [entry] : []));
};

export const countedInWords = (id: string, counts: readonly CountedIn[]): string => [
  `${id} has no entry of its own. If this gateway gave the id, its request was refused, not sent, and counted here:`,
  ...counts.map((count) => `  #${count.index}  ${count.count} refusals${whose(count)} from ${count.second}, within ${count.seconds ?? 1} s: ${codesIn(count)}`),
].join("\n");

const whose = ({ action, client, tenant, source }: Flood): string => [
  ...(action === undefined ? [] : [` of the same ${action}`]),
  ...(client ? [` of client ${client}`] : []),
  ...(tenant ? [` (tenant ${tenant.name})`] : []),
  ...(source === "*" ? [] : [` at ${source}`]),
].join("");

const codesIn = ({ codes = {} }: Flood): string => Object.entries(codes).map(([code, count]) => `${code} ${count}`).join(", ");
