import { campaignByName, listByName } from "../world/directory.ts";
import { endHandle } from "../world/handles.ts";
import { CALL_RESULT, RECORD_STATUS } from "../world/codes.ts";
import { findUnfinished, processRecord } from "../world/records.ts";
import { refuse } from "../refusal.ts";
import type { CallingRecord } from "../world/schema.ts";
import type { World } from "../world/world.ts";
import { DONE, textIn, type Act, type Request } from "./act.ts";
import { addressee, asChainAttr, openHandleOf, requiredTenant } from "./addressed.ts";

/** Cancels the record of a handle, or a tenant's records by phone or customer id, in one or in all loaded campaigns. */
export const requestRecordCancel: Act = (world, request) => {
  const addressed =
    request.action.resource === "records" ? [openHandleOf(world, request).record] : found(world, request);
  if (addressed.length === 0) refuse("no-record");
  for (const record of asChainAttr(world, request, addressed)) {
    processRecord(world, record.record_id, {
      record_status: RECORD_STATUS.cancelled,
      call_result: CALL_RESULT.cancelRecord,
    });
    endHandle(world, record);
  }
  return DONE;
};

const found = (world: World, request: Request): CallingRecord[] => {
  const tenant = requiredTenant(world, request.attributes);
  const campaignName = textIn(request.attributes, "GSW_CAMPAIGN_NAME");
  const listName = textIn(request.attributes, "GSW_CALLING_LIST");
  const campaign =
    campaignName === undefined
      ? undefined
      : (campaignByName(world, campaignName, tenant) ?? refuse("unknown-campaign"));
  const list = listName === undefined ? undefined : (listByName(world, listName, tenant) ?? refuse("unknown-list"));
  return findUnfinished(world, {
    tenant: tenant.dbid,
    ...addressee(request),
    campaign: campaign?.dbid,
    list: list?.dbid,
  });
};
