/** An OCS of three tenants with 40 campaign groups, as `ocsgw discover` meets one: `startSandboxOcs({ data })`. */
import type { WorldData } from "../../src/sandbox/world/seed.ts";
import { TIME_ZONES } from "../../src/sandbox/world/time-zones.ts";

const TENANTS = [
  { dbid: 101, name: "Alpha Tenant", word: "Alpha", groups: 20 },
  { dbid: 102, name: "Beta Tenant", word: "Beta", groups: 12 },
  { dbid: 103, name: "Gamma Tenant", word: "Gamma", groups: 8 },
] as const;

const numbers = (count: number): number[] => Array.from({ length: count }, (_, at) => at);

/** GSW_CM_AttrGroupCampStatus: running. */
const RUNNING = 5;
/** Groups of one tenant to a campaign; each with agents of its own. */
const GROUPS_OF_CAMPAIGN = 2;
const RECORDS = 60;

type Named = { readonly dbid: number; readonly name: string; readonly tenant: number };

const campaigns: readonly Named[] = TENANTS.flatMap(({ dbid, word, groups }, tenant) =>
  numbers(groups / GROUPS_OF_CAMPAIGN).map((at) => ({
    dbid: 1000 + tenant * 100 + at,
    name: `${word} Campaign ${at + 1}`,
    tenant: dbid,
  })),
);

/** DBIDs with gaps: 120, 127, 134, … */
const groups: WorldData["groups"] = campaigns.flatMap((campaign, index) =>
  numbers(GROUPS_OF_CAMPAIGN).map((at) => ({
    dbid: 120 + (index * GROUPS_OF_CAMPAIGN + at) * 7,
    name: `${campaign.name}@${campaign.name.split(" ")[0]} Agents ${at + 1}`,
    campaign: campaign.dbid,
    group: 2000 + Math.floor(campaign.dbid / 100) * 10 + at,
    switch: 105,
    status: RUNNING,
    dialing: { mode: 1, optimizeBy: 1, goal: 80 },
  })),
);

const lists: readonly Named[] = TENANTS.map(({ dbid, word }, at) => ({
  dbid: 301 + at,
  name: `${word} List`,
  tenant: dbid,
}));

const records: WorldData["records"] = lists.flatMap(({ dbid, name }) =>
  numbers(RECORDS).map((at) => ({
    list: dbid,
    phone: `41555501${String(at).padStart(2, "0")}`,
    phoneType: 1,
    timeZone: TIME_ZONES[0]!.dbid,
    window: [0, 86_399] as const,
    chain: at + 1,
    chainPosition: 0,
    customerId: `${name[0]}-${String(at).padStart(4, "0")}`,
    customerCode: 1,
    lastServed: "01/01/2025",
    customerStatus: 1,
  })),
);

export const MANY_GROUPS: WorldData = {
  tenants: TENANTS.map(({ dbid, name }) => ({ dbid, name })),
  campaigns,
  groups,
  lists,
  campaignLists: campaigns.map(({ dbid, tenant }) => ({
    campaign: dbid,
    list: lists.find((list) => list.tenant === tenant)!.dbid,
  })),
  records,
  doNotCall: [],
  handles: [],
};
