/** The operator's register: which tenant has which clients, groups, lists and campaigns, and where its OCS is. Built once from the settings. */
import type { ActionName } from "../ocs/catalog.ts";
import { finish, type Steps } from "./steps.ts";

export type Grant = {
  readonly actions: ReadonlySet<ActionName>;
  /** DBIDs; undefined for every group of the tenant. */
  readonly campaignGroups: ReadonlySet<number> | undefined;
  /** Besides those of the tenant; none when left out. */
  readonly limits?: Limits | undefined;
};

export type CampaignGroup = {
  readonly dbid: number;
  readonly name: string;
  readonly campaignId: number | undefined;
  readonly groupId: number | undefined;
};

/** How many requests may be made: `points` in a window of `seconds`. */
export type Limit = { readonly points: number; readonly seconds: number };
/** `urgent`: for urgent actions, counted apart from all others; the numbers of `requests` when left out. */
export type Limits = {
  readonly requests: Limit | undefined;
  readonly urgent?: Limit | undefined;
  readonly actions: ReadonlyMap<ActionName, Limit>;
};

/** What separates tenants on /records. `pre-dial` and `registered` want ownership to be known: until it is, nothing is owned by anybody. */
export type RecordsMode = "pre-dial" | "registered" | "dedicated" | "unscoped";

export type Tenant = {
  readonly name: string;
  readonly dbid: number;
  readonly upstream: string;
  readonly clients: ReadonlyMap<string, Grant>;
  readonly campaigns: ReadonlySet<string>;
  readonly campaignGroups: ReadonlyMap<number, CampaignGroup>;
  readonly lists: ReadonlySet<string>;
  readonly records: RecordsMode;
  /** Its own policy is recorded and not applied. */
  readonly observes: boolean;
  /** Names of user-defined fields; undefined for any. */
  readonly fields: ReadonlySet<string> | undefined;
  readonly limits: Limits;
  /** Which of the config's tenants it is, from 0. */
  readonly place?: number | undefined;
};

export type Register = {
  /** Every tenant under which the client stands. */
  readonly tenantsOf: (client: string) => readonly Tenant[];
  readonly tenants: readonly Tenant[];
};

const none: readonly Tenant[] = [];

export const createRegister = (tenants: readonly Tenant[]): Register => finish(registerSteps(tenants));

export const registerSteps = function* (tenants: readonly Tenant[]): Steps<Register> {
  const byClient = new Map<string, Tenant[]>();
  for (const tenant of tenants) {
    for (const client of tenant.clients.keys()) {
      const those = byClient.get(client);
      if (those) those.push(tenant);
      else byClient.set(client, [tenant]);
    }
    yield;
  }
  return { tenantsOf: (client) => byClient.get(client) ?? none, tenants };
};

/** Which tenant, for as long as its settings live: names change hands, and a DBID is one tenant's on one OCS only. */
export const keyOf = ({ upstream, dbid }: Pick<Tenant, "upstream" | "dbid">): string => `${dbid} at ${upstream}`;

/** For values of one type only, as headers are: a text is a name, or a DBID. `check` refuses a tenant that is named like another's DBID. */
export const isNamed = ({ name, dbid }: Pick<Tenant, "name" | "dbid">, text: string): boolean =>
  name === text || String(dbid) === text;

/** Where both types exist, as in JSON: a text is a name and nothing else, a number a DBID. */
export const isMeant = ({ name, dbid }: Pick<Tenant, "name" | "dbid">, said: string | number): boolean =>
  typeof said === "number" ? dbid === said : name === said;
