/** May this client do that? By action, and for campaign groups by DBID. */
import type { Operation } from "../ocs/target.ts";
import type { Grant, Tenant } from "./register.ts";

/** `list`: of the client's grant, the one that does not have it. */
export type Verdict =
  | { readonly allowed: true }
  | { readonly allowed: false; readonly because: string; readonly list: "actions" | "campaign_groups" };

const allowed: Verdict = { allowed: true };

export const judge = (tenant: Tenant, client: string, { action, identifier }: Operation): Verdict => {
  const grant = tenant.clients.get(client);
  if (!grant?.actions.has(action.name))
    return { allowed: false, because: `${action.name} is not among the actions of this client`, list: "actions" };
  // A group of somebody else's is for isolation to refuse, in words that do not tell whether it exists.
  const dbid = action.resource === "campaigngroups" && identifier !== undefined ? Number(identifier) : undefined;
  if (dbid !== undefined && tenant.campaignGroups.has(dbid) && !mayTouch(grant, dbid)) {
    return {
      allowed: false,
      because: "this campaign group is not among those of this client",
      list: "campaign_groups",
    };
  }
  return allowed;
};

export const mayTouch = (grant: Grant, dbid: number): boolean =>
  grant.campaignGroups === undefined || grant.campaignGroups.has(dbid);
