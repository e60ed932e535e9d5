/** The user-defined fields that a tenant's requests had. */
import { isFieldName } from "../../ocs/field-name.ts";
import type { Path } from "../../settings/problems/problem.ts";
import type { TenantSettings } from "../../settings/schema/schema.ts";
import { sumOf } from "./evidence.ts";
import { NOTHING, type Change, type Proposal, type Thresholds } from "./proposal.ts";
import type { TenantTraffic } from "./traffic.ts";

/** `areNamed`: undefined, or why the journal does not have all names of fields. */
export type FieldOptions = Thresholds & { readonly unnamed: string | undefined };

const KEY = "fields";

export const proposeFields = (
  path: Path,
  { fields: given }: TenantSettings,
  traffic: TenantTraffic,
  options: FieldOptions,
): Proposal => {
  const names = traffic.fields.names().filter(isFieldName);
  const why = reasonToKeep(traffic, options);
  if (given === "any") {
    if (options.addOnly || traffic.clients.size === 0) return NOTHING;
    if (why !== undefined) return { ...NOTHING, notes: [`fields stays any: ${why}`] };
    const value = names.toSorted();
    const change: Change = {
      change: "set",
      key: KEY,
      value: `[${value.join(", ")}]`,
      evidence: sumOf(value.map((name) => traffic.fields.get(name))),
      ...(value.length === 0 && { why: "no request had a user-defined field" }),
    };
    return { ...NOTHING, changes: [change], edits: [{ path: [...path, KEY], value }] };
  }
  return ofList(path, given, names, traffic, { ...options, addOnly: options.addOnly || why !== undefined }, why);
};

const ofList = (
  path: Path,
  given: readonly string[],
  names: readonly string[],
  traffic: TenantTraffic,
  { minRequests, addOnly }: Thresholds,
  why: string | undefined,
): Proposal => {
  const kept = given.filter((name) => addOnly || traffic.clients.size === 0 || traffic.fields.has(name));
  const news = names.filter((name) => !given.includes(name));
  const added = news.filter((name) => traffic.fields.get(name)!.requests >= minRequests);
  const removed = given.filter((name) => !kept.includes(name));
  const changes = [
    ...added.map((value): Change => ({ change: "add", key: KEY, value, evidence: traffic.fields.get(value) })),
    ...removed.map((value): Change => ({ change: "remove", key: KEY, value, evidence: undefined })),
  ];
  return {
    changes,
    edits: changes.length === 0 ? [] : [{ path: [...path, KEY], value: [...kept, ...added] }],
    rare: news
      .filter((name) => !added.includes(name))
      .map((value) => ({ key: KEY, value, evidence: traffic.fields.get(value)! })),
    notes: why === undefined ? [] : [`no field is removed: ${why}`],
  };
};

const reasonToKeep = ({ fields, maskedFields }: TenantTraffic, { unnamed }: FieldOptions): string | undefined => {
  if (unnamed !== undefined) return unnamed;
  const masked = maskedFields.get("");
  if (masked)
    return (
      `${masked.requests} requests, for example ${masked.ids[0]}, had a field whose name may contain a phone number; ` +
      "the journal masks such names: ask the client's developers for it, because a list without it would refuse them"
    );
  return fields.uncounted > 0 ? "requests had more different fields than are counted" : undefined;
};
