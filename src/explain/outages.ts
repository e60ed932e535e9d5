/** The times in which the journal could not be written, and what they mean for one request. */
import { isUlid, timeOfUlid } from "../common/ulid.ts";
import type { Gap, Recorded } from "../journal/entry.ts";
import type { Fields } from "../journal/search/transaction.ts";
import type { Asks } from "./ask.ts";

export type Outage = Gap & Pick<Recorded, "index" | "time">;

const MOST = 1000;
/** A refusal's entry is written when its request ends, which may take as long as its body. */
const LONGEST_REFUSED_MS = 20_000;
/** The write that failed had begun before the outage. */
const LONGEST_WRITE_MS = 1000;

/** Outages in which the entry of a request with this id may have been lost; empty for an incomplete id. */
export const outagesAt = async (searcher: Asks, given: string): Promise<readonly Outage[]> => {
  const id = given.toUpperCase();
  if (!isUlid(id)) return [];
  const at = timeOfUlid(id);
  const outages = await outagesSince(searcher, at);
  return outages.filter((each) => each.lost !== 0 && isWithin(each, at, LONGEST_REFUSED_MS));
};

/** Outages in which OCS's answer could not be journaled before the reply. */
export const outagesAtReply = async (
  searcher: Asks,
  { time, total, delivery, origin }: Fields,
): Promise<readonly Outage[]> => {
  if (delivery !== "answered" || origin !== "ocs" || total === undefined) return [];
  const start = time / 1000;
  const outages = await outagesSince(searcher, start);
  return outages.filter((each) => isWithin(each, start + total, LONGEST_WRITE_MS));
};

export const describeOutage = ({ lost, from, to, index, reason }: Outage): string =>
  `${lost === 1 ? "1 entry" : `${lost ?? "an unknown number of"} entries`} from ${from} to ${to} ` +
  `${lost === 1 ? "is" : "are"} missing (#${index}: ${reason}), possibly that of this request`;

export const describeOutageAtReply = ({ from, to, index }: Outage): string =>
  `the journal could not be written from ${from} to ${to} (#${index}): the reply may have had OCSGW-5102 and ` +
  "Ocsgw-Repeat: no";

/** `at`: milliseconds since 1970. */
const outagesSince = async ({ ask }: Asks, at: number): Promise<readonly Outage[]> => {
  const since = new Date(at - LONGEST_WRITE_MS).toISOString().slice(0, -5);
  const { transactions = [] } = await ask({
    kind: "page",
    filter: `kind:gap since:${since}`,
    names: [],
    limit: MOST,
  });
  return transactions.flatMap(({ entries: [entry] }) => (entry?.kind === "gap" ? [entry] : []));
};

/** Whether `at` is in the outage, or at most `before` milliseconds before it. */
const isWithin = ({ from, to }: Outage, at: number, before: number): boolean =>
  Date.parse(from) - before <= at && at <= Date.parse(to);
