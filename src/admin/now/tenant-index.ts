/** Finds tenants among thousands, and those that send now, without reading all of them for each reply. */
import type { RecentActivity } from "../recent/recent-activity.ts";
import type { NowSources, TenantFacts } from "./sources.ts";

/** By the list of a config, then by DBID. A reload makes another list. */
const indexes = new WeakMap<readonly TenantFacts[], ReadonlyMap<number, readonly TenantFacts[]>>();

/** Usually one; several OCS may have a tenant with the same DBID. */
export const tenantsWith = (tenants: readonly TenantFacts[], dbid: number): readonly TenantFacts[] => {
  let index = indexes.get(tenants);
  if (!index) indexes.set(tenants, (index = Map.groupBy(tenants, (tenant) => tenant.dbid)));
  return index.get(dbid) ?? [];
};

export const tenantAt = (
  tenants: readonly TenantFacts[],
  { upstream, dbid }: Pick<TenantFacts, "upstream" | "dbid">,
): TenantFacts | undefined => tenantsWith(tenants, dbid).find((tenant) => tenant.upstream === upstream);

type Active = {
  readonly second: number;
  readonly tenants: readonly TenantFacts[];
  /** Requests of about the last minute, of tenants that had any. */
  readonly requests: ReadonlyMap<TenantFacts, number>;
  /** The sum of their shares, by upstream. */
  readonly shares: ReadonlyMap<string, number>;
};

/** At most one reading a second, however many people look. */
const readings = new WeakMap<RecentActivity, Active>();

const MINUTE_SECONDS = 60;

export const activeTenants = ({ recent, tenants }: Pick<NowSources, "recent" | "tenants">): Active => {
  const [now, all] = [recent.now(), tenants()];
  const second = Math.floor(now);
  const before = readings.get(recent);
  if (before?.second === second && before.tenants === all) return before;
  const requests = new Map<TenantFacts, number>();
  const shares = new Map<string, number>();
  for (const tenant of all) {
    const count = recent.ofTenant(tenant)?.slots.requestsSince(now - MINUTE_SECONDS) ?? 0;
    if (count === 0) continue;
    requests.set(tenant, count);
    shares.set(tenant.upstream, (shares.get(tenant.upstream) ?? 0) + tenant.share);
  }
  const active = { second, tenants: all, requests, shares };
  readings.set(recent, active);
  return active;
};
