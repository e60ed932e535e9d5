/** Maps every action of the catalog to its function; a missing action is a compile error. */
import type { ActionName } from "../../ocs/catalog.ts";
import type { Act } from "./act.ts";
import { addRecord } from "./add-record.ts";
import { groupRequest } from "./campaign-group.ts";
import { doNotCall } from "./do-not-call.ts";
import { readStatus } from "./read-status.ts";
import { recordProcessed } from "./record-processed.ts";
import { recordReject } from "./record-reject.ts";
import { recordReschedule } from "./record-reschedule.ts";
import { requestRecordCancel } from "./request-record-cancel.ts";
import { updateCallCompletionStats } from "./update-call-completion-stats.ts";

export const ACTS: Readonly<Record<ActionName, Act>> = {
  UpdateCallCompletionStats: updateCallCompletionStats,
  RecordProcessed: recordProcessed,
  RecordReject: recordReject,
  RequestRecordCancel: requestRecordCancel,
  DoNotCall: doNotCall,
  RecordReschedule: recordReschedule,
  AddRecord: addRecord,
  Load: groupRequest("Load"),
  StartDialing: groupRequest("StartDialing"),
  SetDialingMode: groupRequest("SetDialingMode"),
  StopDialing: groupRequest("StopDialing"),
  Unload: groupRequest("Unload"),
  ForceUnload: groupRequest("ForceUnload"),
  Launch: groupRequest("Launch"),
  Stage: groupRequest("Stage"),
  Complete: groupRequest("Complete"),
  ReadStatus: readStatus,
};
