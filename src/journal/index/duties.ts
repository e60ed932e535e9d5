/**
 * Do-Not-Calls that are still owed: asked for by a known client, and OCS has not answered 200 since for that number, tenant and scope.
 * A Do-Not-Call for all of a tenant covers one for a campaign or a list of it.
 */
import type { DatabaseSync, StatementSync } from "node:sqlite";
import type { Facet } from "./facets.ts";

/** What a duty is told by; tokens as numbers. */
export type Asked = {
  readonly at: number;
  readonly facet: Facet;
  readonly phone: number | null;
  readonly customer: number | null;
  readonly record: string | null;
  readonly campaign: string | null;
  readonly list: string | null;
};

const ACTION = "DoNotCall";

export class Duties {
  readonly #owe: StatementSync;
  readonly #owed: StatementSync;
  readonly #meet: StatementSync;

  constructor(database: DatabaseSync) {
    this.#owe = database.prepare("INSERT OR IGNORE INTO duties (at, subject, scope) VALUES (?, ?, ?)");
    this.#owed = database.prepare("SELECT at, scope FROM duties WHERE subject = ? AND at < ?");
    this.#meet = database.prepare("DELETE FROM duties WHERE at = ?");
  }

  /** A request was begun or refused. */
  asked(asked: Asked): void {
    if (asked.facet.action !== ACTION || asked.facet.client === undefined) return;
    const subject = subjectOf(asked, whoseOf(asked.facet));
    if (subject !== undefined) this.#owe.run(asked.at, subject, JSON.stringify(scopeOf(asked)));
  }

  /** It ended, at this index of the journal; the facet says how. */
  ended(asked: Asked, index: number): void {
    const { action, origin, status } = asked.facet;
    if (action !== ACTION || origin !== "ocs" || status !== 200) return;
    const scope = scopeOf(asked);
    // Where a client did not say for which of its tenants, its later Do-Not-Call for one of them is the same wish.
    for (const whose of [whoseOf(asked.facet), whoseOf({ ...asked.facet, tenant: undefined })]) {
      for (const owed of this.#owed.all(subjectOf(asked, whose) ?? "", index)) {
        if (covers(scope, JSON.parse(String(owed["scope"])) as Scope)) this.#meet.run(owed["at"]!);
      }
    }
  }
}

type Scope = readonly [campaign: string, list: string];

const scopeOf = ({ campaign, list }: Asked): Scope => [campaign ?? "", list ?? ""];

const covers = (met: Scope, owed: Scope): boolean => met.every((part, at) => part === "" || part === owed[at]);

const whoseOf = ({ tenant, client }: Facet): string => (tenant ? String(tenant.dbid) : `? ${client}`);

/** By token, or by handle where OCS knows the number and we do not. */
const subjectOf = ({ facet, phone, customer, record }: Asked, whose: string): string | undefined => {
  const [first, second] = facet.resource === "customer_ids" ? [named("customer", customer), named("phone", phone)] : [named("phone", phone), named("customer", customer)];
  const who = first ?? second ?? named("record", record);
  return who === undefined ? undefined : `${whose} ${who}`;
};

const named = (what: string, value: number | string | null): string | undefined => (value === null ? undefined : `${what} ${value}`);
