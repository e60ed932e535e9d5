/**
 * Is it the answer to this request? HTTP/1.1 answers carry no id, so a late one could be somebody else's: what it says must be what was asked for.
 * Source: the manual's two examples of GET.
 */
import { MESSAGE_TYPES } from "../ocs/answer.ts";
import type { Operation } from "../ocs/target.ts";
import type { CampaignGroup, Tenant } from "../tenants/register.ts";

export type Group = Readonly<Record<string, unknown>>;

/** For the body of a positive answer to a GET. */
export const shapeOf = ({ identifier }: Operation, tenant: Tenant): ((body: Uint8Array) => boolean) => {
  if (identifier === undefined) return (body) => readGroups(body) !== undefined;
  const asked = tenant.campaignGroups.get(Number(identifier))!;
  return (body) => {
    const group = readObject(body);
    return group?.GSW_CM_MessageType === MESSAGE_TYPES.oneGroup && isThis(asked, group);
  };
};

/** The groups of GET /campaigngroups by name; undefined when it is another answer. */
export const readGroups = (body: Uint8Array): Readonly<Record<string, Group | undefined>> | undefined => {
  const answer = readObject(body);
  if (answer?.GSW_CM_MessageType !== MESSAGE_TYPES.allGroups || !isObject(answer.CampaignGroups)) return undefined;
  return Object.assign(Object.create(null), answer.CampaignGroups) as Record<string, Group>;
};

/** A name alone is not enough where the register knows the ids as well. */
export const isThis = ({ campaignId, groupId }: CampaignGroup, found: Group | undefined): found is Group =>
  isObject(found) &&
  (campaignId === undefined || found.GSW_CM_AttrCampaignID === campaignId) &&
  (groupId === undefined || found.GSW_CM_AttrGroupID === groupId);

/** Undefined when the body is no JSON object. */
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
