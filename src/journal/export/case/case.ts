/**
 * One person's case: the requests that contain the person's token, and requests that are joined to those. Joined are
 * requests with another token that an entry has together with the person's (the customer id of a number, the number of
 * a customer id), one step only, and requests on the same record. Sentences say what was left out, because it was too
 * much.
 */
import { bothFilters, parseFilter, type Filter } from "../../search/filter/filter.ts";
import { evidenceOf, type PersonQuery, type Evidence } from "../../search/person-search.ts";
import type { JournalSearch } from "../../search/journal-search.ts";
import { tokenFilter } from "../../search/phone-variants.ts";
import { fieldsOf, type Fields, type Transaction } from "../../search/transaction.ts";

/** Why a request is in the case. `with`: index of the entry to which it is joined. */
export type Reason =
  | { readonly by: "named" }
  | { readonly by: "announced" }
  | { readonly by: "joined-token"; readonly with: number }
  | { readonly by: "record"; readonly with: number };

/** `open`: an open Do-Not-Call, which OCS has not confirmed. */
export type CaseRequest = {
  readonly transaction: Transaction;
  readonly fields: Fields;
  readonly reason: Reason;
  readonly open: boolean;
};

/** A token that an entry has together with one of the person's. `with`: index of the first such entry. */
export type Joined = { readonly token: string; readonly with: number; readonly requests: number };

export type Case = {
  /** Oldest first. */
  readonly requests: readonly CaseRequest[];
  readonly joined: readonly Joined[];
  /** Sentences without a full stop: what could not be joined. */
  readonly notJoined: readonly string[];
  readonly evidence: Evidence;
  readonly complete: boolean;
};

const MOST_REQUESTS = 5000;
const MOST_TOKENS = 20;
/** A customer id with more numbers than this does not identify a person, for example 0 or "unknown". */
const MOST_PERSONS = 5;
const MOST_RECORDS = 200;

/** `open`: indexes of Do-Not-Calls that are open. */
export const caseOf = async (search: JournalSearch, asked: PersonQuery, open: ReadonlySet<number>): Promise<Case> => {
  const gathered = new CaseCollector(search, asked);
  await gathered.named();
  await gathered.relatedTokens();
  await gathered.records();
  const requests = [...gathered.requests.values()]
    .map(({ transaction, reason }) => ({
      transaction,
      fields: fieldsOf(transaction),
      reason,
      open: open.has(transaction.at),
    }))
    .toSorted((one, other) => one.transaction.at - other.transaction.at);
  const { joined, notJoined } = gathered;
  const evidence = await evidenceOf(search, asked);
  return { requests, joined, notJoined, evidence, complete: evidence.complete && notJoined.length === 0 };
};

/** The tokens of an entry in pairs: its own, and those of the announcement. */
const pairsOf = ({ phone, customer, announced_phone, announced_customer }: Fields): readonly Pair[] => [
  { phone, customer_id: customer },
  { phone: announced_phone, customer_id: announced_customer },
];

/** False for a request by record handle without a person: its tokens come from the announcement. */
const containsPerson = ({ entries: [entry] }: Transaction): boolean => {
  if (!entry || !("resource" in entry) || entry.resource !== "records") return true;
  return (
    "body" in entry &&
    entry.body !== undefined &&
    ["GSW_PHONE", "GSW_CUSTOMER_ID"].some((name) => Object.hasOwn(entry.body!, name))
  );
};

type Pair = { readonly phone: string | undefined; readonly customer_id: string | undefined };

class CaseCollector {
  readonly requests = new Map<number, { readonly transaction: Transaction; readonly reason: Reason }>();
  readonly joined: Joined[] = [];
  readonly notJoined: string[] = [];
  readonly #search: JournalSearch;
  readonly #asked: PersonQuery;

  constructor(search: JournalSearch, asked: PersonQuery) {
    [this.#search, this.#asked] = [search, asked];
  }

  async named(): Promise<void> {
    const { person, wanted } = this.#asked;
    const tokens = new Set(wanted.tokens);
    for (const transaction of await this.#find(tokenFilter(person, wanted))) {
      const [own] = pairsOf(fieldsOf(transaction));
      this.#add(transaction, {
        by: containsPerson(transaction) && tokens.has(own?.[person.kind] ?? "") ? "named" : "announced",
      });
    }
  }

  async relatedTokens(): Promise<void> {
    const related = [...this.#relatedTokens()];
    if (related.length > MOST_TOKENS)
      this.notJoined.push(
        `${related.length} ${sortOf(otherOf(this.#asked.person.kind))}s are in entries with the person; requests ` +
          `with the others than the first ${MOST_TOKENS} are left out`,
      );
    for (const [token, at] of related.slice(0, MOST_TOKENS)) await this.#join(token, at);
  }

  /** Requests on the records of the requests so far. */
  async records(): Promise<void> {
    const records = new Map(
      [...this.requests.values()].flatMap(({ transaction }) => {
        const record = recordOf(transaction);
        return record ? [[record.key, { ...record, at: transaction.at }] as const] : [];
      }),
    );
    if (records.size > MOST_RECORDS)
      this.notJoined.push(
        `the requests are about ${records.size} records; further requests on others than the first ` +
          `${MOST_RECORDS} are left out`,
      );
    for (const { key, handle, at } of [...records.values()].slice(0, MOST_RECORDS)) {
      for (const transaction of await this.#find(`record:${handle} -kind:access`))
        if (recordOf(transaction)?.key === key) this.#add(transaction, { by: "record", with: at });
    }
  }

  /** Tokens of the other sort in entries with the person's token, with the first such entry. */
  #relatedTokens(): Map<string, number> {
    const {
      person: { kind },
      wanted,
    } = this.#asked;
    const tokens = new Set(wanted.tokens);
    const found = new Map<string, number>();
    for (const { transaction } of this.requests.values()) {
      for (const pair of pairsOf(fieldsOf(transaction))) {
        const other = pair[otherOf(kind)];
        if (other !== undefined && tokens.has(pair[kind] ?? "") && !(found.get(other)! <= transaction.at))
          found.set(other, transaction.at);
      }
    }
    return found;
  }

  async #join(token: string, at: number): Promise<void> {
    const {
      person: { kind },
    } = this.#asked;
    const transactions = await this.#find(`${kind === "phone" ? "customer" : "phone"}:${token} -kind:access`);
    const persons = new Set(
      transactions.flatMap((transaction) =>
        pairsOf(fieldsOf(transaction)).flatMap((pair) => (pair[otherOf(kind)] === token ? (pair[kind] ?? []) : [])),
      ),
    );
    if (persons.size > MOST_PERSONS) {
      const [own, other] = [sortOf(kind), sortOf(otherOf(kind))];
      this.notJoined.push(
        `entry ${at} has the person together with a ${other} that other entries have with ${persons.size} different ` +
          `${own}s. Several persons may share it, so requests that contain only this ${other} are left out`,
      );
      return;
    }
    this.joined.push({ token, with: at, requests: transactions.length });
    for (const transaction of transactions) this.#add(transaction, { by: "joined-token", with: at });
  }

  #add(transaction: Transaction, reason: Reason): void {
    if (!this.requests.has(transaction.at)) this.requests.set(transaction.at, { transaction, reason });
  }

  async #find(filter: string): Promise<readonly Transaction[]> {
    const within: Filter = bothFilters(parseFilter(filter), this.#asked.filter);
    const transactions: Transaction[] = [];
    let before: number | undefined;
    do {
      // A page of long entries ends before its limit.
      const page = await this.#search.page(within, { limit: MOST_REQUESTS - transactions.length, before });
      transactions.push(...page.transactions);
      before = page.next;
    } while (before !== undefined && transactions.length < MOST_REQUESTS);
    const says = `one search found more than ${MOST_REQUESTS} requests; the older ones are left out`;
    if (before !== undefined && !this.notJoined.includes(says)) this.notJoined.push(says);
    return transactions;
  }
}

const otherOf = (kind: "phone" | "customer_id"): "phone" | "customer_id" =>
  kind === "phone" ? "customer_id" : "phone";
const sortOf = (kind: "phone" | "customer_id"): string => (kind === "phone" ? "number" : "customer id");

/**
 * One announcement or registration of a handle. OCS reuses handle numbers after a restart, so the key has the epoch.
 */
const recordOf = ({ entries: [first] }: Transaction): { readonly key: string; readonly handle: string } | undefined => {
  if (
    first?.kind !== "intent" ||
    first.resource !== "records" ||
    first.identifier === null ||
    first.generation === undefined
  )
    return undefined;
  const { upstream, epoch, generation, identifier: handle } = first;
  return { key: JSON.stringify([upstream, epoch, generation, handle]), handle };
};
