/** What the embedded OCS has for the canaries of one site: the objects of the config, and one open record each. */
import type { WorldData } from "../../sandbox/world/seed.ts";
import { TIME_ZONES } from "../../sandbox/world/time-zones.ts";
import type { Canary } from "./canaries.ts";
import { campaignIn } from "./plan.ts";

/** DBIDs of what the config gives none. Those of the config that are equal come first. */
const FIRST_DBID = 900_001;
const SWITCH = 105;
/** GSW_CM_AttrGroupCampStatus: running. */
const RUNNING = 5;
const DIALING = { mode: 1, optimizeBy: 1, goal: 80 };
const TIME_ZONE = TIME_ZONES[0]!;
const ALL_DAY = [0, 86_399] as const;

type Campaign = WorldData["campaigns"][number];

export const ocsDataFor = (canaries: readonly Canary[]): WorldData => {
  const taken = new Set(
    canaries.flatMap(({ tenant }) =>
      tenant.campaign_groups.flatMap(({ dbid, campaign_id, group_id }) => [dbid, campaign_id, group_id]),
    ),
  );
  let next = FIRST_DBID;
  const newDbid = (): number => {
    while (taken.has(next)) next++;
    return next++;
  };
  const all = canaries.map((canary) => dataOf(canary, newDbid));
  return {
    tenants: unique(canaries.map(({ tenant: { dbid, name } }) => ({ dbid, name }))),
    campaigns: unique(all.flatMap(({ campaigns }) => campaigns)),
    groups: unique(all.flatMap(({ groups }) => groups)),
    lists: all.flatMap(({ lists }) => lists),
    campaignLists: all.flatMap(({ campaigns, lists }) =>
      lists.flatMap(({ dbid }) => campaigns.map((campaign) => ({ campaign: campaign.dbid, list: dbid }))),
    ),
    records: all.flatMap(({ records }) => records),
    doNotCall: [],
    handles: all.flatMap(({ handles }) => handles),
  };
};

/** A faulty config gives one object to two tenants; OCS has it once. */
const unique = <Item extends { readonly dbid: number }>(items: readonly Item[]): Item[] => [
  ...new Map(items.toReversed().map((item) => [item.dbid, item])).values(),
];

type Of = Pick<WorldData, "campaigns" | "groups" | "lists" | "records" | "handles">;

const dataOf = ({ tenant, record, handle }: Canary, newDbid: () => number): Of => {
  const campaigns: Campaign[] = [];
  const campaignNamed = (name: string, dbid: number | null): number => {
    const known = campaigns.find((each) => (dbid === null ? each.name === name : each.dbid === dbid));
    if (known) return known.dbid;
    const campaign = { dbid: dbid ?? newDbid(), name: unusedName(campaigns, name), tenant: tenant.dbid };
    campaigns.push(campaign);
    return campaign.dbid;
  };
  const group = (dbid: number, name: string, campaign: number, agents: number) =>
    ({ dbid, name, campaign, group: agents, switch: SWITCH, status: RUNNING, dialing: DIALING }) as const;
  const groups = tenant.campaign_groups.map(({ dbid, name, campaign_id, group_id }) =>
    group(dbid, name, campaignNamed(campaignIn(name), campaign_id), group_id ?? newDbid()),
  );
  for (const name of tenant.campaigns) campaignNamed(name, null);
  if (campaigns.length === 0) campaignNamed(`Campaign of ${tenant.dbid}`, null);
  // OCS adds records to lists of campaigns that run.
  for (const { dbid } of campaigns)
    if (!groups.some((each) => each.campaign === dbid)) {
      const own = newDbid();
      groups.push(group(own, `Group ${own}`, dbid, newDbid()));
    }
  const names = tenant.lists.length > 0 ? tenant.lists : [`List of ${tenant.dbid}`];
  const lists = names.map((name) => ({ dbid: newDbid(), name, tenant: tenant.dbid }));
  const list = lists[0]!.dbid;
  return {
    campaigns,
    groups,
    lists,
    records: [
      {
        list,
        phone: record.phone,
        phoneType: 1,
        timeZone: TIME_ZONE.dbid,
        window: ALL_DAY,
        chain: 1,
        chainPosition: 0,
        customerId: record.customer,
        customerCode: 1,
        lastServed: "01/01/2025",
        customerStatus: 1,
      },
    ],
    handles:
      handle === undefined ? [] : [{ handle, group: groups[0]!.dbid, list, position: 1, state: "open" as const }],
  };
};

/** Names are unique within a tenant; campaigns that the config gives one name by different DBIDs get another here. */
const unusedName = (campaigns: readonly Campaign[], name: string): string =>
  campaigns.some((each) => each.name === name) ? `${name} ${campaigns.length + 1}` : name;
