/**
 * Checks that an answer belongs to its request. HTTP/1.1 answers have no id, so a late one could belong to another
 * request; its content must match the request. Source: the manual's two examples of GET.
 */
import { MESSAGE_TYPES } from "../ocs/answer-tables.ts";
import type { Operation } from "../ocs/target.ts";
import type { CampaignGroup, Tenant } from "../tenancy/registry.ts";

export type Group = Readonly<Record<string, unknown>>;

/** Returns a check of the body of a positive answer to this GET. */
export const expectedAnswer = ({ identifier }: Operation, tenant: Tenant): ((body: Uint8Array) => boolean) => {
  if (identifier === undefined) return (body) => readGroups(body) !== undefined;
  const asked = tenant.campaignGroups.get(Number(identifier))!;
  return (body) => {
    const group = readObject(body);
    return group?.GSW_CM_MessageType === MESSAGE_TYPES.oneGroup && isAnswerTo(asked, group);
  };
};

/** The groups in an answer to GET /campaigngroups, by name; undefined when the body is another answer. */
export const readGroups = (body: Uint8Array): Readonly<Record<string, Group | undefined>> | undefined => {
  const answer = readObject(body);
  if (answer?.GSW_CM_MessageType !== MESSAGE_TYPES.allGroups || !isObject(answer.CampaignGroups)) return undefined;
  return Object.assign(Object.create(null), answer.CampaignGroups) as Record<string, Group>;
};

/** True when `found` has the ids of the group, as far as the config has them. */
export const isAnswerTo = ({ campaignId, groupId }: CampaignGroup, found: Group | undefined): found is Group =>
  isObject(found) &&
  (campaignId === undefined || found.GSW_CM_AttrCampaignID === campaignId) &&
  (groupId === undefined || found.GSW_CM_AttrGroupID === groupId);

/** Undefined when the body is not a JSON object. */
const readObject = (body: Uint8Array): Group | undefined => {
  try {
    const value: unknown = JSON.parse(Buffer.from(body).toString("utf8"));
    return isObject(value) ? value : undefined;
  } catch {
    return undefined;
  }
};

const isObject = (value: unknown): value is Group =>
  typeof value === "object" && value !== null && !Array.isArray(value);
