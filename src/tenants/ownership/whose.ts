/**
 * Whose is a record that OCS announces? By the register: its campaign group, campaign and list each belong to one tenant of an OCS, and all
 * that is said must point to the same one. What contradicts itself, and what the register does not know, is nobody's.
 */
import type { Tenant } from "../register.ts";

/** What OCS says of a record, as far as it says it. */
export type Particulars = {
  readonly tenantDbid: number | undefined;
  readonly tenantName: string | undefined;
  readonly groupDbid: number | undefined;
  readonly groupName: string | undefined;
  readonly campaign: string | undefined;
  readonly list: string | undefined;
};

export type Whose = { readonly tenant: Tenant } | { readonly nobody: "unregistered" | "contradiction" };

export type Finder = (upstream: string, particulars: Particulars) => Whose;

type Index = { readonly [Key in keyof Particulars]: ReadonlyMap<Particulars[Key], Tenant> };

const unregistered: Whose = { nobody: "unregistered" };
const contradiction: Whose = { nobody: "contradiction" };
const KEYS = ["tenantDbid", "tenantName", "groupDbid", "groupName", "campaign", "list"] as const satisfies readonly (keyof Particulars)[];

export const createFinder = (tenants: readonly Tenant[]): Finder => {
  const indexes = new Map([...Map.groupBy(tenants, ({ upstream }) => upstream)].map(([upstream, those]) => [upstream, indexOf(those)]));
  return (upstream, particulars) => {
    const index = indexes.get(upstream);
    return index ? find(index, particulars) : unregistered;
  };
};

const indexOf = (tenants: readonly Tenant[]): Index => {
  const by = <Key>(keysOf: (tenant: Tenant) => Iterable<Key>): Map<Key, Tenant> =>
    new Map(tenants.flatMap((tenant) => [...keysOf(tenant)].map((key): [Key, Tenant] => [key, tenant])));
  return {
    tenantDbid: by(({ dbid }) => [dbid]),
    tenantName: by(({ name }) => [name]),
    groupDbid: by(({ campaignGroups }) => campaignGroups.keys()),
    groupName: by(({ campaignGroups }) => [...campaignGroups.values()].map(({ name }) => name)),
    campaign: by(({ campaigns }) => campaigns),
    list: by(({ lists }) => lists),
  };
};

const find = (index: Index, said: Particulars): Whose => {
  let tenant: Tenant | undefined;
  for (const key of KEYS) {
    const owner = (index[key] as ReadonlyMap<unknown, Tenant>).get(said[key]);
    if (owner === undefined) continue;
    if (tenant !== undefined && owner !== tenant) return contradiction;
    tenant = owner;
  }
  if (tenant === undefined) return unregistered;
  const stated = said.tenantDbid !== undefined || said.tenantName !== undefined;
  if (stated) return isNamed(tenant, said) ? { tenant } : contradiction;
  // Without a tenant's word the group decides: a campaign or a list of the same name may be somebody's who is not in the register.
  const groupIsForeign = (said.groupDbid !== undefined && !tenant.campaignGroups.has(said.groupDbid)) ||
    (said.groupName !== undefined && index.groupName.get(said.groupName) === undefined);
  return groupIsForeign ? unregistered : { tenant };
};

const isNamed = ({ dbid, name }: Tenant, { tenantDbid, tenantName }: Particulars): boolean =>
  (tenantDbid === undefined || tenantDbid === dbid) && (tenantName === undefined || tenantName === name);
