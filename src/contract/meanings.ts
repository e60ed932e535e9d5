/** What each attribute of a request body means, in one line. Source: the manual's tables of body attributes. */
import type { AttributeName } from "../ocs/attributes.ts";
import type { ActionName, ResourceName } from "../ocs/catalog.ts";

export const MEANINGS: Readonly<Record<AttributeName, string>> = {
  GSW_TENANT_DBID: "The tenant. The gateway fills it in for a client of one tenant",
  GSW_TENANT_NAME: "The tenant, by name. The gateway sends OCS the DBID",
  GSW_RECORD_HANDLE: "The record handle. The path says it already; it must be the same",
  GSW_PHONE: "The phone number or address of the record",
  GSW_CUSTOMER_ID: "The customer id of the record",
  GSW_CALLING_LIST: "The calling list, by name",
  GSW_CAMPAIGN_NAME: "The campaign, by name. For a cancellation: only records of this campaign",
  GSW_APPLICATION_ID: "The DBID of the OCS application",
  GSW_AGENT_ID: "The agent's login, for a personal callback",
  GSW_ATTEMPTS: "The number of attempts made so far",
  GSW_AUTO_COMPLETION: "1: OCS stops and unloads the group when no records are left",
  GSW_CALLBACK_TYPE: "Who makes the callback",
  GSW_CALL_RESULT: "The result of the call",
  GSW_CALL_TIME: "The time of the last attempt, seconds since 1970, UTC",
  GSW_CHAIN_ATTR: "Whether the request is about the whole chain of records or this record only",
  GSW_CHAIN_ID: "The chain to which the record belongs; without it OCS starts a new chain",
  GSW_CHAIN_N: "The position of the record in its chain",
  GSW_CM_AttrDialMode: "The dialing mode",
  GSW_CM_AttrOptimizeBy: "What a predictive mode optimizes",
  GSW_CM_AttrOptimizeGoal: "The target of the optimization: per cent or seconds",
  GSW_CM_AttrProperties: "Further properties of the campaign group",
  GSW_DATE_TIME: "When to call, in the time zone of the record: MM/dd/yyyy HH:mm, 24 hours",
  GSW_FROM: "The earliest time of day to call, seconds since midnight",
  GSW_UNTIL: "The latest time of day to call, seconds since midnight",
  GSW_PHONE_TYPE: "The kind of phone number or address",
  GSW_RECORD_STATUS: "The status of the record",
  GSW_RECORD_TYPE: "The type of the record",
  GSW_TREATMENT: "The treatment to apply; without it none is applied",
  GSW_TZ_NAME: "The time zone of the record: the name of a configured time zone object",
};

/** What each action does, in one sentence without a full stop. */
export const PURPOSES: Readonly<Record<ActionName, string>> = {
  UpdateCallCompletionStats: "Store the call result and fields of a record, and keep the record open",
  RecordProcessed: "Store the call result and fields of a record, and end its processing",
  RecordReject: "Return a record, so that it is handled by somebody else",
  RequestRecordCancel: "Cancel records, so that they are not dialed",
  DoNotCall: "Enter a phone number or customer in the Do-Not-Call list",
  RecordReschedule: "Dial a record again at another time",
  AddRecord: "Add a new record to a calling list",
  Load: "Load a campaign group",
  StartDialing: "Start the dialing of a loaded campaign group",
  SetDialingMode: "Change the dialing parameters of a running campaign group",
  StopDialing: "Stop the dialing of a campaign group, and keep it loaded",
  Unload: "Unload a campaign group when its records in progress have ended",
  ForceUnload: "Unload a campaign group at once",
  Launch: "Load a campaign group if needed, and start its dialing",
  Stage: "Bring a campaign group to the state loaded and not dialing",
  Complete: "Stop the dialing of a campaign group if needed, and unload it",
  ReadStatus: "Read the status of campaign groups",
};

export const RESOURCE_MEANINGS: Readonly<Record<ResourceName, string>> = {
  records: "Records that OCS has given out, by record handle",
  phones: "All records with a phone number or address",
  customer_ids: "All records with a customer id",
  lists: "Calling lists, by name",
  campaigngroups: "Campaign groups, by DBID",
};
