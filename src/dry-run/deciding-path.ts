/** The line of the config that decided about a dry run. */
import { readSetting } from "../gateway/deciding-setting.ts";
import type { Path } from "../settings/problems/problem.ts";
import type { Settings } from "../settings/schema/schema.ts";
import type { DryRunResult } from "./evaluate.ts";

/** The setting that the refusal names; else the client's place in its tenant, and its `actions` when it is allowed. */
export const decidingPath = ({ tenants }: Settings, client: string, { order, refusal }: DryRunResult): Path => {
  const decided = refusal?.setting === undefined ? undefined : readSetting(refusal.setting);
  if (decided) return decided;
  const tenant = order?.owner.name ?? refusal?.tenant?.name;
  const place = tenants.findIndex(({ name, clients }) =>
    tenant === undefined ? Object.hasOwn(clients, client) : name === tenant,
  );
  if (place < 0) return ["tenants"];
  return ["tenants", place, "clients", client, ...(order ? ["actions"] : [])];
};
