import { ASSUMED } from "../assumptions.ts";
import { timeZoneByDbid } from "../world/directory.ts";
import { endHandle } from "../world/handles.ts";
import { RECORD_STATUS, RECORD_TYPE } from "../world/codes.ts";
import { processRecord } from "../world/records.ts";
import { refuse } from "../refusal.ts";
import { DONE, textIn, type Act } from "./act.ts";
import { openHandleOf } from "./addressed.ts";
import { columnsOf, namedZone, scheduledTime, userColumns } from "./columns.ts";

/**
 * Schedules a callback at GSW_DATE_TIME in the record's time zone, for one agent or for the campaign. Over HTTP this
 * ends the handle.
 */
export const recordReschedule: Act = (world, request) => {
  const { record } = openHandleOf(world, request);
  const zone = namedZone(world, request.attributes) ?? timeZoneByDbid(world, record.tz_dbid);
  const personal = (textIn(request.attributes, "GSW_CALLBACK_TYPE") ?? ASSUMED.callbackType.value) === "Personal";
  processRecord(world, record.record_id, {
    ...columnsOf(request.attributes, ["GSW_AGENT_ID", "GSW_CALL_RESULT"]),
    ...userColumns(request.attributes),
    tz_dbid: zone.dbid,
    dial_sched_time: scheduledTime(request.attributes, zone) ?? refuse("body", "GSW_DATE_TIME is missing"),
    record_type: personal ? RECORD_TYPE.personalCallBack : RECORD_TYPE.campaignCallBack,
    record_status: RECORD_STATUS.ready,
  });
  endHandle(world, record);
  return DONE;
};
