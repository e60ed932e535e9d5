import type { Attributes } from "../../ocs/body.ts";
import { ASSUMED } from "../assumptions.ts";
import { campaignByName, campaignUses, listByName } from "../world/directory.ts";
import { activeGroupOf } from "../world/groups.ts";
import { CALL_RESULT, RECORD_TYPE } from "../world/codes.ts";
import { endOfChain, insertRecord, newChain, type Changes, type NewRecord } from "../world/records.ts";
import { refuse } from "../refusal.ts";
import type { World } from "../world/world.ts";
import { DONE, integerIn, textIn, type Act, type Request } from "./act.ts";
import { openHandleOf, namedTenant } from "./addressed.ts";
import { columnsOf, namedZone, scheduledTime, userColumns } from "./columns.ts";

/**
 * Adds a row to the list in the URI, or to the list of the record whose handle is in the URI; that record stays in
 * process.
 */
export const addRecord: Act = (world, request) => {
  const list =
    request.action.resource === "records" ? openHandleOf(world, request).record.list_dbid : listFor(world, request);
  const record = newRecord(world, list, request.attributes);
  try {
    insertRecord(world, record);
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ERR_SQLITE_ERROR") refuse("not-added");
    throw error;
  }
  return DONE;
};

const listFor = (world: World, { identifier, attributes }: Request): number => {
  const tenant = namedTenant(world, attributes);
  const list = listByName(world, identifier!, tenant) ?? refuse("list-not-found");
  const campaign =
    campaignByName(world, textIn(attributes, "GSW_CAMPAIGN_NAME")!, tenant) ?? refuse("campaign-not-found");
  if (!campaignUses(world, campaign, list)) refuse("list-not-of-campaign");
  if (!activeGroupOf(world, campaign.dbid)) refuse("campaign-not-active");
  return list.dbid;
};

const DEFAULTS = {
  contact_info_type: ASSUMED.phoneType.value,
  record_type: RECORD_TYPE.general,
  record_status: ASSUMED.recordStatus.value,
  call_result: CALL_RESULT.unknown,
  attempt: 0,
  daily_from: ASSUMED.dailyFrom.value,
  daily_till: ASSUMED.dailyTill.value,
} as const satisfies Changes;

const newRecord = (world: World, list: number, attributes: Attributes): NewRecord => {
  const zone = namedZone(world, attributes) ?? refuse("unknown-time-zone");
  const chain = integerIn(attributes, "GSW_CHAIN_ID") ?? newChain(world, list);
  const columns = {
    ...DEFAULTS,
    ...columnsOf(attributes, [
      "GSW_PHONE_TYPE",
      "GSW_RECORD_TYPE",
      "GSW_RECORD_STATUS",
      "GSW_CALL_RESULT",
      "GSW_ATTEMPTS",
      "GSW_CALL_TIME",
      "GSW_FROM",
      "GSW_UNTIL",
      "GSW_AGENT_ID",
      "GSW_CUSTOMER_ID",
    ]),
    ...userColumns(attributes),
    dial_sched_time: scheduledTime(attributes, zone) ?? null,
  };
  if (isCallBack(columns.record_type) && columns.dial_sched_time === null)
    refuse("body", "a rescheduled record or callback needs GSW_DATE_TIME");
  return {
    ...columns,
    list_dbid: list,
    contact_info: textIn(attributes, "GSW_PHONE")!,
    tz_dbid: zone.dbid,
    chain_id: chain,
    chain_n: integerIn(attributes, "GSW_CHAIN_N") ?? endOfChain(world, list, chain),
  };
};

const isCallBack = (type: number): boolean =>
  type >= RECORD_TYPE.campaignRescheduled && type <= RECORD_TYPE.campaignCallBack;
