import { RECORD_STATUS } from "../world/codes.ts";
import { endHandle } from "../world/handles.ts";
import { processRecord, unfinishedChain } from "../world/records.ts";
import type { CallingRecord } from "../world/schema.ts";
import type { World } from "../world/world.ts";
import { DONE, textIn, type Act } from "./act.ts";
import { openHandleOf } from "./addressed.ts";
import { columnsOf, userColumns } from "./columns.ts";

/** Ends the processing of a record with a final result. Applies a treatment only if the body has one. */
export const recordProcessed: Act = (world, request) => {
  const { record } = openHandleOf(world, request);
  const treatment = textIn(request.attributes, "GSW_TREATMENT");
  processRecord(world, record.record_id, {
    ...columnsOf(request.attributes, ["GSW_CALL_RESULT"]),
    ...userColumns(request.attributes),
    ...(treatment !== undefined && { treatments: withTreatment(record, treatment) }),
    record_status: RECORD_STATUS.updated,
  });
  endHandle(world, record);
  updateChain(world, record);
  return DONE;
};

const MAX_HISTORY = 255;

/** The treatments with one added, oldest first; drops the oldest while the text exceeds the column. */
const withTreatment = ({ treatments }: CallingRecord, treatment: string): string => {
  const history = [...(treatments === null ? [] : treatments.split(";")), treatment];
  while (history.join(";").length > MAX_HISTORY) history.shift();
  return history.join(";");
};

/** Ends the rest of the chain: the customer was reached. */
const updateChain = (world: World, processed: CallingRecord): void => {
  const waiting = unfinishedChain(world, processed).filter(
    ({ record_status }) => record_status !== RECORD_STATUS.retrieved,
  );
  for (const { record_id } of waiting) processRecord(world, record_id, { record_status: RECORD_STATUS.chainUpdated });
};
