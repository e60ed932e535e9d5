/**
 * What a proof of isolation tries: the tenants of the config in force, with their clients and objects. Of many, a
 * random choice; the report says how many of how many. Nothing secret is part of it.
 */
import { sitesOf } from "../../settings/rules/compare.ts";
import type { Settings, TenantSettings, UpstreamSettings } from "../../settings/schema/schema.ts";

const MOST_TENANTS = 8;
const MOST_CLIENTS = 3;
/** Lists, campaigns and campaign groups of each tenant. */
const MOST_OBJECTS = 3;

/** `site`: the first upstream of the same OCS. */
export type PlannedUpstream = Pick<UpstreamSettings, "connections" | "lane_isolation" | "queue" | "handle_window"> & {
  readonly site: string;
  readonly isAnnounced: boolean;
};

/** How many are tried, of how many. */
export type Part = { readonly tried: number; readonly of: number };

export type ProofPlan = {
  readonly configHash: string;
  /** With those of their clients and objects that are tried. */
  readonly tenants: readonly TenantSettings[];
  readonly upstreams: Readonly<Record<string, PlannedUpstream>>;
  readonly redact: Settings["audit"]["redact"];
  readonly covers: { readonly tenants: Part; readonly clients: Part; readonly objects: Part };
  /** The policy tests of the config, and the whole tenants that they are about. */
  readonly tests: Settings["tests"];
  readonly tested: readonly TenantSettings[];
};

type Facts = Pick<Settings, "tenants" | "upstreams" | "tests" | "audit">;

/** `random`: as Math.random. */
export const planProof = (settings: Facts, configHash: string, random = Math.random): ProofPlan => {
  const upstreams = plannedUpstreams(settings);
  const chosen = chooseTenants(settings.tenants, (tenant) => upstreams[tenant.upstream]?.site, random);
  const tenants = chosen.map((tenant) => partOf(tenant, random));
  const count = (of: readonly TenantSettings[], counted: (tenant: TenantSettings) => number): number =>
    of.reduce((sum, tenant) => sum + counted(tenant), 0);
  const part = (counted: (tenant: TenantSettings) => number): Part => ({
    tried: count(tenants, counted),
    of: count(settings.tenants, counted),
  });
  return {
    configHash,
    tenants,
    upstreams: Object.fromEntries(Object.entries(upstreams).filter(([name]) => isUsed(tenants, name))),
    redact: settings.audit.redact,
    covers: {
      tenants: part(() => 1),
      clients: part(({ clients }) => Object.keys(clients).length),
      objects: part(
        ({ lists, campaigns, campaign_groups }) => lists.length + campaigns.length + campaign_groups.length,
      ),
    },
    tests: settings.tests,
    tested: tenantsOfTests(settings),
  };
};

const isUsed = (tenants: readonly TenantSettings[], upstream: string): boolean =>
  tenants.some((tenant) => tenant.upstream === upstream);

const plannedUpstreams = ({ upstreams }: Facts): Record<string, PlannedUpstream> => {
  const rows = Object.entries(upstreams).map(([name, value]) => ({ name, value }));
  const sites = sitesOf({ upstreams: rows, upstreamNames: rows.map(({ name }) => name) });
  return Object.fromEntries(
    rows.map(({ name, value: { connections, lane_isolation, queue, handle_window, callbacks } }) => [
      name,
      { connections, lane_isolation, queue, handle_window, site: sites.get(name)!, isAnnounced: callbacks !== null },
    ]),
  );
};

/** Those that share an OCS with others come first: between them is the most to separate. */
const chooseTenants = (
  tenants: readonly TenantSettings[],
  siteOf: (tenant: TenantSettings) => string | undefined,
  random: () => number,
): TenantSettings[] => {
  const sizes = new Map<string | undefined, number>();
  for (const tenant of tenants) sizes.set(siteOf(tenant), (sizes.get(siteOf(tenant)) ?? 0) + 1);
  const [shared, alone] = [true, false].map((is) => tenants.filter((each) => sizes.get(siteOf(each))! > 1 === is));
  const first = choose(shared!, MOST_TENANTS, random);
  const chosen = new Set([...first, ...choose(alone!, MOST_TENANTS - first.length, random)]);
  return tenants.filter((tenant) => chosen.has(tenant));
};

/** In the order of `from`. */
const choose = <Item>(from: readonly Item[], most: number, random: () => number): Item[] => {
  if (from.length <= most) return [...from];
  const left = from.map((_item, at) => at);
  for (let at = 0; at < most; at++) {
    const other = at + Math.floor(random() * (left.length - at));
    [left[at], left[other]] = [left[other]!, left[at]!];
  }
  const chosen = new Set(left.slice(0, most));
  return from.filter((_item, at) => chosen.has(at));
};

const partOf = (tenant: TenantSettings, random: () => number): TenantSettings => {
  const groups = choose(tenant.campaign_groups, MOST_OBJECTS, random);
  const ofGroups = tenant.campaigns.filter((name) => groups.some((group) => campaignIn(group.name) === name));
  const others = tenant.campaigns.filter((name) => !ofGroups.includes(name));
  return {
    ...tenant,
    clients: Object.fromEntries(choose(Object.entries(tenant.clients), MOST_CLIENTS, random)),
    campaign_groups: groups,
    campaigns: [...ofGroups, ...choose(others, Math.max(0, MOST_OBJECTS - ofGroups.length), random)],
    lists: choose(tenant.lists, MOST_OBJECTS, random),
  };
};

/** The campaign in a group's name, `<campaign>@<agents>`. */
export const campaignIn = (group: string): string => group.split("@")[0]!;

/** The tenants of the tests' clients, and those that tests name. */
const tenantsOfTests = ({ tenants, tests }: Facts): TenantSettings[] => {
  const clients = new Set(tests.map((test) => test.as));
  const named = new Set(tests.flatMap(({ tenant, owner }) => [tenant, owner]));
  return tenants.filter(
    (tenant) =>
      named.has(tenant.name) ||
      named.has(String(tenant.dbid)) ||
      Object.keys(tenant.clients).some((client) => clients.has(client)),
  );
};
