/**
 * One person's case: what names the person, what is joined to that, and how each request ended. Joined are requests that name another token which
 * stands beside the person's in one entry (the customer id of a number, the number of a customer id), one step far, and requests on a record that
 * one of these is about. What is not joined, because too much would be, is counted.
 */
import { bothOf, parseFilter, type Filter } from "./filter.ts";
import { evidenceOf, type Asked, type Evidence } from "./lookup.ts";
import type { Finder } from "./search.ts";
import { filterFor } from "./spellings.ts";
import { factsOf, type Facts, type Story } from "./story.ts";

/** Why a request is in the case. `with`: index of the entry that it is joined to. */
export type Reason =
  | { readonly by: "named" }
  | { readonly by: "announced" }
  | { readonly by: "joined-token"; readonly with: number }
  | { readonly by: "record"; readonly with: number };

/** `open`: no later 200 of OCS has closed this Do-Not-Call. */
export type CaseRequest = {
  readonly story: Story;
  readonly facts: Facts;
  readonly reason: Reason;
  readonly open: boolean;
};

/** A token that stands beside one of the person's. `with`: index of the first entry in which it does. */
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
/** A customer id beside more numbers than these is nobody's own, as 0 or "unknown" is. */
const MOST_BESIDE = 5;
const MOST_RECORDS = 200;

/** `open`: indexes of Do-Not-Calls that are open. */
export const caseOf = async (finder: Finder, asked: Asked, open: ReadonlySet<number>): Promise<Case> => {
  const gathered = new Gathered(finder, asked);
  await gathered.named();
  await gathered.tokensBeside();
  await gathered.records();
  const requests = [...gathered.requests.values()]
    .map(({ story, reason }) => ({ story, facts: factsOf(story), reason, open: open.has(story.at) }))
    .toSorted((one, other) => one.story.at - other.story.at);
  const { joined, notJoined } = gathered;
  const evidence = await evidenceOf(finder, asked);
  return { requests, joined, notJoined, evidence, complete: evidence.complete && notJoined.length === 0 };
};

/** Of an entry: its own tokens, and those of the announcement, each pair by itself. */
const pairsOf = ({ phone, customer, announced_phone, announced_customer }: Facts): readonly Pair[] => [
  { phone, customer_id: customer },
  { phone: announced_phone, customer_id: announced_customer },
];

/** Of a request by record handle that names nobody, the tokens are those of the announcement. */
const namesSomebody = ({ entries: [entry] }: Story): boolean => {
  if (!entry || !("resource" in entry) || entry.resource !== "records") return true;
  return (
    "body" in entry &&
    entry.body !== undefined &&
    ["GSW_PHONE", "GSW_CUSTOMER_ID"].some((name) => Object.hasOwn(entry.body!, name))
  );
};

type Pair = { readonly phone: string | undefined; readonly customer_id: string | undefined };

class Gathered {
  readonly requests = new Map<number, { readonly story: Story; readonly reason: Reason }>();
  readonly joined: Joined[] = [];
  readonly notJoined: string[] = [];
  readonly #finder: Finder;
  readonly #asked: Asked;

  constructor(finder: Finder, asked: Asked) {
    [this.#finder, this.#asked] = [finder, asked];
  }

  async named(): Promise<void> {
    const { person, wanted } = this.#asked;
    const tokens = new Set(wanted.tokens);
    for (const story of await this.#find(filterFor(person, wanted))) {
      const [own] = pairsOf(factsOf(story));
      this.#take(story, { by: namesSomebody(story) && tokens.has(own?.[person.kind] ?? "") ? "named" : "announced" });
    }
  }

  async tokensBeside(): Promise<void> {
    const beside = [...this.#beside()];
    if (beside.length > MOST_TOKENS)
      this.notJoined.push(
        `${beside.length} ${this.#others(beside.length)} stand beside the person's; requests that name the others than the first ${MOST_TOKENS} are left out`,
      );
    for (const [token, at] of beside.slice(0, MOST_TOKENS)) await this.#join(token, at);
  }

  /** Requests on a record that one of those so far is about, and that do not say so themselves. */
  async records(): Promise<void> {
    const records = new Map(
      [...this.requests.values()].flatMap(({ story }) => {
        const record = recordOf(story);
        return record ? [[record.key, { ...record, at: story.at }] as const] : [];
      }),
    );
    if (records.size > MOST_RECORDS)
      this.notJoined.push(
        `the requests are about ${records.size} records; further requests on the others than the first ${MOST_RECORDS} are left out`,
      );
    for (const { key, handle, at } of [...records.values()].slice(0, MOST_RECORDS)) {
      for (const story of await this.#find(`record:${handle} -kind:access`))
        if (recordOf(story)?.key === key) this.#take(story, { by: "record", with: at });
    }
  }

  /** Tokens of the other sort beside the person's, with the first entry in which they are. */
  #beside(): Map<string, number> {
    const {
      person: { kind },
      wanted,
    } = this.#asked;
    const tokens = new Set(wanted.tokens);
    const found = new Map<string, number>();
    for (const { story } of this.requests.values()) {
      for (const pair of pairsOf(factsOf(story))) {
        const other = pair[otherOf(kind)];
        if (other !== undefined && tokens.has(pair[kind] ?? "") && !(found.get(other)! <= story.at))
          found.set(other, story.at);
      }
    }
    return found;
  }

  async #join(token: string, at: number): Promise<void> {
    const {
      person: { kind },
    } = this.#asked;
    const stories = await this.#find(`${kind === "phone" ? "customer" : "phone"}:${token} -kind:access`);
    const beside = new Set(
      stories.flatMap((story) =>
        pairsOf(factsOf(story)).flatMap((pair) => (pair[otherOf(kind)] === token ? (pair[kind] ?? []) : [])),
      ),
    );
    if (beside.size > MOST_BESIDE) {
      this.notJoined.push(
        `the ${sortOf(otherOf(kind))} beside the person's in entry ${at} stands beside ${beside.size} different ones too, so it may be several persons'; requests that name it alone are left out`,
      );
      return;
    }
    this.joined.push({ token, with: at, requests: stories.length });
    for (const story of stories) this.#take(story, { by: "joined-token", with: at });
  }

  #others(count: number): string {
    return `${sortOf(otherOf(this.#asked.person.kind))}${count === 1 ? "" : "s"}`;
  }

  #take(story: Story, reason: Reason): void {
    if (!this.requests.has(story.at)) this.requests.set(story.at, { story, reason });
  }

  async #find(filter: string): Promise<readonly Story[]> {
    const within: Filter = bothOf(parseFilter(filter), this.#asked.filter);
    const stories: Story[] = [];
    let before: number | undefined;
    do {
      // A page of long entries ends before its limit.
      const page = await this.#finder.page(within, { limit: MOST_REQUESTS - stories.length, before });
      stories.push(...page.stories);
      before = page.next;
    } while (before !== undefined && stories.length < MOST_REQUESTS);
    const says = `more than ${MOST_REQUESTS} requests are found in one way; the older ones are left out`;
    if (before !== undefined && !this.notJoined.includes(says)) this.notJoined.push(says);
    return stories;
  }
}

const otherOf = (kind: "phone" | "customer_id"): "phone" | "customer_id" =>
  kind === "phone" ? "customer_id" : "phone";
const sortOf = (kind: "phone" | "customer_id"): string => (kind === "phone" ? "number" : "customer id");

/** One announcement or registration of a handle: the same number is another record in another life of OCS. */
const recordOf = ({ entries: [first] }: Story): { readonly key: string; readonly handle: string } | undefined => {
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
