/** `tenants`: who may do what, and what belongs to whom. */
import { z } from "zod";
import { ACTION_NAMES } from "../ocs/catalog.ts";
import { isListName } from "../ocs/identifiers.ts";
import { count, dbid, field, label, name, off, rate } from "./units.ts";

const action = z.enum(ACTION_NAMES);
const LIST_NAME = "a calling list's name, without / \\ % ? # or control characters";
const listName = z.string({ error: `expected ${LIST_NAME}` }).refine(isListName, { error: `expected ${LIST_NAME}` });

const limit = z
  .strictObject({
    rate: rate.describe("Requests per s, m, h or d in the long run, as in 50/s."),
    burst: count(1_000_000).optional().describe("Requests at once. Twice the rate's number when left out."),
  })
  .transform(({ rate: of, burst }) => ({ rate: of, burst: burst ?? of.count * 2 }));

const limits = z.strictObject({
  requests: off(limit).describe("For all requests together, but for urgent ones."),
  urgent: off(limit).describe(
    "For urgent requests together: Do-Not-Calls, cancellations, and what ends a record's handle. The numbers of requests when left out.",
  ),
  actions: z.partialRecord(action, limit).prefault({}).describe("For single actions, besides."),
});

const client = z.strictObject({
  actions: z
    .array(action)
    .min(1, { error: "expected at least one action" })
    .describe("The req values that the client may use, and ReadStatus for the GETs."),
  campaign_groups: off(z.array(dbid)).describe(
    "DBIDs of the groups that the client may control. Every group of the tenant when left out.",
  ),
  limits: off(limits).describe("Rate limits of this client, besides those of the tenant. None when left out."),
});

const campaignGroup = z.strictObject({
  dbid: dbid.describe("The campaign group's DBID, as it stands in URIs."),
  name: name.describe("The campaign group's name, as GET /campaigngroups shows it."),
  campaign_id: off(dbid).describe("The campaign's DBID. When given, OCS's answer must show it."),
  group_id: off(dbid).describe("The agent group's DBID. When given, OCS's answer must show it."),
});

export const tenant = z.strictObject({
  name: name.describe("The tenant's name in Genesys configuration."),
  dbid: dbid.describe("The tenant's DBID. OCS is always told this one."),
  upstream: label.describe("Which of upstreams serves this tenant."),
  mode: z
    .enum(["enforce", "observe"])
    .default("enforce")
    .describe("observe: refusals by policy are recorded and not applied."),
  clients: z
    .record(label, client)
    .prefault({})
    .describe("Who may act for this tenant. One client may stand under several tenants."),
  campaigns: z.array(name).default([]).describe("Names of the tenant's campaigns."),
  campaign_groups: z.array(campaignGroup).default([]).describe("The tenant's campaign groups."),
  lists: z.array(listName).default([]).describe("Names of the tenant's calling lists."),
  records: z
    .enum(["pre-dial", "registered", "dedicated", "unscoped"])
    .default("pre-dial")
    .describe(
      "What separates tenants on /records: pre-dial (OCS announces each record), registered (a component of yours does), dedicated (the OCS serves " +
        "this tenant alone), unscoped (nothing does, and that is accepted). Must be stated where tenants share an OCS.",
    ),
  fields: z
    .union([z.literal("any"), z.array(field)])
    .default("any")
    .describe(
      "User-defined fields that may be sent: any, or a list of names: the `send_attribute` of the calling lists' columns.",
    ),
  limits: off(limits).describe("Rate limits. None when left out."),
  share: z
    .number({ error: "expected a number from 0.001" })
    .min(0.001, { error: "expected a number from 0.001" })
    .max(1000, { error: "expected a number up to 1000" })
    .default(1)
    .describe("The tenant's weight when lanes are given out."),
});
