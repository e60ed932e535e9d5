/**
 * A facet is what many stories have in common: who, what, and how it ended, in words of the config and of ours. There are few of them beside the
 * stories, whatever is asked: so a filter is judged on the facets first, and the stories of those that fit are found in order, one index deep.
 */
import type { DatabaseSync, StatementSync } from "node:sqlite";
import type { Known } from "../filter/keys.ts";
import type { Facts } from "../story.ts";

const MEMBERS = [
  "kinds",
  "state",
  "tenant",
  "client",
  "action",
  "resource",
  "listener",
  "status",
  "origin",
  "code",
  "delivery",
  "warning",
  "upstream",
  "endpoint",
  "would",
  "missing",
] as const satisfies readonly Known[];

export type Facet = Partial<Pick<Facts, (typeof MEMBERS)[number]>>;
export type Numbered = { readonly number: number; readonly facet: Facet };

/** Facts that a facet has. */
export const FACET_FACTS: ReadonlySet<Known> = new Set(MEMBERS);

const MOST_REMEMBERED = 20_000;

/** Written out, in the order of MEMBERS: the index does this for every entry, and a loop over the names is slow. */
export const facetOf = ({
  kinds,
  state,
  tenant,
  client,
  action,
  resource,
  listener,
  status,
  origin,
  code,
  delivery,
  warning,
  upstream,
  endpoint,
  would,
  missing,
}: Facts): Required<Facet> => ({
  kinds,
  state,
  tenant,
  client,
  action,
  resource,
  listener,
  status,
  origin,
  code,
  delivery,
  warning,
  upstream,
  endpoint,
  would,
  missing,
});

/** What is known of a request when its end is known too. */
export const closed = (asked: Facet, closing: Facet): Facet => {
  const { state, status, origin, code, delivery, warning, upstream, endpoint } = closing;
  return {
    ...asked,
    kinds: [...(asked.kinds ?? []), ...(closing.kinds ?? [])],
    state,
    status,
    origin,
    code,
    delivery,
    warning,
    upstream: upstream ?? asked.upstream,
    endpoint,
  };
};

export class Facets {
  readonly #insert: StatementSync;
  readonly #find: StatementSync;
  readonly #read: StatementSync;
  readonly #above: StatementSync;
  readonly #numbers = new Map<string, number>();
  readonly #all: Numbered[] = [];

  constructor(database: DatabaseSync) {
    this.#insert = database.prepare("INSERT OR IGNORE INTO facets (says) VALUES (?)");
    this.#find = database.prepare("SELECT facet FROM facets WHERE says = ?");
    this.#read = database.prepare("SELECT says FROM facets WHERE facet = ?");
    this.#above = database.prepare("SELECT facet, says FROM facets WHERE facet > ? ORDER BY facet");
  }

  /** Made when there is none yet. */
  numberOf(facet: Facet): number {
    const says = JSON.stringify(facet);
    const remembered = this.#numbers.get(says);
    if (remembered !== undefined) return remembered;
    this.#insert.run(says);
    const number = Number(this.#find.get(says)!["facet"]);
    if (this.#numbers.size >= MOST_REMEMBERED) this.#numbers.clear();
    this.#numbers.set(says, number);
    return number;
  }

  /** A transaction was taken back, and with it perhaps some that we remember. */
  forget(): void {
    this.#numbers.clear();
  }

  read(number: number): Facet {
    return JSON.parse(String(this.#read.get(number)!["says"])) as Facet;
  }

  /** Every facet there is. */
  all(): readonly Numbered[] {
    for (const row of this.#above.all(this.#all.at(-1)?.number ?? 0))
      this.#all.push({ number: Number(row["facet"]), facet: JSON.parse(String(row["says"])) as Facet });
    return this.#all;
  }
}
