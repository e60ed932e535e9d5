/**
 * What a request waited for: the exchanges that held its lane while it was in the queue. The journal does not name
 * them, so they are found by the times in their outcomes.
 */
import { fieldsOf, type Transaction } from "../journal/search/transaction.ts";
import { readMicros, writeMicros } from "../journal/time.ts";
import type { Asks } from "./ask.ts";

/** `ms`: for how much of the wait it held the lane. */
export type Holder = { readonly transaction: Transaction; readonly ms: number };

/** An exchange that began earlier than this before the wait is not found. */
const LONGEST_MICROS = 60_000_000;
/** The parts of a wait for which a holder is searched: one that held the lane for less is left out. */
const PARTS = 20;
const MOST_SEARCHED = 500;
const MOST = 5;

type Span = readonly [from: number, to: number];

/** The time with OCS, or in the queue before it: microseconds. */
const exchangeOf = ({ entries }: Pick<Transaction, "entries">, ocs: number): Span => {
  const end = readMicros(entries.at(-1)!.time);
  return [end - ocs * 1000, end];
};

/**
 * The exchanges that filled most of the wait, at most five, in the order of their time. Undefined if the request did
 * not wait. A request that got no lane waited for all lanes of its OCS.
 */
export const waitedFor = async ({ ask }: Asks, waiting: Transaction): Promise<readonly Holder[] | undefined> => {
  const { id, queue = 0, ocs = 0, lane, upstream } = fieldsOf(waiting);
  if (queue < 1 || upstream === undefined) return undefined;
  const [end] = exchangeOf(waiting, ocs);
  const wait: Span = [end - queue * 1000, end];
  const least = Math.floor(queue / PARTS);
  const { transactions = [] } = await ask({
    kind: "page",
    filter:
      `upstream:${JSON.stringify(upstream)} ocs.time:>=${least}ms ` +
      `time:${writeMicros(wait[0] - LONGEST_MICROS)}..${writeMicros(end)}`,
    names: [],
    limit: MOST_SEARCHED,
  });
  const holders = transactions.flatMap((transaction) => {
    const fields = fieldsOf(transaction);
    if (fields.id === id || (lane !== undefined && fields.lane !== lane) || !fields.ocs) return [];
    const [from, to] = exchangeOf(transaction, fields.ocs);
    const held = Math.min(to, wait[1]) - Math.max(from, wait[0]);
    return held > 0 ? [{ transaction, from, ms: held / 1000 }] : [];
  });
  return holders
    .toSorted((one, other) => other.ms - one.ms)
    .slice(0, MOST)
    .toSorted((one, other) => one.from - other.from)
    .map(({ transaction, ms }) => ({ transaction, ms }));
};
