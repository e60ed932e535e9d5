/**
 * A facet is what many transactions have in common: caller, operation and result, without values that vary per request.
 * There are few facets, so a filter is evaluated on the facets first; the transactions of matching facets are then read
 * in order.
 */
import type { DatabaseSync } from "node:sqlite";
import { prepared } from "../../../common/prepared-statement.ts";
import type { FieldName } from "../filter/keys.ts";
import type { Fields } from "../transaction.ts";

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
] as const satisfies readonly FieldName[];

export type Facet = Partial<Pick<Fields, (typeof MEMBERS)[number]>>;
export type Numbered = { readonly number: number; readonly facet: Facet };

/** The fields of a facet. */
export const FACET_FIELDS: ReadonlySet<FieldName> = new Set(MEMBERS);

const MOST_REMEMBERED = 20_000;

/** Written out in the order of MEMBERS: it runs for every entry, and a loop over the names is slow. */
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
}: Fields): Required<Facet> => ({
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

/** The facet of a transaction with its outcome. */
export const withOutcome = (asked: Facet, closing: Facet): Facet => {
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

const INSERT = "INSERT OR IGNORE INTO facets (text) VALUES (?)";
const FIND = "SELECT facet FROM facets WHERE text = ?";
const READ = "SELECT text FROM facets WHERE facet = ?";
const ABOVE = "SELECT facet, text FROM facets WHERE facet > ? ORDER BY facet";

export class Facets {
  readonly #database: DatabaseSync;
  readonly #numbers = new Map<string, number>();
  readonly #all: Numbered[] = [];

  constructor(database: DatabaseSync) {
    this.#database = database;
  }

  /** Adds the facet if it is new. */
  numberOf(facet: Facet): number {
    const text = JSON.stringify(facet);
    const remembered = this.#numbers.get(text);
    if (remembered !== undefined) return remembered;
    prepared(this.#database, INSERT).run(text);
    const number = Number(prepared(this.#database, FIND).get(text)!["facet"]);
    if (this.#numbers.size >= MOST_REMEMBERED) this.#numbers.clear();
    this.#numbers.set(text, number);
    return number;
  }

  /** After a rollback of the database some numbers may no longer exist. */
  forget(): void {
    this.#numbers.clear();
  }

  read(number: number): Facet {
    return JSON.parse(String(prepared(this.#database, READ).get(number)!["text"])) as Facet;
  }

  /** All facets. */
  all(): readonly Numbered[] {
    for (const row of prepared(this.#database, ABOVE).all(this.#all.at(-1)?.number ?? 0))
      this.#all.push({ number: Number(row["facet"]), facet: JSON.parse(String(row["text"])) as Facet });
    return this.#all;
  }
}
