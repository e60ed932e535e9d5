/** The list of all campaign groups: each tenant sees its own part, and nothing of the others. */
import { traceIn } from "./judge.ts";
import type { Canary } from "./canaries.ts";
import type { Answer } from "./exchange.ts";

type Group = { readonly GSW_CM_AttrCampaignID?: number; readonly GSW_CM_AttrGroupID?: number };

export const ALL_GROUPS = { method: "GET", target: "/campaigngroups" } as const;

/** Why the list shows something of the second tenant; undefined if it does not. */
export const listFault = (from: Canary, to: Canary, answer: Answer): string | undefined => {
  if (answer.status !== 200) return undefined;
  const trace = traceIn(answer.text, from, to);
  if (trace !== undefined) return `the list contains ${trace}`;
  const own = new Set(from.tenant.campaign_groups.map(({ name }) => name));
  const foreign = Object.keys(groupsIn(answer)).filter((name) => !own.has(name));
  return foreign.length > 0 ? "the list contains a campaign group that is not the tenant's" : undefined;
};

/** Why the list is not the tenant's own groups; undefined if it is. */
export const ownListFault = ({ tenant }: Canary, answer: Answer): string | undefined => {
  if (answer.status !== 200) return `it was answered with ${answer.status}`;
  const shown = new Set(Object.keys(groupsIn(answer)));
  const missing = tenant.campaign_groups.filter(({ name }) => !shown.has(name)).length;
  return missing > 0 ? `the list lacks ${missing} of the tenant's own groups` : undefined;
};

const groupsIn = ({ body }: Answer): Readonly<Record<string, Group>> => {
  try {
    const { CampaignGroups = {} } = JSON.parse(body) as { readonly CampaignGroups?: Record<string, Group> };
    return CampaignGroups;
  } catch {
    return {};
  }
};
