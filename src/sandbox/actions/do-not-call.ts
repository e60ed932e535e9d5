import { banFromCalls, stopRecord } from "../world/do-not-call-list.ts";
import { campaignByName, listByDbid, listByName, type Tenant } from "../world/directory.ts";
import { RECORD_STATUS } from "../world/codes.ts";
import { findUnfinished } from "../world/records.ts";
import { refuse } from "../refusal.ts";
import type { World } from "../world/world.ts";
import { DONE, textIn, type Act, type Answer, type Request } from "./act.ts";
import { addressee, asChainAttr, openHandleOf, requiredTenant } from "./addressed.ts";

/**
 * Adds an entry to the tenant's do-not-call list and stops matching records in process. Records not yet retrieved are
 * checked before they are dialed.
 */
export const doNotCall: Act = (world, request) =>
  request.action.resource === "records" ? byHandle(world, request) : byNumber(world, request);

/** The handle takes precedence over a phone in the body; a customer id in the body is listed as well. */
const byHandle = (world: World, request: Request): Answer => {
  const { record } = openHandleOf(world, request);
  const tenant = listByDbid(world, record.list_dbid)!.tenant_dbid;
  const customerId = textIn(request.attributes, "GSW_CUSTOMER_ID");
  for (const { contact_info, list_dbid } of asChainAttr(world, request, [record])) {
    banFromCalls(world, { tenant, phone: contact_info, campaign: record.campaign_id ?? undefined, list: list_dbid });
  }
  if (customerId !== undefined)
    banFromCalls(world, { tenant, customerId, campaign: record.campaign_id ?? undefined, list: record.list_dbid });
  for (const each of asChainAttr(world, request, [record])) stopRecord(world, each);
  return DONE;
};

/** No record needs to exist: an agent may list a number during an inbound call. */
const byNumber = (world: World, request: Request): Answer => {
  const tenant = requiredTenant(world, request.attributes);
  const scope = { tenant: tenant.dbid, ...namedPlace(world, request, tenant) };
  banFromCalls(world, { ...scope, ...addressee(request) });
  const inProcess = findUnfinished(world, { tenant: tenant.dbid, ...addressee(request) }).filter(
    ({ record_status }) => record_status === RECORD_STATUS.retrieved,
  );
  for (const record of asChainAttr(world, request, inProcess)) {
    if (request.action.resource === "phones") banFromCalls(world, { ...scope, phone: record.contact_info });
    stopRecord(world, record);
  }
  return DONE;
};

/** DBIDs of the campaign and the list in the body; absent when the body names none. */
const namedPlace = (world: World, { attributes }: Request, tenant: Tenant): { campaign?: number; list?: number } => {
  const campaign = textIn(attributes, "GSW_CAMPAIGN_NAME");
  const list = textIn(attributes, "GSW_CALLING_LIST");
  return {
    ...(campaign !== undefined && {
      campaign: (campaignByName(world, campaign, tenant) ?? refuse("unknown-campaign")).dbid,
    }),
    ...(list !== undefined && { list: (listByName(world, list, tenant) ?? refuse("unknown-list")).dbid }),
  };
};
