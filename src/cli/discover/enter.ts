/** Enters a plan into a config: adds what is missing, fills placeholders, and changes nothing that people stated. */
import { literal, type ConfigEdit } from "../../settings/edit/config-edit.ts";
import type { Path } from "../../settings/problems/problem.ts";
import type { Group } from "./match.ts";
import type { Plan, PlannedTenant } from "./plan.ts";

/** A value that is not known. check refuses it, and shows whose it is. */
export const placeholder = (what: string): string => `<DBID of ${literal(what)}>`;
export const isPlaceholder = (value: unknown): boolean => typeof value === "string" && /^<DBID of .*>$/s.test(value);

/** `records`: of new tenants. */
export type EnterOptions = { readonly upstream: string; readonly records: string | undefined };

/** Returns what contradicts the config, one sentence each; the edit is then of no use. */
export const enterPlan = (edit: ConfigEdit, { tenants }: Plan, options: EnterOptions): readonly string[] => {
  const conflicts: string[] = [];
  for (const tenant of tenants) {
    if (tenant.path === undefined) addTenant(edit, { tenant, options }, conflicts);
    else enterTenant(edit, { ...tenant, path: tenant.path }, conflicts);
  }
  return conflicts;
};

type NewTenant = { readonly tenant: PlannedTenant; readonly options: EnterOptions };

const addTenant = (edit: ConfigEdit, { tenant, options }: NewTenant, conflicts: string[]): void => {
  const same = edit.tenants().find(({ value }) => value["name"] === literal(tenant.name));
  if (same) conflicts.push(`${tenant.name} is in the config already, as a tenant of another upstream`);
  else edit.addTenant(skeleton(tenant, options));
};

const skeleton = (
  { name, dbid, groups, campaigns, lists }: PlannedTenant,
  { upstream, records }: EnterOptions,
): object => ({
  name: literal(name),
  dbid: dbid ?? placeholder(name),
  upstream,
  mode: "observe",
  clients: {},
  campaigns: campaigns.map(literal),
  campaign_groups: groups.map(entryOf),
  lists: lists.map(literal),
  ...(records !== undefined && { records }),
});

const entryOf = ({ name, dbid, campaignId, groupId }: Group): object => ({
  dbid: dbid ?? placeholder(name),
  name: literal(name),
  ...(campaignId !== undefined && { campaign_id: campaignId }),
  ...(groupId !== undefined && { group_id: groupId }),
});

const enterTenant = (
  edit: ConfigEdit,
  { path, name, dbid, groups, campaigns, lists }: PlannedTenant & { readonly path: Path },
  conflicts: string[],
): void => {
  if (dbid !== undefined && isPlaceholder(edit.get([...path, "dbid"]))) edit.set([...path, "dbid"], dbid);
  addNames(edit, [...path, "campaigns"], campaigns);
  for (const group of groups) enterGroup(edit, { path: [...path, "campaign_groups"], group, tenant: name }, conflicts);
  addNames(edit, [...path, "lists"], lists);
};

const listAt = (edit: ConfigEdit, path: Path): readonly unknown[] => {
  const list = edit.get(path);
  return Array.isArray(list) ? (list as unknown[]) : [];
};

const addNames = (edit: ConfigEdit, path: Path, names: readonly string[]): void => {
  const present = listAt(edit, path);
  const missing = names.map(literal).filter((name) => !present.includes(name));
  if (missing.length > 0) edit.set(path, [...present, ...missing]);
};

type GroupEntry = { readonly path: Path; readonly group: Group; readonly tenant: string };

const KEYS = [
  ["dbid", "dbid"],
  ["campaign_id", "campaignId"],
  ["group_id", "groupId"],
] as const;

const enterGroup = (edit: ConfigEdit, { path, group, tenant }: GroupEntry, conflicts: string[]): void => {
  const at = listAt(edit, path).findIndex((each) => (each as { name?: unknown } | null)?.name === literal(group.name));
  if (at === -1) {
    edit.append(path, entryOf(group));
    return;
  }
  for (const [key, from] of KEYS) {
    const [stated, found] = [edit.get([...path, at, key]), group[from]];
    if (found === undefined || stated === found) continue;
    if (stated === undefined || stated === null || isPlaceholder(stated)) edit.set([...path, at, key], found);
    else
      conflicts.push(
        `${tenant}: ${group.name} has ${key}: ${JSON.stringify(stated)} in the config, and it is ${found}`,
      );
  }
};
