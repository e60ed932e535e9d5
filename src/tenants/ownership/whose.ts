/**
 * Which tenant owns a record that OCS announces? The register decides: its campaign group, campaign and list each
 * belong to one tenant of an OCS, and everything that is said must point to the same tenant. An announcement that
 * contradicts itself or is malformed has no owner, and could mean several tenants; a record that the register does
 * not know has no owner here. Names are compared with names, and DBIDs with DBIDs.
 */
import { isMalformed, type Malformed, type Said } from "../../ocs/properties.ts";
import type { Tenant } from "../register.ts";
import { finish, type Steps } from "../steps.ts";

/** What OCS says of a record, as far as it says it. */
export type Particulars = {
  readonly tenantDbid: Said<number>;
  readonly tenantName: Said<string>;
  readonly groupDbid: Said<number>;
  readonly groupName: Said<string>;
  readonly campaign: Said<string>;
  readonly list: Said<string>;
};

export type Whose =
  | { readonly tenant: Tenant }
  | { readonly nobody: "unregistered" }
  | {
      readonly nobody: "contradiction";
      /** Every tenant that it could mean, by any reading. */
      readonly among: readonly Tenant[];
      /** What is malformed, if it is that and not two tenants. */
      readonly malformed: readonly (keyof Particulars)[];
    };

export type Finder = (upstream: string, particulars: Particulars) => Whose;

type Value = Exclude<Particulars[keyof Particulars], Malformed | undefined>;
type Index = { readonly [Key in keyof Particulars]: Map<Value, Tenant> };

const unregistered: Whose = { nobody: "unregistered" };

export const createFinder = (tenants: readonly Tenant[]): Finder => finish(finderSteps(tenants));

export const finderSteps = function* (tenants: readonly Tenant[]): Steps<Finder> {
  const upstreams = new Map<string, Known>();
  for (const tenant of tenants) {
    let known = upstreams.get(tenant.upstream);
    if (!known) upstreams.set(tenant.upstream, (known = { tenants: [], index: emptyIndex() }));
    known.tenants.push(tenant);
    for (const key of PARTICULARS) for (const value of KEYS[key](tenant)) known.index[key].set(value, tenant);
    yield;
  }
  return (upstream, particulars) => {
    const known = upstreams.get(upstream);
    return known ? find(known, particulars) : unregistered;
  };
};

type Known = { readonly tenants: Tenant[]; readonly index: Index };

const emptyIndex = (): Index => ({
  tenantDbid: new Map(),
  tenantName: new Map(),
  groupDbid: new Map(),
  groupName: new Map(),
  campaign: new Map(),
  list: new Map(),
});

/** What of a tenant each particular may name. */
const KEYS: Readonly<Record<keyof Particulars, (tenant: Tenant) => Iterable<Value>>> = {
  tenantDbid: ({ dbid }) => [dbid],
  tenantName: ({ name }) => [name],
  groupDbid: ({ campaignGroups }) => campaignGroups.keys(),
  groupName: ({ campaignGroups }) => [...campaignGroups.values()].map(({ name }) => name),
  campaign: ({ campaigns }) => campaigns,
  list: ({ lists }) => lists,
};
const PARTICULARS = Object.keys(KEYS) as (keyof Particulars)[];

const find = (known: Known, said: Particulars): Whose => {
  const { index } = known;
  let tenant: Tenant | undefined;
  for (const key of PARTICULARS) {
    const value = said[key];
    if (value === undefined) continue;
    if (isMalformed(value)) return contradiction(known, said);
    const owner = index[key].get(value);
    if (owner === undefined) continue;
    if (tenant !== undefined && owner !== tenant) return contradiction(known, said);
    tenant = owner;
  }
  if (tenant === undefined) return unregistered;
  const stated = said.tenantDbid !== undefined || said.tenantName !== undefined;
  if (stated) return isNamed(tenant, said) ? { tenant } : contradiction(known, said);
  // No tenant is said, so the group decides: a tenant that is not in the register may have a campaign or a list of
  // the same name.
  const groupIsForeign = isForeign(index, "groupDbid", said) || isForeign(index, "groupName", said);
  return groupIsForeign ? unregistered : { tenant };
};

const isForeign = (index: Index, key: keyof Particulars, said: Particulars): boolean =>
  said[key] !== undefined && !index[key].has(said[key] as Value);

const isNamed = ({ dbid, name }: Tenant, { tenantDbid, tenantName }: Particulars): boolean =>
  (tenantDbid === undefined || tenantDbid === dbid) && (tenantName === undefined || tenantName === name);

/** Where nothing that is said points anywhere, it could be any tenant's. */
const contradiction = ({ tenants }: Known, said: Particulars): Whose => {
  const among = tenants.filter((tenant) => PARTICULARS.some((key) => couldMean(tenant, key, said[key])));
  const malformed = PARTICULARS.filter((key) => isMalformed(said[key]));
  return { nobody: "contradiction", among: among.length > 0 ? among : tenants, malformed };
};

/** A malformed tenant or group may be a name in the place of a DBID, or the other way round. */
const NAMESAKES: Readonly<Partial<Record<keyof Particulars, keyof Particulars>>> = {
  tenantDbid: "tenantName",
  tenantName: "tenantDbid",
  groupDbid: "groupName",
  groupName: "groupDbid",
};

const couldMean = (tenant: Tenant, key: keyof Particulars, said: Said<string | number>): boolean => {
  if (said === undefined) return false;
  if (!isMalformed(said)) return [...KEYS[key](tenant)].includes(said);
  const namesake = NAMESAKES[key];
  const meant = [...KEYS[key](tenant), ...(namesake === undefined ? [] : KEYS[namesake](tenant))].map(loosely);
  return said.readings.some((reading) => meant.includes(loosely(reading)) || meant.includes(String(leading(reading))));
};

const loosely = (value: string | number): string => String(value).normalize("NFKC").trim().toLowerCase();

/** The whole number with which it begins. */
const leading = (reading: string | number): number => Number.parseInt(loosely(reading), 10);
