/** The campaign groups in OCS's answers to GET, read strictly: OCS names each group, but not its own DBID or tenant. */
import { MESSAGE_TYPES } from "../../ocs/answer-tables.ts";
import { JsonFault } from "../../ocs/json-fault.ts";
import { scanJsonText, type JsonObject, type JsonValue } from "../../ocs/json.ts";
import { name } from "../../settings/schema/units.ts";

/** `campaignId`, `groupId`: DBIDs of the campaign and of the agent group. */
export type Ids = { readonly campaignId: number; readonly groupId: number };
export type ListedGroup = Ids & { readonly name: string };

/** `unclear`: what cannot be taken from the list, one sentence each. */
export type GroupList = { readonly groups: readonly ListedGroup[]; readonly unclear: readonly string[] };

const LIMITS = { depth: 16, members: 2_000_000, anyKey: true } as const;

/** Undefined if the body is not OCS's list of campaign groups. */
export const listIn = (body: Uint8Array): GroupList | undefined => {
  const answer = objectIn(body);
  if (answer === undefined || only(answer, "GSW_CM_MessageType") !== MESSAGE_TYPES.allGroups) return undefined;
  const list = only(answer, "CampaignGroups");
  if (!isObject(list)) return undefined;
  const unclear: string[] = [];
  const groups: ListedGroup[] = [];
  for (const [called, same] of Map.groupBy(list.members, ({ key }) => key)) {
    const ids = same.map(({ value }) => (isObject(value) ? idsIn(value) : undefined));
    if (same.length > 1)
      unclear.push(
        `OCS lists ${called} ${same.length} times: two tenants have groups of this name; enter them by hand`,
      );
    else if (ids[0] === undefined)
      unclear.push(`OCS lists ${called} without the DBIDs of its campaign and agent group`);
    else if (!name.safeParse(called).success)
      unclear.push(`the name ${JSON.stringify(called)} cannot be in a config; rename the group`);
    else groups.push({ name: called, ...ids[0] });
  }
  return { groups, unclear };
};

/** The ids in the answer to a GET of one group; undefined if it is another answer. */
export const idsInAnswer = (body: Uint8Array): Ids | undefined => {
  const answer = objectIn(body);
  return answer !== undefined && only(answer, "GSW_CM_MessageType") === MESSAGE_TYPES.oneGroup
    ? idsIn(answer)
    : undefined;
};

const idsIn = (group: JsonObject): Ids | undefined => {
  const campaignId = only(group, "GSW_CM_AttrCampaignID");
  const groupId = only(group, "GSW_CM_AttrGroupID");
  return isDbid(campaignId) && isDbid(groupId) ? { campaignId, groupId } : undefined;
};

const isDbid = (value: unknown): value is number =>
  typeof value === "number" && Number.isInteger(value) && value >= 1 && value <= 2_147_483_647;

/** The member's value. It may stand several times if all are equal, as in an example of the manual. */
const only = (object: JsonObject, key: string): JsonValue | undefined => {
  const [first, ...more] = object.members.filter((member) => member.key === key).map(({ value }) => value);
  return more.every((value) => value === first) ? first : undefined;
};

const isObject = (value: JsonValue | undefined): value is JsonObject =>
  typeof value === "object" && value !== null && value.kind === "object";

const objectIn = (body: Uint8Array): JsonObject | undefined => {
  try {
    const value = scanJsonText(new TextDecoder("utf-8", { fatal: true }).decode(body), LIMITS);
    return isObject(value) ? value : undefined;
  } catch (error) {
    if (error instanceof JsonFault || error instanceof TypeError) return undefined;
    throw error;
  }
};

/** The first version that answers GET, as its own examples name it. */
const FIRST = [8, 1, 524, 3];

/** True for an OCS that is too old for GET, by its header Server; undefined if the header does not tell. */
export const isTooOld = (server: string | undefined): boolean | undefined => {
  const [, version] = /^OCS\/(\d+(?:\.\d+){1,5})/i.exec(server ?? "") ?? [];
  if (version === undefined) return undefined;
  const parts = version.split(".").map(Number);
  for (const [at, wanted] of FIRST.entries()) {
    const part = parts[at] ?? 0;
    if (part !== wanted) return part < wanted;
  }
  return false;
};
