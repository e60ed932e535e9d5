/** The pages about the present, over facts that a test states. The clock stands at `WALL`. */
import { createAdminRoutes, type AdminDeps } from "../../../src/admin/routes.ts";
import { Markers } from "../../../src/admin/recent/markers.ts";
import { RecentActivity } from "../../../src/admin/recent/recent-activity.ts";
import type { NowSources, TenantFacts } from "../../../src/admin/now/sources.ts";
import type { UpstreamState } from "../../../src/admin/status.ts";
import { ROLES, type Role, type Viewer } from "../../../src/admin/viewer.ts";
import { anArrival, text } from "../../kit/line.ts";

export const WALL = Date.parse("2026-11-22T12:00:00Z");

export const aTenant = (over: Partial<TenantFacts> = {}): TenantFacts => ({
  name: "Alpha Tenant",
  dbid: 101,
  upstream: "ocs",
  mode: "enforce",
  records: "pre-dial",
  share: 1,
  clients: { "ivr-bank": { actions: ["DoNotCall"] } },
  campaigns: ["Alpha Campaign"],
  campaign_groups: [],
  lists: ["Alpha List"],
  ...over,
});

export const anUpstream = (over: Partial<UpstreamState> = {}): UpstreamState => ({
  name: "ocs",
  epoch: 3,
  endpoints: [
    { endpoint: "http://a", role: "primary", active: true, up: true },
    { endpoint: "http://b", role: "backup", active: false, up: false },
  ],
  lanes: [],
  queue: [],
  ...over,
});

export type World = {
  readonly clock: { now: number };
  readonly recent: RecentActivity;
  readonly markers: Markers;
  tenants: TenantFacts[];
  upstreams: UpstreamState[];
  open: ReturnType<NowSources["openDoNotCalls"]>;
  certificates: ReturnType<NowSources["certificates"]>;
  checkpointAge: number;
  warnings: string[];
};

export const aWorld = (start = 1000): World => {
  const clock = { now: start };
  return {
    clock,
    recent: new RecentActivity(() => clock.now),
    markers: new Markers(() => WALL),
    tenants: [aTenant()],
    upstreams: [anUpstream()],
    open: [],
    certificates: [],
    checkpointAge: 0,
    warnings: [],
  };
};

export const sourcesOf = (world: World): NowSources => ({
  recent: world.recent,
  markers: world.markers,
  tenants: () => world.tenants,
  upstreamFacts: () => ({ connections: 4, lane_isolation: "tenant", queue: { max: 200, max_wait: 5000 } }),
  upstreams: () => world.upstreams,
  limitsOf: ({ dbid }) => [{ name: `limit of ${dbid}`, points: 100, seconds: 60, used: 0.5 }],
  openDoNotCalls: () => world.open,
  certificates: () => world.certificates,
  checkpoint: () => ({ age: world.checkpointAge, every: 60_000 }),
  otherWarnings: () => world.warnings,
  titleOf: (code) => (code === "OCSGW-2103" ? "the wrong tenant" : undefined),
  probingPerMinute: 20,
  hadRequests: (name) => name === "Alpha Tenant",
});

export const viewerOf = (tenants: Viewer["tenants"], roles: readonly Role[] = ROLES): Viewer => ({
  name: "ada",
  roles,
  tenants,
  via: "session",
});

export const ask = async (
  world: World,
  target: string,
  viewer: Viewer = viewerOf("all"),
): Promise<{ readonly status: number; readonly text: string; readonly value: any }> => {
  const handler = createAdminRoutes({ now: sourcesOf(world), whoAsks: () => viewer } as unknown as AdminDeps);
  const reply = await handler(anArrival({ method: "GET", target }));
  return { status: reply.status, text: text(reply), value: JSON.parse(text(reply)) };
};
