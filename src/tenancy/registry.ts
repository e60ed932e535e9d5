/** The tenants with their clients, campaign groups, lists, campaigns and OCS. Built once from the settings. */
import type { ActionName } from "../ocs/catalog.ts";
import { finish, type Steps } from "../common/steps.ts";

export type ClientGrant = {
  readonly actions: ReadonlySet<ActionName>;
  /** DBIDs; undefined for every group of the tenant. */
  readonly campaignGroups: ReadonlySet<number> | undefined;
  /** Limits in addition to those of the tenant; default: none. */
  readonly limits?: Limits | undefined;
};

export type CampaignGroup = {
  readonly dbid: number;
  readonly name: string;
  readonly campaignId: number | undefined;
  readonly groupId: number | undefined;
};

/** Allows `points` requests in a window of `seconds`. */
export type Limit = { readonly points: number; readonly seconds: number };
/** `urgent`: the limit for urgent actions, counted separately; default: the same numbers as `requests`. */
export type Limits = {
  readonly requests: Limit | undefined;
  readonly urgent?: Limit | undefined;
  readonly actions: ReadonlyMap<ActionName, Limit>;
};

/** What separates tenants on /records. Under `pre-dial` and `registered` a handle must have a known owner. */
export type RecordsMode = "pre-dial" | "registered" | "dedicated" | "unscoped";

export type Tenant = {
  readonly name: string;
  readonly dbid: number;
  readonly upstream: string;
  readonly clients: ReadonlyMap<string, ClientGrant>;
  readonly campaigns: ReadonlySet<string>;
  readonly campaignGroups: ReadonlyMap<number, CampaignGroup>;
  readonly lists: ReadonlySet<string>;
  readonly records: RecordsMode;
  /** `mode: observe`: refusals by its own policy are recorded but not applied. */
  readonly observes: boolean;
  /** Names of user-defined fields; undefined for any. */
  readonly fields: ReadonlySet<string> | undefined;
  readonly limits: Limits;
  /** Its position among the config's tenants, from 0. */
  readonly place?: number | undefined;
};

export type Registry = {
  /** Every tenant that has the client. */
  readonly tenantsOf: (client: string) => readonly Tenant[];
  readonly tenants: readonly Tenant[];
};

const NONE: readonly Tenant[] = [];

export const createRegistry = (tenants: readonly Tenant[]): Registry => finish(registrySteps(tenants));

export const registrySteps = function* (tenants: readonly Tenant[]): Steps<Registry> {
  const byClient = new Map<string, Tenant[]>();
  for (const tenant of tenants) {
    for (const client of tenant.clients.keys()) {
      const known = byClient.get(client);
      if (known) known.push(tenant);
      else byClient.set(client, [tenant]);
    }
    yield;
  }
  return { tenantsOf: (client) => byClient.get(client) ?? NONE, tenants };
};

/** Identifies a tenant across reloads: names may move to another tenant, and a DBID is unique on one OCS only. */
export const keyOf = ({ upstream, dbid }: Pick<Tenant, "upstream" | "dbid">): string => `${dbid} at ${upstream}`;

/** For headers, whose text is a name or a DBID. `check` rejects a tenant whose name is another tenant's DBID. */
export const isNamed = ({ name, dbid }: Pick<Tenant, "name" | "dbid">, text: string): boolean =>
  name === text || String(dbid) === text;

/** For JSON: a string is a name, a number is a DBID. */
export const isMeant = ({ name, dbid }: Pick<Tenant, "name" | "dbid">, said: string | number): boolean =>
  typeof said === "number" ? dbid === said : name === said;
