/** `tenants`: their clients, objects and limits. */
import { z } from "zod";
import { ACTION_NAMES } from "../../ocs/catalog.ts";
import { isListName } from "../../ocs/identifiers.ts";
import { count, dbid, field, label, name, off, rate } from "./units.ts";

const action = z.enum(ACTION_NAMES);
const LIST_NAME = "a calling list's name, without / \\ % ? # or control characters";
const listName = z.string({ error: `expected ${LIST_NAME}` }).refine(isListName, { error: `expected ${LIST_NAME}` });

const limit = z
  .strictObject({
    rate: rate.describe("Long-term rate: requests per s, m, h or d, for example 50/s."),
    burst: count(1_000_000).optional().describe("Requests allowed at once. Default: twice the number of the rate."),
  })
  .transform(({ rate: of, burst }) => ({ rate: of, burst: burst ?? of.count * 2 }));

const limits = z.strictObject({
  requests: off(limit).describe("Limit of all requests together, except urgent ones."),
  urgent: off(limit).describe(
    "Limit of urgent requests together: Do-Not-Calls, cancellations, and requests that finalize a record. Default: " +
      "the same numbers as requests.",
  ),
  actions: z.partialRecord(action, limit).prefault({}).describe("Additional limits of single actions."),
});

const client = z.strictObject({
  actions: z
    .array(action, { error: "expected a list of actions, for example [DoNotCall]" })
    .describe(
      "Actions that the client may use: values of req, and ReadStatus for GET. An empty list is allowed with mode: " +
        "observe.",
    ),
  campaign_groups: off(z.array(dbid)).describe(
    "DBIDs of the campaign groups that the client may control. Default: all of the tenant.",
  ),
  limits: off(limits).describe("Rate limits of this client, in addition to those of the tenant. Default: none."),
});

const campaignGroup = z.strictObject({
  dbid: dbid.describe("DBID of the campaign group, as used in URIs."),
  name: name.describe("Name of the campaign group, as GET /campaigngroups shows it."),
  campaign_id: off(dbid).describe("DBID of the campaign. If set, OCS's answers must contain it."),
  group_id: off(dbid).describe("DBID of the agent group. If set, OCS's answers must contain it."),
});

export const tenant = z.strictObject({
  name: name.describe("Name of the tenant in the Genesys configuration."),
  dbid: dbid.describe("DBID of the tenant. The gateway always sends this one to OCS."),
  upstream: label.describe("Name of the upstream that serves this tenant."),
  mode: z
    .enum(["enforce", "observe"])
    .default("enforce")
    .describe(
      "enforce, or observe: what the policy would refuse (grants, limits, undeclared fields) is recorded and sent. " +
        "Authentication, isolation and OCS's format are enforced in any mode.",
    ),
  clients: z
    .record(label, client)
    .prefault({})
    .describe("Clients that may act for this tenant. A client may be listed under several tenants."),
  campaigns: z.array(name).default([]).describe("Names of the tenant's campaigns."),
  campaign_groups: z.array(campaignGroup).default([]).describe("The tenant's campaign groups."),
  lists: z.array(listName).default([]).describe("Names of the tenant's calling lists."),
  records: z
    .enum(["pre-dial", "registered", "dedicated", "unscoped"])
    .default("pre-dial")
    .describe(
      "How the gateway knows the tenant of a record handle: pre-dial (OCS announces each record), registered (a " +
        "component of yours registers it), dedicated (the OCS serves only this tenant), unscoped (not at all: " +
        "nothing separates the tenants' records). Required where tenants share an OCS.",
    ),
  fields: z
    .union([z.literal("any"), z.array(field)], { error: "expected any, or a list of field names" })
    .default("any")
    .describe(
      "User-defined fields that requests may contain: any, or a list of names (the `send_attribute` values of the " +
        "calling lists' columns).",
    ),
  limits: off(limits).describe("Rate limits of the tenant. Default: none."),
  share: z
    .number({ error: "expected a number from 0.001 to 1000" })
    .min(0.001, { error: "expected a number from 0.001 to 1000" })
    .max(1000, { error: "expected a number from 0.001 to 1000" })
    .default(1)
    .describe("Weight of the tenant when lanes are scheduled."),
});
