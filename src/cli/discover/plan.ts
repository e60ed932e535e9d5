/**
 * Which tenant owns which group. OCS does not tell, so only statements count: the config, exports, and --assign. A
 * campaign belongs to one tenant, so all its groups do.
 */
import { wildcard } from "../../common/wildcard.ts";
import type { Path } from "../../settings/problems/problem.ts";
import type { Exports, StatedGroup } from "./csv/exports.ts";
import type { Group } from "./match.ts";

/** A tenant of the config. `dbid`: undefined while the config has a placeholder. */
export type KnownTenant = {
  readonly path: Path;
  readonly name: string;
  readonly dbid: number | undefined;
  readonly groups: readonly Group[];
};

/** TENANT=PATTERN: groups whose name matches belong to the tenant, a name or a DBID. */
export type Assignment = { readonly text: string; readonly tenant: string; readonly pattern: string };

/** What is to be in the config about a tenant. `path`: undefined for a new one. */
export type PlannedTenant = {
  readonly path: Path | undefined;
  readonly name: string;
  readonly dbid: number | undefined;
  readonly groups: readonly Group[];
  readonly campaigns: readonly string[];
  readonly lists: readonly string[];
};

export type Plan = {
  readonly tenants: readonly PlannedTenant[];
  /** Groups that nothing says the tenant of. */
  readonly nobody: readonly Group[];
  /** Statements that contradict each other; then nothing is written. */
  readonly conflicts: readonly string[];
  readonly notes: readonly string[];
};

/** `read`: the groups that OCS listed; undefined if it was not asked. */
export type Facts = {
  readonly known: readonly KnownTenant[];
  readonly exports: Exports;
  readonly assignments: readonly Assignment[];
  readonly read: readonly Group[] | undefined;
};

type Draft = {
  path: Path | undefined;
  readonly name: string;
  dbid: number | undefined;
  readonly groups: Group[];
};

export const planTenants = ({ known, exports, assignments, read }: Facts): Plan => {
  const conflicts: string[] = [];
  const notes: string[] = [];
  const drafts = draftsOf(known, exports, conflicts);
  const groups = joinGroups(read, exports.groups, { conflicts, notes });
  const owners = ownersOf(groups, { known, exports, assignments, drafts, conflicts });
  const nobody: Group[] = [];
  for (const group of groups) {
    const owner = owners.get(group.name);
    if (owner) owner.groups.push(group);
    else nobody.push(group);
  }
  for (const tenant of known) {
    const listed = new Set(groups.map(({ name }) => name));
    for (const { name } of tenant.groups)
      if (read && !listed.has(name)) notes.push(`${tenant.name} has ${name} in the config, which OCS does not list`);
  }
  return {
    tenants: [...drafts.values()].map((draft) => ({ ...draft, ...namesOf(draft, exports) })),
    nobody,
    conflicts,
    notes,
  };
};

const draftsOf = (known: readonly KnownTenant[], { tenants }: Exports, conflicts: string[]): Map<string, Draft> => {
  const drafts = new Map<string, Draft>(known.map(({ path, name, dbid }) => [name, { path, name, dbid, groups: [] }]));
  for (const { name, dbid, where } of tenants) {
    const draft = drafts.get(name);
    const other = [...drafts.values()].find((each) => each.dbid === dbid && each.name !== name);
    if (other) conflicts.push(`${where}: ${name} has the DBID ${dbid}, which the config has for ${other.name}`);
    else if (draft?.dbid !== undefined && draft.dbid !== dbid)
      conflicts.push(`${where}: ${name} has the DBID ${dbid}, and ${draft.dbid} in the config`);
    else if (draft) draft.dbid = dbid;
    else drafts.set(name, { path: undefined, name, dbid, groups: [] });
  }
  return drafts;
};

type Remarks = { readonly conflicts: string[]; readonly notes: string[] };

/** The groups of OCS's list with what exports add; without a list those of the exports. */
const joinGroups = (
  read: readonly Group[] | undefined,
  stated: readonly StatedGroup[],
  { conflicts, notes }: Remarks,
): readonly Group[] => {
  if (!read) return stated;
  const byName = new Map(stated.map((group) => [group.name, group]));
  const listed = new Set(read.map(({ name }) => name));
  for (const { name, where } of stated)
    if (!listed.has(name)) notes.push(`${where}: ${name} is left out, because OCS does not list it`);
  return read.map((group) => {
    const export_ = byName.get(group.name);
    if (!export_) return group;
    for (const [key, what] of IDS)
      if (group[key] !== undefined && export_[key] !== undefined && group[key] !== export_[key])
        conflicts.push(`${export_.where}: ${group.name} has ${what} ${export_[key]}, and OCS says ${group[key]}`);
    return { ...group, dbid: group.dbid ?? export_.dbid };
  });
};

const IDS = [
  ["dbid", "the DBID"],
  ["campaignId", "the campaign"],
  ["groupId", "the agent group"],
] as const;

type Claims = Pick<Facts, "known" | "exports" | "assignments"> & {
  readonly drafts: Map<string, Draft>;
  readonly conflicts: string[];
};

type Claim = { readonly tenant: string; readonly because: string };

const ownersOf = (groups: readonly Group[], claims: Claims): ReadonlyMap<string, Draft> => {
  const { assignments, conflicts, drafts } = claims;
  for (const { tenant, text } of assignments) {
    const [named, numbered] = [drafts.get(tenant), withDbid(tenant, drafts)];
    if (named && numbered && named !== numbered)
      conflicts.push(`--assign ${JSON.stringify(text)}: ${tenant} is the name of a tenant and the DBID of another`);
  }
  for (const { pattern, text } of assignments)
    if (!groups.some(({ name }) => wildcard(pattern)(name)))
      conflicts.push(`--assign ${JSON.stringify(text)}: no campaign group matches`);
  const owners = new Map<string, string>();
  const isUnclear = new Set<string>();
  for (const group of groups) {
    const found = claimsOn(group, claims);
    const tenants = new Set(found.map(({ tenant }) => tenant));
    if (tenants.size === 1) owners.set(group.name, found[0]!.tenant);
    if (tenants.size <= 1) continue;
    isUnclear.add(group.name);
    const all = found.map(({ tenant, because }) => `${tenant} (${because})`).join(" and ");
    conflicts.push(`${group.name} belongs to one tenant, and is claimed for ${all}`);
  }
  for (const same of Map.groupBy(groups, ({ campaignId }) => campaignId).values()) {
    const [{ campaignId }] = same as [Group];
    const owned = same.filter(({ name }) => owners.has(name));
    const tenants = new Set(owned.map(({ name }) => owners.get(name)!));
    if (campaignId === undefined || tenants.size === 0) continue;
    const [tenant] = tenants;
    const all = owned.map(({ name }) => `${name} to ${owners.get(name)}`).join(", ");
    if (tenants.size > 1)
      conflicts.push(`the campaign with DBID ${campaignId} belongs to one tenant, but its groups do not: ${all}`);
    else for (const { name } of same) if (!isUnclear.has(name)) owners.set(name, tenant!);
  }
  return new Map([...owners].map(([name, tenant]) => [name, drafts.get(tenant)!]));
};

const claimsOn = (group: Group, { known, exports, assignments, drafts }: Claims): Claim[] => [
  ...known
    .filter(({ groups }) => groups.some(({ name }) => name === group.name))
    .map(({ name }) => ({ tenant: name, because: "the config" })),
  ...exports.groups.filter(({ name }) => name === group.name).map(({ tenant, where }) => ({ tenant, because: where })),
  ...assignments
    .filter(({ pattern }) => wildcard(pattern)(group.name))
    .map(({ tenant, text }) => ({
      tenant: draftOf(tenant, drafts).name,
      because: `--assign ${JSON.stringify(text)}`,
    })),
];

/** The tenant with this name or DBID; a new one if no tenant has them. */
const draftOf = (tenant: string, drafts: Map<string, Draft>): Draft => {
  const found = drafts.get(tenant) ?? withDbid(tenant, drafts);
  if (found) return found;
  const made: Draft = { path: undefined, name: tenant, dbid: undefined, groups: [] };
  drafts.set(tenant, made);
  return made;
};

const withDbid = (dbid: string, drafts: ReadonlyMap<string, Draft>): Draft | undefined =>
  [...drafts.values()].find((draft) => String(draft.dbid) === dbid);

/** Groups are named Campaign@Agent group. With a further @ the name does not tell where the campaign's ends. */
const campaignIn = (group: string): string | undefined => {
  const [campaign, agents, ...more] = group.split("@");
  return agents !== undefined && more.length === 0 && campaign !== "" ? campaign : undefined;
};

const namesOf = (
  { name, groups }: Draft,
  { lists, campaigns }: Exports,
): Pick<PlannedTenant, "campaigns" | "lists"> => ({
  campaigns: [
    ...new Set([
      ...groups.flatMap((group) => campaignIn(group.name) ?? []),
      ...campaigns.filter(({ tenant }) => tenant === name).map((campaign) => campaign.name),
    ]),
  ],
  lists: lists.filter(({ tenant }) => tenant === name).map((list) => list.name),
});
