/** Which line of the config file decided: what grants the action, or what lacks the name. */
import type { Path } from "../settings/problem.ts";
import type { Settings } from "../settings/schema.ts";
import type { Rehearsed, RefusalEntry } from "./rehearse.ts";

export const placeOf = ({ tenants }: Settings, client: string, { order, refusal }: Rehearsed): Path => {
  const tenant = order?.owner.name ?? refusal?.tenant?.name;
  const found = tenants.findIndex(({ name, clients }) =>
    tenant === undefined ? Object.hasOwn(clients, client) : name === tenant,
  );
  if (found < 0) return ["tenants"];
  return ["tenants", found, ...(refusal ? lackingIn(client, refusal) : ["clients", client, "actions"])];
};

/** Which list of the tenant does not have what was asked for. */
export const lackingIn = (client: string, { code, pointer, resource, detail }: RefusalEntry): readonly string[] => {
  switch (code) {
    case "OCSGW-2103":
      return ["dbid"];
    case "OCSGW-2104":
      return [
        pointer === "/GSW_CAMPAIGN_NAME" ? "campaigns" : resource === "campaigngroups" ? "campaign_groups" : "lists",
      ];
    case "OCSGW-2106":
      return ["records"];
    case "OCSGW-2101":
      return ["clients", client, detail?.includes("campaign group") ? "campaign_groups" : "actions"];
    case "OCSGW-1007":
      return ["fields"];
    default:
      return ["clients", client];
  }
};
