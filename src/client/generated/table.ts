// Generated from the action table by `node src/contract/client/write-client.ts`. Do not edit.

export type ResourceFunction = "records" | "phones" | "customerIds" | "lists" | "campaignGroups";

export type ActionRow = {
  readonly resource: "records" | "phones" | "customer_ids" | "lists" | "campaigngroups";
  readonly req: string;
  readonly method: "GET" | "POST";
  /** After a request that was sent and got no answer. */
  readonly repeat: "safe" | "check-first" | "no";
  readonly required: readonly string[];
  /** Whether the body may have fields of the calling list. */
  readonly fields: boolean;
  readonly answersBody: boolean;
};

/** By function and method of the client. */
export const ACTIONS: Readonly<Record<ResourceFunction, Readonly<Record<string, ActionRow>>>> = {
  records: {
    updateCallCompletionStats: {
      resource: "records",
      req: "UpdateCallCompletionStats",
      method: "POST",
      repeat: "safe",
      required: [],
      fields: true,
      answersBody: false,
    },
    recordProcessed: {
      resource: "records",
      req: "RecordProcessed",
      method: "POST",
      repeat: "safe",
      required: [],
      fields: true,
      answersBody: false,
    },
    recordReject: {
      resource: "records",
      req: "RecordReject",
      method: "POST",
      repeat: "safe",
      required: [],
      fields: true,
      answersBody: false,
    },
    requestRecordCancel: {
      resource: "records",
      req: "RequestRecordCancel",
      method: "POST",
      repeat: "safe",
      required: [],
      fields: true,
      answersBody: false,
    },
    doNotCall: {
      resource: "records",
      req: "DoNotCall",
      method: "POST",
      repeat: "safe",
      required: [],
      fields: true,
      answersBody: false,
    },
    recordReschedule: {
      resource: "records",
      req: "RecordReschedule",
      method: "POST",
      repeat: "safe",
      required: ["GSW_DATE_TIME"],
      fields: true,
      answersBody: false,
    },
    addRecord: {
      resource: "records",
      req: "AddRecord",
      method: "POST",
      repeat: "no",
      required: ["GSW_PHONE", "GSW_TZ_NAME"],
      fields: true,
      answersBody: false,
    },
  },
  phones: {
    doNotCall: {
      resource: "phones",
      req: "DoNotCall",
      method: "POST",
      repeat: "safe",
      required: [],
      fields: true,
      answersBody: false,
    },
    requestRecordCancel: {
      resource: "phones",
      req: "RequestRecordCancel",
      method: "POST",
      repeat: "safe",
      required: [],
      fields: true,
      answersBody: false,
    },
  },
  customerIds: {
    doNotCall: {
      resource: "customer_ids",
      req: "DoNotCall",
      method: "POST",
      repeat: "safe",
      required: [],
      fields: true,
      answersBody: false,
    },
    requestRecordCancel: {
      resource: "customer_ids",
      req: "RequestRecordCancel",
      method: "POST",
      repeat: "safe",
      required: [],
      fields: true,
      answersBody: false,
    },
  },
  lists: {
    addRecord: {
      resource: "lists",
      req: "AddRecord",
      method: "POST",
      repeat: "no",
      required: ["GSW_CAMPAIGN_NAME", "GSW_PHONE", "GSW_TZ_NAME"],
      fields: true,
      answersBody: false,
    },
  },
  campaignGroups: {
    load: {
      resource: "campaigngroups",
      req: "Load",
      method: "POST",
      repeat: "check-first",
      required: [],
      fields: false,
      answersBody: false,
    },
    startDialing: {
      resource: "campaigngroups",
      req: "StartDialing",
      method: "POST",
      repeat: "check-first",
      required: ["GSW_CM_AttrDialMode"],
      fields: false,
      answersBody: false,
    },
    setDialingMode: {
      resource: "campaigngroups",
      req: "SetDialingMode",
      method: "POST",
      repeat: "safe",
      required: ["GSW_CM_AttrDialMode"],
      fields: false,
      answersBody: false,
    },
    stopDialing: {
      resource: "campaigngroups",
      req: "StopDialing",
      method: "POST",
      repeat: "check-first",
      required: [],
      fields: false,
      answersBody: false,
    },
    unload: {
      resource: "campaigngroups",
      req: "Unload",
      method: "POST",
      repeat: "check-first",
      required: [],
      fields: false,
      answersBody: false,
    },
    forceUnload: {
      resource: "campaigngroups",
      req: "ForceUnload",
      method: "POST",
      repeat: "check-first",
      required: [],
      fields: false,
      answersBody: false,
    },
    launch: {
      resource: "campaigngroups",
      req: "Launch",
      method: "POST",
      repeat: "check-first",
      required: ["GSW_CM_AttrDialMode"],
      fields: false,
      answersBody: false,
    },
    stage: {
      resource: "campaigngroups",
      req: "Stage",
      method: "POST",
      repeat: "check-first",
      required: [],
      fields: false,
      answersBody: false,
    },
    complete: {
      resource: "campaigngroups",
      req: "Complete",
      method: "POST",
      repeat: "check-first",
      required: [],
      fields: false,
      answersBody: false,
    },
    readStatus: {
      resource: "campaigngroups",
      req: "ReadStatus",
      method: "GET",
      repeat: "safe",
      required: [],
      fields: false,
      answersBody: true,
    },
  },
};

/** OCS's names in bodies. */
export const ATTRIBUTE_NAMES: ReadonlySet<string> = new Set([
  "GSW_TENANT_DBID",
  "GSW_TENANT_NAME",
  "GSW_RECORD_HANDLE",
  "GSW_PHONE",
  "GSW_CUSTOMER_ID",
  "GSW_CALLING_LIST",
  "GSW_CAMPAIGN_NAME",
  "GSW_APPLICATION_ID",
  "GSW_AGENT_ID",
  "GSW_ATTEMPTS",
  "GSW_AUTO_COMPLETION",
  "GSW_CALLBACK_TYPE",
  "GSW_CALL_RESULT",
  "GSW_CALL_TIME",
  "GSW_CHAIN_ATTR",
  "GSW_CHAIN_ID",
  "GSW_CHAIN_N",
  "GSW_CM_AttrDialMode",
  "GSW_CM_AttrOptimizeBy",
  "GSW_CM_AttrOptimizeGoal",
  "GSW_CM_AttrProperties",
  "GSW_DATE_TIME",
  "GSW_FROM",
  "GSW_UNTIL",
  "GSW_PHONE_TYPE",
  "GSW_RECORD_STATUS",
  "GSW_RECORD_TYPE",
  "GSW_TREATMENT",
  "GSW_TZ_NAME",
]);

/** What the manual says of OCS's statuses. */
export const READINGS: Readonly<Record<ActionRow["resource"], Readonly<Record<number, string>>>> = {
  records: {
    "400": "incorrect request",
    "410": "no such record; Warning 112: no call for the handle",
    "500": "internal error of OCS",
  },
  phones: {
    "400": "incorrect request",
    "410": "no such record; Warning 112: no call for the handle",
    "500": "internal error of OCS",
  },
  customer_ids: {
    "400": "incorrect request",
    "410": "no such record; Warning 112: no call for the handle",
    "500": "internal error of OCS",
  },
  lists: {
    "400": "incorrect request",
    "404": "unknown campaign or calling list",
    "409": "the record could not be added: no connection to the database, or the database refused it",
    "500": "internal error of OCS",
  },
  campaigngroups: {
    "400": "incorrect request",
    "404": "unknown campaign group",
    "409": "not possible in the group's present state; Warning 5: already so",
    "410": "the campaign group is known and not active",
    "500": "internal error of OCS",
  },
};
