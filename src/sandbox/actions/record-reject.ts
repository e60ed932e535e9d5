import { ASSUMED } from "../assumptions.ts";
import { endHandle } from "../handles.ts";
import { changeRecord } from "../records.ts";
import { DONE, type Act } from "./act.ts";
import { heldBy } from "./addressed.ts";

/** The client refuses the record: somebody else shall handle it. */
export const recordReject: Act = (world, request) => {
  const { record } = heldBy(world, request);
  changeRecord(world, record.record_id, { record_status: ASSUMED.rejectedStatus.value });
  endHandle(world, record);
  return DONE;
};
