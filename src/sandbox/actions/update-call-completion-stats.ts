import { processRecord } from "../world/records.ts";
import { DONE, type Act } from "./act.ts";
import { openHandleOf } from "./addressed.ts";
import { columnsOf, namedZone, userColumns } from "./columns.ts";

/** Writes the call result and the fields; the record stays in process and its handle stays open. */
export const updateCallCompletionStats: Act = (world, request) => {
  const { record } = openHandleOf(world, request);
  const zone = namedZone(world, request.attributes);
  processRecord(world, record.record_id, {
    ...columnsOf(request.attributes, ["GSW_CALL_RESULT", "GSW_PHONE", "GSW_PHONE_TYPE", "GSW_FROM", "GSW_UNTIL"]),
    ...userColumns(request.attributes),
    ...(zone && { tz_dbid: zone.dbid }),
  });
  return DONE;
};
