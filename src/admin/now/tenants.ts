/** The list of tenants, and the page of one. */
import type { Tenant, Tenants } from "../api/now-schema.ts";
import { seriesOf } from "../recent/series.ts";
import { lanesOf } from "./connections.ts";
import { lookOf } from "./look.ts";
import { markersOf } from "./markers.ts";
import { countedSince, windowOf } from "./now.ts";
import { openDoNotCallsOf } from "./open-dnc.ts";
import { rolloutOf } from "./rollout.ts";
import { visibleTenants, type Sight } from "./sight.ts";
import type { NowSources, TenantFacts } from "./sources.ts";
import { tenantRows } from "./tenant-rows.ts";

export type Page = {
  /** A part of a name, or a DBID. */
  readonly search: string;
  readonly after: number;
  readonly limit: number;
};

/** By name. */
export const tenantsOf = (sight: Sight, sources: NowSources, { search, after, limit }: Page): Tenants => {
  const wanted = search.trim().toLowerCase();
  const visible = visibleTenants(sight, sources);
  const matching = visible
    .filter(({ name, dbid }) => name.toLowerCase().includes(wanted) || String(dbid) === wanted)
    .toSorted((one, other) => one.name.localeCompare(other.name) || one.upstream.localeCompare(other.upstream));
  const page = matching.slice(after, after + limit);
  return {
    time: new Date().toISOString(),
    rollout: [...rolloutOf(visible.map((tenant) => ({ ...tenant, hadRequests: sources.hadRequests(tenant.name) })))],
    tenants: page.map(tenantRows(sight, sources)),
    next: after + page.length < matching.length ? after + page.length : null,
    count: matching.length,
  };
};

export type Found =
  | { readonly tenant: TenantFacts }
  /** Several OCS have a tenant with this DBID. */
  | { readonly upstreams: readonly string[] };

/** Undefined also for a tenant that the person may not see: the reply does not say that it exists. */
export const findTenant = (
  sight: Sight,
  sources: NowSources,
  dbid: string,
  upstream: string | undefined,
): Found | undefined => {
  const found = visibleTenants(sight, sources).filter(
    (tenant) => String(tenant.dbid) === dbid && (upstream === undefined || tenant.upstream === upstream),
  );
  if (found.length > 1) return { upstreams: found.map((tenant) => tenant.upstream) };
  return found[0] && { tenant: found[0] };
};

export const tenantOf = (sight: Sight, sources: NowSources, tenant: TenantFacts, step: number): Tenant => {
  const { recent } = sources;
  const { spark: _, ...row } = tenantRows(sight, sources)(tenant);
  const activity = recent.ofTenant(tenant);
  const own: Sight = { tenants: [tenant.dbid] };
  const state = sources.upstreams().find(({ name }) => name === tenant.upstream);
  const waiting = state?.queue.find(({ dbid }) => dbid === tenant.dbid);
  const facts = sources.upstreamFacts(tenant.upstream);
  const open = openDoNotCallsOf(sources, tenant);
  return {
    time: new Date().toISOString(),
    counted_since: countedSince(recent),
    tenant: { ...row, records: tenant.records, share: tenant.share },
    clients: Object.entries(tenant.clients).map(([name, { actions }]) => ({ name, actions: [...actions] })),
    objects: {
      campaigns: tenant.campaigns.length,
      campaign_groups: tenant.campaign_groups.length,
      lists: tenant.lists.length,
    },
    limits: sources
      .limitsOf(tenant)
      .map(({ name, points, seconds, used }) => ({ name, points, window_s: seconds, used })),
    queue: {
      waiting: waiting?.waiting ?? 0,
      oldest_ms: waiting ? Math.round(waiting.oldest) : null,
      max: facts?.queue.max ?? 0,
      max_wait_ms: facts?.queue.max_wait ?? 0,
    },
    lanes: state ? lanesOf(own, state) : [],
    dnc: { open: open?.open ?? null, oldest_ms: open?.oldest_ms ?? null },
    probing_per_minute: sources.probingPerMinute,
    series: seriesOf(activity ? [activity] : [], recent.all, windowOf(recent, step), Date.now()),
    markers: markersOf(sight, sources, (upstream) => upstream === tenant.upstream),
    look: lookOf(sight, sources, tenant),
  };
};
