/** Questions about owners that are answered from memory. */
import type { Tenant } from "../tenancy/registry.ts";
import type { HandleTable } from "./handles/handle-table.ts";
import type { PersonTokens } from "./handles/lease-decision.ts";

type TableOf = (upstream: string) => HandleTable;

/** The tenants that own the handle, otherwise those that owned it. Two tenants may own it on two upstreams. */
export const ownersAmong = (tableOf: TableOf, tenants: readonly Tenant[], identifier: string): readonly Tenant[] => {
  const handle = Number(identifier);
  const owners = tenants.filter(({ upstream, dbid }) => tableOf(upstream).mayBelongTo(handle, dbid));
  return owners.length > 0
    ? owners
    : tenants.filter(({ upstream, dbid }) => tableOf(upstream).formerOwnerOf(handle) === dbid);
};

/** Tokens of the person that OCS announced with the handle, if it belongs, or belonged, to one of these tenants. */
export const announcedFor = (
  tableOf: TableOf,
  tenants: readonly Tenant[],
  identifier: string,
): PersonTokens | undefined => {
  const [owner, another] = ownersAmong(tableOf, tenants, identifier);
  return !owner || another ? undefined : tableOf(owner.upstream).announcedFor(owner.dbid, Number(identifier));
};
