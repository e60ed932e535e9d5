/** The seeded world as data: what the sandbox is filled with, and what a gateway in front of it is configured from. Same seed, same world. */
import { ASSUMED } from "./assumptions.ts";
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

/** Status as GSW_CM_AttrGroupCampStatus: 0 not loaded, 4 active, 5 running. `group` is the agent group's DBID. */
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

/** The first records of Alpha List stand in chains of three; every other record has a chain of its own. */
export const LONG_CHAINS = { list: 301, chains: 3, length: 3 } as const;

/** On the do-not-call list of their tenant from the start; their records wait in Alpha List all the same. */
export const DO_NOT_CALL = {
  tenant: 101,
  phones: ["4155550190", "4155550191", "4155550192", "4155550193", "4155550194"],
} as const;

const range = (from: number, to: number): number[] => Array.from({ length: to - from + 1 }, (_, index) => from + index);

/** Handles that are out: which record of the list (counted from 1) each holds. 17, 18 and 19 hold the heads of the three long chains. */
export const HANDLES: readonly {
  readonly handle: number;
  readonly group: number;
  readonly list: number;
  readonly position: number;
  readonly state: "open" | "stale";
}[] = [
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

/** Of the seeded handles; those given out next begin well above them. */
export const FIRST_RUN = 1;
export const NEXT_HANDLE = 1000;

export type SeedRecord = {
  readonly list: number;
  readonly phone: string;
  readonly phoneType: number;
  readonly timeZone: number;
  /** Daily, in seconds since midnight: from and till. */
  readonly window: readonly [number, number];
  readonly chain: number;
  readonly chainPosition: number;
  readonly customerId: string;
  readonly customerCode: number;
  readonly lastServed: string;
  readonly customerStatus: number;
};

/** Every third customer may be called at any hour, so that something arrives whenever the sandbox is started. */
const AT_ANY_HOUR = [0, 86_399] as const;
const OFFICE_HOURS = [ASSUMED.dailyFrom.value, ASSUMED.dailyTill.value] as const;

const AMERICAN = TIME_ZONES.filter(({ name }) => ["PST", "MST", "CST", "EST"].includes(name));

/** The records of every list, in order. What the seed decides: time zone, phone type and the customer's own columns. */
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
