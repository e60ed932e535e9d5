/**
 * The persons of all Do-Not-Calls that OCS has not carried out yet, by tenant. Phone numbers are compared as the
 * journal's tokens do: +1 415 555 0100 and 14155550100 are one. Of a record OCS may have announced only tokens.
 */
import { canonicalContact } from "../journal/contact.ts";
import { isBlocking, personIn, type OutboxItem, type Person } from "./item.ts";

/** The tokens of a value, one for each epoch of the index key. */
export type TokensOf = (kind: "phone" | "customer_id", value: string) => readonly string[];

export type TenantKey = { readonly upstream: string; readonly tenant: number };

export class PendingNumbers {
  readonly #tokensOf: TokensOf;
  /** By tenant, then person: the ids of the items. */
  readonly #tenants = new Map<string, Map<string, Set<string>>>();
  /** What `put` noted for each item, by its id. */
  readonly #noted = new Map<string, { readonly tenant: string; readonly keys: readonly string[] }>();

  constructor(tokensOf: TokensOf) {
    this.#tokensOf = tokensOf;
  }

  /** Notes the item, or forgets it if it no longer blocks. */
  put(item: OutboxItem): void {
    this.remove(item.id);
    if (!isBlocking(item)) return;
    const tenant = nameOf(item);
    const keys = keysOf(item);
    this.#noted.set(item.id, { tenant, keys });
    let persons = this.#tenants.get(tenant);
    if (!persons) this.#tenants.set(tenant, (persons = new Map()));
    for (const key of keys) persons.set(key, (persons.get(key) ?? new Set()).add(item.id));
  }

  remove(id: string): void {
    const noted = this.#noted.get(id);
    if (!noted) return;
    this.#noted.delete(id);
    const persons = this.#tenants.get(noted.tenant)!;
    for (const key of noted.keys) {
      const ids = persons.get(key)!;
      ids.delete(id);
      if (ids.size === 0) persons.delete(key);
    }
    if (persons.size === 0) this.#tenants.delete(noted.tenant);
  }

  /** By which value a Do-Not-Call is pending; undefined if none is. */
  find(tenant: TenantKey, { phone, customer }: Person): "phone" | "customer" | undefined {
    const persons = this.#tenants.get(nameOf(tenant));
    if (!persons) return undefined;
    if (phone !== undefined && this.#has(persons, "phone", canonicalContact(phone))) return "phone";
    return customer !== undefined && this.#has(persons, "customer_id", customer) ? "customer" : undefined;
  }

  #has(persons: ReadonlyMap<string, unknown>, kind: "phone" | "customer_id", value: string): boolean {
    return (
      persons.has(`${kind} ${value}`) || this.#tokensOf(kind, value).some((token) => persons.has(`token ${token}`))
    );
  }
}

const nameOf = ({ upstream, tenant }: TenantKey): string => `${upstream}/${tenant}`;

const keysOf = (item: OutboxItem): string[] => {
  const { phone, customer } = personOf(item);
  const { announced } = item.record ?? {};
  return [
    ...(phone === undefined ? [] : [`phone ${canonicalContact(phone)}`]),
    ...(customer === undefined ? [] : [`customer_id ${customer}`]),
    ...[announced?.phone, announced?.customer_id].flatMap((token) => (token === undefined ? [] : [`token ${token}`])),
  ];
};

/** A request that this version cannot read has an alarm of its own. */
const personOf = (item: OutboxItem): Person => {
  try {
    return personIn(item);
  } catch {
    return { phone: undefined, customer: undefined };
  }
};
