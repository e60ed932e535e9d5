import { RECORD_STATUS } from "../numbers.ts";
import { endHandle } from "../handles.ts";
import { processRecord, unfinishedChain } from "../records.ts";
import type { CallingRecord } from "../schema.ts";
import type { World } from "../world.ts";
import { DONE, textIn, type Act } from "./act.ts";
import { heldBy } from "./addressed.ts";
import { columnsOf, userColumns } from "./columns.ts";

/** Ends processing with a final result. A treatment is applied only when the body asks for one. */
export const recordProcessed: Act = (world, request) => {
  const { record } = heldBy(world, request);
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

/** The history, oldest first; when the column is full, the oldest give way. */
const withTreatment = ({ treatments }: CallingRecord, treatment: string): string => {
  const history = [...(treatments === null ? [] : treatments.split(";")), treatment];
  while (history.join(";").length > MAX_HISTORY) history.shift();
  return history.join(";");
};

/** The rest of the chain has nothing left to do: the customer was reached. */
const updateChain = (world: World, processed: CallingRecord): void => {
  const waiting = unfinishedChain(world, processed).filter(
    ({ record_status }) => record_status !== RECORD_STATUS.retrieved,
  );
  for (const { record_id } of waiting) processRecord(world, record_id, { record_status: RECORD_STATUS.chainUpdated });
};
