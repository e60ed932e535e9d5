/**
 * Groups entries into transactions without an index, in the order of the journal. In memory are only open transactions
 * and those that began after them.
 */
import type { Recorded } from "../entry.ts";
import type { Line } from "../read/read-entries.ts";
import { closesIntent, type Transaction } from "./transaction.ts";

/** A transaction with the lines of its entries. */
export type GroupedEntries = Transaction & { readonly lines: readonly string[] };

type PendingTransaction = {
  readonly at: number;
  readonly entries: Recorded[];
  readonly lines: string[];
  isOpen: boolean;
};

/**
 * An open transaction delays those that began after it. When more than `most` are delayed, it is given without its
 * outcome, and the outcome becomes a transaction of its own.
 */
export const groupEntries = async function* (
  lines: AsyncIterable<Line>,
  most = 100_000,
): AsyncGenerator<GroupedEntries, void, undefined> {
  const queue = new TransactionQueue();
  for await (const line of lines) {
    queue.take(line);
    for (let ready = queue.next(most); ready; ready = queue.next(most)) yield ready;
  }
  for (let rest = queue.next(0); rest; rest = queue.next(0)) yield rest;
};

class TransactionQueue {
  readonly #open = new Map<string, PendingTransaction>();
  #waiting: PendingTransaction[] = [];
  #head = 0;

  take({ entry, text }: Line): void {
    const id = "id" in entry ? entry.id : "";
    const begun = closesIntent(entry) ? this.#open.get(id) : undefined;
    if (begun) {
      begun.entries.push(entry);
      begun.lines.push(text);
      begun.isOpen = false;
      this.#open.delete(id);
      return;
    }
    const transaction: PendingTransaction = {
      at: entry.index,
      entries: [entry],
      lines: [text],
      isOpen: entry.kind === "intent",
    };
    this.#waiting.push(transaction);
    if (transaction.isOpen) this.#open.set(id, transaction);
  }

  /** The first transaction, if it is closed or more than `most` are delayed. */
  next(most: number): GroupedEntries | undefined {
    const transaction = this.#waiting[this.#head];
    if (!transaction || (transaction.isOpen && this.#waiting.length - this.#head <= most)) return undefined;
    if (transaction.isOpen && "id" in transaction.entries[0]!) this.#open.delete(transaction.entries[0].id);
    if (++this.#head > 1000) [this.#waiting, this.#head] = [this.#waiting.slice(this.#head), 0];
    return transaction;
  }
}
