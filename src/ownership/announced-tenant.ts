/**
 * Which tenant owns a record that OCS announces? The registry decides: a campaign group, campaign or list belongs to
 * one tenant of an OCS, and all properties of the announcement must lead to the same tenant. A contradictory or
 * malformed announcement has no owner, and could mean several tenants. A record that leads to no tenant of the registry
 * has no owner here. Names are compared with names, DBIDs with DBIDs.
 */
import { isMalformed, type Malformed, type PropertyValue } from "../ocs/properties.ts";
import type { Tenant } from "../tenancy/registry.ts";
import { finish, type Steps } from "../common/steps.ts";

/** The properties of an announcement that decide. */
export type DecidingProperties = {
  readonly tenantDbid: PropertyValue<number>;
  readonly tenantName: PropertyValue<string>;
  readonly groupDbid: PropertyValue<number>;
  readonly groupName: PropertyValue<string>;
  readonly campaign: PropertyValue<string>;
  readonly list: PropertyValue<string>;
};

export type AnnouncedTenant =
  | { readonly tenant: Tenant }
  | { readonly unowned: "unregistered" }
  | {
      readonly unowned: "contradiction";
      /** Every tenant that the announcement could mean. */
      readonly among: readonly Tenant[];
      /** The malformed properties; empty where the announcement leads to two tenants. */
      readonly malformed: readonly (keyof DecidingProperties)[];
    };

export type AnnouncedTenantFinder = (upstream: string, properties: DecidingProperties) => AnnouncedTenant;

type Value = Exclude<DecidingProperties[keyof DecidingProperties], Malformed | undefined>;
type Index = { readonly [Key in keyof DecidingProperties]: Map<Value, Tenant> };

const UNREGISTERED: AnnouncedTenant = { unowned: "unregistered" };

export const createAnnouncedTenantFinder = (tenants: readonly Tenant[]): AnnouncedTenantFinder =>
  finish(announcedTenantSteps(tenants));

export const announcedTenantSteps = function* (tenants: readonly Tenant[]): Steps<AnnouncedTenantFinder> {
  const upstreams = new Map<string, UpstreamTenants>();
  for (const tenant of tenants) {
    let known = upstreams.get(tenant.upstream);
    if (!known) upstreams.set(tenant.upstream, (known = { tenants: [], index: emptyIndex() }));
    known.tenants.push(tenant);
    for (const key of PROPERTIES) for (const value of KEYS[key](tenant)) known.index[key].set(value, tenant);
    yield;
  }
  return (upstream, properties) => {
    const known = upstreams.get(upstream);
    return known ? find(known, properties) : UNREGISTERED;
  };
};

type UpstreamTenants = { readonly tenants: Tenant[]; readonly index: Index };

const emptyIndex = (): Index => ({
  tenantDbid: new Map(),
  tenantName: new Map(),
  groupDbid: new Map(),
  groupName: new Map(),
  campaign: new Map(),
  list: new Map(),
});

/** The values of a tenant with which each property is compared. */
const KEYS: Readonly<Record<keyof DecidingProperties, (tenant: Tenant) => Iterable<Value>>> = {
  tenantDbid: ({ dbid }) => [dbid],
  tenantName: ({ name }) => [name],
  groupDbid: ({ campaignGroups }) => campaignGroups.keys(),
  groupName: ({ campaignGroups }) => [...campaignGroups.values()].map(({ name }) => name),
  campaign: ({ campaigns }) => campaigns,
  list: ({ lists }) => lists,
};
const PROPERTIES = Object.keys(KEYS) as (keyof DecidingProperties)[];

const find = (known: UpstreamTenants, announced: DecidingProperties): AnnouncedTenant => {
  const { index } = known;
  let tenant: Tenant | undefined;
  for (const key of PROPERTIES) {
    const value = announced[key];
    if (value === undefined) continue;
    if (isMalformed(value)) return contradiction(known, announced);
    const owner = index[key].get(value);
    if (owner === undefined) continue;
    if (tenant !== undefined && owner !== tenant) return contradiction(known, announced);
    tenant = owner;
  }
  if (tenant === undefined) return UNREGISTERED;
  const namesTenant = announced.tenantDbid !== undefined || announced.tenantName !== undefined;
  if (namesTenant) return isNamed(tenant, announced) ? { tenant } : contradiction(known, announced);
  // Without a tenant the group decides: a tenant outside the registry may have a campaign or list of the same name.
  const groupIsForeign = isForeign(index, "groupDbid", announced) || isForeign(index, "groupName", announced);
  return groupIsForeign ? UNREGISTERED : { tenant };
};

const isForeign = (index: Index, key: keyof DecidingProperties, announced: DecidingProperties): boolean =>
  announced[key] !== undefined && !index[key].has(announced[key] as Value);

const isNamed = ({ dbid, name }: Tenant, { tenantDbid, tenantName }: DecidingProperties): boolean =>
  (tenantDbid === undefined || tenantDbid === dbid) && (tenantName === undefined || tenantName === name);

/** A contradiction without an owner; `among` is all tenants if no property leads to one. */
const contradiction = ({ tenants }: UpstreamTenants, announced: DecidingProperties): AnnouncedTenant => {
  const among = tenants.filter((tenant) => PROPERTIES.some((key) => couldMean(tenant, key, announced[key])));
  const malformed = PROPERTIES.filter((key) => isMalformed(announced[key]));
  return { unowned: "contradiction", among: among.length > 0 ? among : tenants, malformed };
};

/** A malformed DBID may be a name, and a malformed name a DBID. */
const COUNTERPARTS: Readonly<Partial<Record<keyof DecidingProperties, keyof DecidingProperties>>> = {
  tenantDbid: "tenantName",
  tenantName: "tenantDbid",
  groupDbid: "groupName",
  groupName: "groupDbid",
};

const couldMean = (tenant: Tenant, key: keyof DecidingProperties, value: PropertyValue<string | number>): boolean => {
  if (value === undefined) return false;
  if (!isMalformed(value)) return [...KEYS[key](tenant)].includes(value);
  const counterpart = COUNTERPARTS[key];
  const meant = [...KEYS[key](tenant), ...(counterpart === undefined ? [] : KEYS[counterpart](tenant))].map(loosely);
  return value.readings.some((reading) => meant.includes(loosely(reading)) || meant.includes(String(leading(reading))));
};

const loosely = (value: string | number): string => String(value).normalize("NFKC").trim().toLowerCase();

/** The integer at the beginning of a text. */
const leading = (reading: string | number): number => Number.parseInt(loosely(reading), 10);
