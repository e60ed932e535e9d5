/** Tenants as rows of a table: what each does now, and its part of the lanes. */
import type { TenantRow } from "../api/now-schema.ts";
import type { UpstreamState } from "../status.ts";
import { lanesUsed, queueP95, ratesOf, sparkOf } from "./rates.ts";
import { seesAll, type Sight } from "./sight.ts";
import type { NowSources, TenantFacts } from "./sources.ts";
import { activeTenants } from "./tenant-index.ts";

/** Makes the row of a tenant. The states of the upstreams are read once for all rows. */
export const tenantRows = (sight: Sight, sources: NowSources): ((tenant: TenantFacts) => TenantRow) => {
  const { recent, upstreamFacts } = sources;
  const states = new Map(sources.upstreams().map((state) => [state.name, state]));
  const entitled = seesAll(sight) ? entitlement(sources, states) : () => null;
  return (tenant) => {
    const { dbid, name, upstream, mode } = tenant;
    const activity = recent.ofTenant(tenant);
    const activities = activity ? [activity] : [];
    return {
      dbid,
      name,
      upstream,
      mode,
      rates: ratesOf(activities, recent),
      spark: sparkOf(activity, recent),
      queue_p95_ms: queueP95(activities, recent),
      lanes_used: lanesUsed(activity, recent),
      lanes_entitled: entitled(tenant),
      lanes_max: upstreamFacts(upstream)?.connections ?? 0,
      waiting: states.get(upstream)?.queue.find((queue) => queue.dbid === dbid)?.waiting ?? 0,
    };
  };
};

/** The lanes of an upstream are divided by share among the tenants that need one: those with requests now. */
const entitlement = (
  sources: NowSources,
  states: ReadonlyMap<string, UpstreamState>,
): ((tenant: TenantFacts) => number) => {
  const { requests, shares } = activeTenants(sources);
  return (tenant) => {
    const { upstream, share } = tenant;
    const lanes = states.get(upstream)?.lanes.length ?? sources.upstreamFacts(upstream)?.connections ?? 0;
    const sum = (shares.get(upstream) ?? 0) + (requests.has(tenant) ? 0 : share);
    return Math.round((lanes * share * 100) / sum) / 100;
  };
};
