import { ASSUMED } from "../assumptions.ts";
import { endHandle } from "../world/handles.ts";
import { changeRecord } from "../world/records.ts";
import { DONE, type Act } from "./act.ts";
import { openHandleOf } from "./addressed.ts";

/** The client rejects the record, so that OCS can give it to another client. */
export const recordReject: Act = (world, request) => {
  const { record } = openHandleOf(world, request);
  changeRecord(world, record.record_id, { record_status: ASSUMED.rejectedStatus.value });
  endHandle(world, record);
  return DONE;
};
