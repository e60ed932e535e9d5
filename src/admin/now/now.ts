/** The page Now: is it healthy, which tenants wait, what is refused. */
import type { Header, Now } from "../api/now-schema.ts";
import type { Activity, RecentActivity } from "../recent/recent-activity.ts";
import { seriesOf } from "../recent/series.ts";
import { CELL } from "../recent/slot-ring.ts";
import { connectionsOf, endpointOf } from "./connections.ts";
import { lookOf } from "./look.ts";
import { markersOf } from "./markers.ts";
import { allOpenDoNotCalls } from "./open-dnc.ts";
import { queueP95, ratesOf } from "./rates.ts";
import { modesOf } from "./rollout.ts";
import { seesAll, seesUpstream, visibleTenants, type Sight } from "./sight.ts";
import type { NowSources, TenantFacts } from "./sources.ts";
import { activeTenants } from "./tenant-index.ts";
import { tenantRows } from "./tenant-rows.ts";

const SHOWN_TENANTS = 20;
/** Seconds. */
const STEP = 10;
const TEN_MINUTES = 600;

/** For a person of some tenants, in place of `/api/status`. */
export const headerOf = (sight: Sight, sources: NowSources): Header => {
  const tenants = visibleTenants(sight, sources);
  const isVisible = seesUpstream(sight, tenants);
  return {
    modes: modesOf(tenants),
    upstreams: sources
      .upstreams()
      .filter(({ name }) => isVisible(name))
      .map(({ name, endpoints }) => ({ name, endpoints: endpoints.map(endpointOf) })),
  };
};

export const nowOf = (sight: Sight, sources: NowSources): Now => {
  const { recent } = sources;
  const tenants = visibleTenants(sight, sources);
  const activities = activitiesOf(sight, recent, tenants);
  const isVisible = seesUpstream(sight, tenants);
  return {
    time: new Date().toISOString(),
    counted_since: countedSince(recent),
    modes: modesOf(tenants),
    rates: ratesOf(activities, recent),
    queue_p95_ms: queueP95(activities, recent),
    no_answer_10m: noAnswers(activities, recent),
    dnc_open: allOpenDoNotCalls(sight, sources),
    series: seriesOf(activities, recent.all, windowOf(recent, STEP), Date.now()),
    markers: markersOf(sight, sources, isVisible),
    upstreams: sources
      .upstreams()
      .filter(({ name }) => isVisible(name))
      .map((state) => connectionsOf(sight, state)),
    tenants: busiest(sources, tenants).map(tenantRows(sight, sources)),
    tenant_count: tenants.length,
    look: lookOf(sight, sources),
  };
};

/** The whole gateway's, which includes requests without a tenant; or those of the visible tenants. */
const activitiesOf = (sight: Sight, recent: RecentActivity, tenants: readonly TenantFacts[]): readonly Activity[] =>
  seesAll(sight)
    ? [recent.all]
    : tenants.map((tenant) => recent.ofTenant(tenant)).filter((activity) => activity !== undefined);

export const countedSince = ({ now, since }: RecentActivity): string =>
  new Date(Date.now() - (now() - since) * 1000).toISOString();

export const windowOf = ({ now, since }: RecentActivity, step: number) => ({ now: now(), since, step });

const noAnswers = (activities: readonly Activity[], { now }: RecentActivity): number => {
  let sum = 0;
  for (const { slots } of activities)
    for (const { at } of slots.newest(now() - TEN_MINUTES)) sum += slots.cells[at + CELL.noAnswer]!;
  return sum;
};

/** By requests of about the last minute, then by name. */
const busiest = (sources: NowSources, tenants: readonly TenantFacts[]): readonly TenantFacts[] => {
  const { requests } = activeTenants(sources);
  const found: { readonly tenant: TenantFacts; readonly requests: number }[] = [];
  for (const tenant of tenants) {
    const count = requests.get(tenant) ?? 0;
    const last = found.at(-1);
    if (found.length === SHOWN_TENANTS && last && !isBefore(tenant, count, last)) continue;
    const place = found.findIndex((each) => isBefore(tenant, count, each));
    found.splice(place === -1 ? found.length : place, 0, { tenant, requests: count });
    if (found.length > SHOWN_TENANTS) found.pop();
  }
  return found.map(({ tenant }) => tenant);
};

const isBefore = (
  tenant: TenantFacts,
  count: number,
  other: { readonly tenant: TenantFacts; readonly requests: number },
): boolean => count > other.requests || (count === other.requests && tenant.name < other.tenant.name);
