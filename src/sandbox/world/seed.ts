/**
 * The initial data of the sandbox; the config of a gateway in front of it is generated from the same data. The same
 * seed gives the same data.
 */
import { ASSUMED } from "../assumptions.ts";
import { mulberry32 } from "./random.ts";
import { TIME_ZONES } from "./time-zones.ts";

/** DBID of the OCS application. */
export const APPLICATION_DBID = 398;

export const TENANTS = [
  { dbid: 101, name: "Alpha Tenant" },
  { dbid: 102, name: "Beta Tenant" },
] as const;

export const CAMPAIGNS = [
  { dbid: 139, name: "Alpha Campaign", tenant: 101 },
  { dbid: 140, name: "Alpha Winback", tenant: 101 },
  { dbid: 146, name: "Beta Campaign", tenant: 102 },
] as const;

/** `status`: GSW_CM_AttrGroupCampStatus (0 not loaded, 4 active, 5 running). `group`: DBID of the agent group. */
export const GROUPS = [
  {
    dbid: 106,
    name: "Alpha Campaign@Alpha Agents",
    campaign: 139,
    group: 234,
    switch: 105,
    status: 5,
    dialing: { mode: 1, optimizeBy: 1, goal: 80 },
  },
  {
    dbid: 115,
    name: "Alpha Winback@Alpha Agents",
    campaign: 140,
    group: 234,
    switch: 105,
    status: 0,
    dialing: undefined,
  },
  {
    dbid: 208,
    name: "Beta Campaign@Beta Agents",
    campaign: 146,
    group: 244,
    switch: 105,
    status: 4,
    dialing: undefined,
  },
] as const;

export const LISTS = [
  { dbid: 301, name: "Alpha List", tenant: 101, campaign: 139, records: 100, firstPhone: 100, customers: "A" },
  { dbid: 302, name: "Alpha Winback List", tenant: 101, campaign: 140, records: 20, firstPhone: 140, customers: "W" },
  { dbid: 303, name: "Beta List", tenant: 102, campaign: 146, records: 50, firstPhone: 100, customers: "B" },
] as const;

/** The first records of Alpha List are in chains of three; every other record has its own chain. */
export const LONG_CHAINS = { list: 301, chains: 3, length: 3 } as const;

/** Initial entries of the tenant's do-not-call list. Alpha List has records with these phones. */
export const DO_NOT_CALL = {
  tenant: 101,
  phones: ["4155550190", "4155550191", "4155550192", "4155550193", "4155550194"],
} as const;

const range = (from: number, to: number): number[] => Array.from({ length: to - from + 1 }, (_, index) => from + index);

/**
 * The open handles, each with the position of its record in the list (from 1). 17, 18 and 19 belong to the first
 * records of the three long chains.
 */
export const HANDLES: WorldData["handles"] = [
  { handle: 15, group: 106, list: 301, position: 10, state: "open" },
  { handle: 16, group: 106, list: 301, position: 11, state: "stale" },
  ...[1, 4, 7].map((position, index) => ({
    handle: 17 + index,
    group: 106,
    list: 301,
    position,
    state: "open" as const,
  })),
  ...range(20, 30).map((handle) => ({ handle, group: 106, list: 301, position: handle - 8, state: "open" as const })),
  ...range(41, 44).map((handle) => ({ handle, group: 208, list: 303, position: handle - 40, state: "open" as const })),
];

/** The run of the seeded handles; later handles start at NEXT_HANDLE. */
export const FIRST_RUN = 1;
export const NEXT_HANDLE = 1000;

/** What OCS has at first. `tenant`, `campaign`, `group` and `list` are DBIDs; `position`: of the record in its list. */
export type WorldData = {
  readonly tenants: readonly { readonly dbid: number; readonly name: string }[];
  readonly campaigns: readonly { readonly dbid: number; readonly name: string; readonly tenant: number }[];
  readonly groups: readonly {
    readonly dbid: number;
    readonly name: string;
    readonly campaign: number;
    readonly group: number;
    readonly switch: number;
    readonly status: number;
    readonly dialing: { readonly mode: number; readonly optimizeBy: number; readonly goal: number } | undefined;
  }[];
  readonly lists: readonly { readonly dbid: number; readonly name: string; readonly tenant: number }[];
  readonly campaignLists: readonly { readonly campaign: number; readonly list: number }[];
  readonly records: readonly SeedRecord[];
  readonly doNotCall: readonly { readonly tenant: number; readonly phone: string }[];
  readonly handles: readonly {
    readonly handle: number;
    readonly group: number;
    readonly list: number;
    readonly position: number;
    readonly state: "open" | "stale";
  }[];
};

export type SeedRecord = {
  readonly list: number;
  readonly phone: string;
  readonly phoneType: number;
  readonly timeZone: number;
  /** The daily calling hours: from and till, in seconds since midnight. */
  readonly window: readonly [number, number];
  readonly chain: number;
  readonly chainPosition: number;
  readonly customerId: string;
  readonly customerCode: number;
  readonly lastServed: string;
  readonly customerStatus: number;
};

/** Calling hours of every third customer, so that the sandbox has records to dial at any time of day. */
const AT_ANY_HOUR = [0, 86_399] as const;
const OFFICE_HOURS = [ASSUMED.dailyFrom.value, ASSUMED.dailyTill.value] as const;

const AMERICAN = TIME_ZONES.filter(({ name }) => ["PST", "MST", "CST", "EST"].includes(name));

/** The sandbox's own data. */
export const seedData = (seed: number): WorldData => ({
  tenants: TENANTS,
  campaigns: CAMPAIGNS,
  groups: GROUPS,
  lists: LISTS,
  campaignLists: LISTS.map(({ dbid, campaign }) => ({ campaign, list: dbid })),
  records: seedRecords(seed),
  doNotCall: DO_NOT_CALL.phones.map((phone) => ({ tenant: DO_NOT_CALL.tenant, phone })),
  handles: HANDLES,
});

/** The records of all lists, in order. The seed determines time zone, phone type and the user-defined columns. */
export const seedRecords = (seed: number): SeedRecord[] => {
  const random = mulberry32(seed);
  return LISTS.flatMap((list) =>
    range(0, list.records - 1).map((index): SeedRecord => {
      const { chain, chainPosition } = chainOf(list.dbid, index);
      return {
        list: list.dbid,
        phone: `4155550${list.firstPhone + index}`,
        phoneType: [1, 2, 4][random(3)]!,
        timeZone: AMERICAN[random(AMERICAN.length)]!.dbid,
        window: chain % 3 === 0 ? AT_ANY_HOUR : OFFICE_HOURS,
        chain,
        chainPosition,
        customerId: `${list.customers}-${String(chain).padStart(4, "0")}`,
        customerCode: 1 + random(99),
        lastServed: `${String(1 + random(12)).padStart(2, "0")}/${String(1 + random(28)).padStart(2, "0")}/2025`,
        customerStatus: 1 + random(9),
      };
    }),
  );
};

const chainOf = (list: number, index: number): { chain: number; chainPosition: number } => {
  const { chains, length } = LONG_CHAINS;
  if (list !== LONG_CHAINS.list) return { chain: index + 1, chainPosition: 0 };
  if (index < chains * length) return { chain: Math.floor(index / length) + 1, chainPosition: index % length };
  return { chain: index - chains * length + chains + 1, chainPosition: 0 };
};
