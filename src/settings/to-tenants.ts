/** Converts settings to the tenants of the registry, which the gateway's stages use. */
import type { LimitSettings, Settings, TenantSettings } from "./schema/schema.ts";
import type { ActionName } from "../ocs/catalog.ts";
import type { Limit, Limits, Tenant } from "../tenancy/registry.ts";
import { finish, type Steps } from "../common/steps.ts";

export const toTenants = (settings: Pick<Settings, "tenants">): readonly Tenant[] => finish(tenantSteps(settings));

/** Tenants by their settings object. A reload keeps the object of an unchanged tenant. */
const cache = new WeakMap<TenantSettings, Tenant>();

export const tenantSteps = function* ({ tenants }: Pick<Settings, "tenants">): Steps<readonly Tenant[]> {
  const all: Tenant[] = [];
  for (const [place, settings] of tenants.entries()) {
    const known = cache.get(settings);
    const tenant = known?.place === place ? known : known ? { ...known, place } : toTenant(settings, place);
    if (tenant !== known) cache.set(settings, tenant);
    all.push(tenant);
    yield;
  }
  return all;
};

const toTenant = (tenant: TenantSettings, place: number): Tenant => ({
  name: tenant.name,
  dbid: tenant.dbid,
  upstream: tenant.upstream,
  clients: new Map(
    Object.entries(tenant.clients).map(([client, { actions, campaign_groups, limits }]) => [
      client,
      {
        actions: new Set(actions),
        campaignGroups: campaign_groups === null ? undefined : new Set(campaign_groups),
        ...(limits && { limits: toLimits(limits) }),
      },
    ]),
  ),
  campaigns: new Set(tenant.campaigns),
  campaignGroups: new Map(
    tenant.campaign_groups.map(({ dbid, name, campaign_id, group_id }) => [
      dbid,
      { dbid, name, campaignId: campaign_id ?? undefined, groupId: group_id ?? undefined },
    ]),
  ),
  lists: new Set(tenant.lists),
  records: tenant.records,
  observes: tenant.mode === "observe",
  fields: tenant.fields === "any" ? undefined : new Set(tenant.fields),
  limits: toLimits(tenant.limits),
  place,
});

const toLimits = (limits: TenantSettings["limits"]): Limits => ({
  requests: limits?.requests ? toLimit(limits.requests) : undefined,
  urgent: limits?.urgent ? toLimit(limits.urgent) : undefined,
  actions: new Map(
    Object.entries(limits?.actions ?? {}).map(([action, limit]): [ActionName, Limit] => [
      action as ActionName,
      toLimit(limit),
    ]),
  ),
});

/** Converts a rate with a burst to a window of burst/rate seconds with `burst` points. */
export const toLimit = ({ rate, burst }: LimitSettings): Limit => ({
  points: burst,
  seconds: (burst * rate.per_ms) / rate.count / 1000,
});

/** The DBIDs of the upstream's tenants with these names. */
export const dbidsOf = (
  { tenants }: { readonly tenants: readonly Pick<TenantSettings, "name" | "dbid" | "upstream">[] },
  upstream: string,
  names: readonly string[],
): ReadonlySet<number> => {
  const listed = new Set(names);
  return new Set(
    tenants.filter((tenant) => tenant.upstream === upstream && listed.has(tenant.name)).map(({ dbid }) => dbid),
  );
};
