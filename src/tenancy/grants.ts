/** Decides whether a client may do an action; for campaign groups also by DBID. */
import type { Operation } from "../ocs/target.ts";
import type { ClientGrant, Tenant } from "./registry.ts";

/** `list`: the key of the client's grant whose list lacks the action or the group. */
export type GrantDenied = {
  readonly allowed: false;
  readonly because: string;
  readonly list: "actions" | "campaign_groups";
};

const ALLOWED = { allowed: true } as const;

export const checkGrant = (
  tenant: Tenant,
  client: string,
  { action, identifier }: Operation,
): typeof ALLOWED | GrantDenied => {
  const grant = tenant.clients.get(client);
  if (!grant?.actions.has(action.name))
    return { allowed: false, because: `${action.name} is not among the actions of this client`, list: "actions" };
  // `isolate` refuses a group of another tenant, with a text that does not reveal whether it exists.
  const dbid = action.resource === "campaigngroups" && identifier !== undefined ? Number(identifier) : undefined;
  if (dbid !== undefined && tenant.campaignGroups.has(dbid) && !grantsGroup(grant, dbid)) {
    return {
      allowed: false,
      because: "this campaign group is not among those of this client",
      list: "campaign_groups",
    };
  }
  return ALLOWED;
};

export const grantsGroup = (grant: ClientGrant, dbid: number): boolean =>
  grant.campaignGroups === undefined || grant.campaignGroups.has(dbid);
