/**
 * The manual's chapter "Examples" as data, and one case per row of the action table, for the sandbox's seed. Requests
 * are as printed in the manual, except for `Content-length`, which is computed because several printed values are
 * wrong.
 */
import { MESSAGE_TYPES, NO_CALL_FOR_HANDLE } from "./answer-tables.ts";
import type { AttributeName } from "./attributes.ts";
import { writeBody, type AttributeValue } from "./body.ts";
import { ACTIONS, CATALOG, type Action, type ActionName, type ResourceName } from "./catalog.ts";
import { writeTarget, type Operation } from "./target.ts";

export type ExampleRequest = {
  readonly method: string;
  /** The request target in absolute form. */
  readonly target: string;
  readonly headers: readonly (readonly [name: string, value: string])[];
  readonly body: string;
};

/** The kind of an answer's body: none, an optional page of text or HTML, or the JSON of one or of all groups. */
export type AnswerBody = "none" | "page" | "group" | "groups";

export type ExampleAnswer = {
  readonly status: number;
  readonly warning?: number;
  readonly body: AnswerBody;
};

export type Example = { readonly title: string; readonly request: ExampleRequest; readonly answer: ExampleAnswer };

/** A valid request for one row of the action table. Without `identifier` it reads the whole resource. */
export type Case = {
  readonly operation: Operation;
  readonly target: string;
  readonly body: string;
  readonly answer: ExampleAnswer;
};

const utf8 = new TextEncoder();

/** The Content-length of a body: its length in bytes. */
export const lengthOf = (body: string): number => utf8.encode(body).length;

const DONE: ExampleAnswer = { status: 200, body: "none" };
const GVP = "GVP/8.1 Banking self-service #2";
const ORCHESTRATION = "Genesys Orchestration/8.0.000.15";

const request = (method: string, target: string, headers: ExampleRequest["headers"], body: string): ExampleRequest => ({
  method,
  target,
  headers,
  body,
});

const jsonPost = (target: string, host: string, agent: string, body: string): ExampleRequest =>
  request(
    "POST",
    target,
    [
      ["Host", host],
      ["User-Agent", agent],
      ["Content-type", "application/json"],
      ["Content-length", `${lengthOf(body)}`],
    ],
    body,
  );

const emptyPost = (target: string, host: string, agent: string): ExampleRequest =>
  request(
    "POST",
    target,
    [
      ["Host", host],
      ["User-Agent", agent],
      ["Content-length", "0"],
    ],
    "",
  );

const get = (target: string): ExampleRequest =>
  request(
    "GET",
    target,
    [
      ["Host", "ocs.genesyslab.com"],
      ["User-Agent", "ORS"],
      ["Accept", "*/*"],
    ],
    "",
  );

const processed = (agent: string): ExampleRequest =>
  jsonPost(
    "http://ocs.us.int.genesyslab.com:8080/records/15?req=RecordProcessed",
    "ocs.us.int.genesyslab.com:8080",
    agent,
    `{
    "CUSTOMER_CODE": 22, "GSW_CALL_RESULT":33,
    "DATE_LAST_SERVED": "10/30/2008"
}`,
  );

const load = emptyPost(
  "http://ocs.us.int.genesyslab.com:8080/campaigngroups/106?req=Load",
  "ocs.us.int.genesyslab.com:8080",
  `${ORCHESTRATION} Banking administration #3`,
);

/** In the manual's order. */
export const EXAMPLES = {
  recordProcessed: { title: "A Successful RecordProcessed Request", request: processed(GVP), answer: DONE },
  recordGone: {
    title: "An Unsuccessful RecordProcessed Request",
    request: processed("GVP/8.1 Banking self-service 2"),
    answer: { status: 410, warning: NO_CALL_FOR_HANDLE, body: "page" },
  },
  doNotCall: {
    title: "A Successful DoNotCall Request for a Specific Phone Number",
    request: jsonPost(
      "http://ocs.us.int.genesyslab.com:8080/phones/4155555555?req=DoNotCall",
      "ocs.us.int.genesyslab.com:8080",
      "ORS Server strategy #2",
      `{
    "GSW_TENANT_NAME": "Alpha Tenant"
}`,
    ),
    answer: DONE,
  },
  addGeneral: {
    title: "Successful AddRecord Request of the General Type",
    request: jsonPost(
      "http://ocs.genesyslab.com:8080/lists/Alpha%20List?req=AddRecord",
      "ocs.genesyslab.com",
      `${ORCHESTRATION} ORS Strategy #1`,
      `{
   "GSW_CAMPAIGN_NAME":"Alpha Campaign",
   "GSW_PHONE":"4155670000",
   "GSW_TZ_NAME":"PST"
}`,
    ),
    answer: DONE,
  },
  addRescheduled: {
    title: "Successful AddRecord Request of the Campaign Rescheduled Type",
    request: jsonPost(
      "http://ocs.genesyslab.com:8080/lists/Alpha%20List?req=AddRecord",
      "ocs.genesyslab.com",
      `${ORCHESTRATION} ORS Strategy #2`,
      `{
    "GSW_CAMPAIGN_NAME":"Alpha Campaign",
    "GSW_PHONE":"4155670000",
    "GSW_PHONE_TYPE":4,
    "GSW_PHONE_TYPE":4,
    "GSW_TZ_NAME":"PST",
    "GSW_RECORD_TYPE":6,
    "GSW_DATE_TIME":"12/12/2009 13:00",
    "CUSTOMER_CODE":22,
    "DATE_LAST_SERVED":"10/30/2008"
}`,
    ),
    answer: DONE,
  },
  load: { title: "Successful Load of a Campaign Group", request: load, answer: DONE },
  setDialingMode: {
    title: "Setting Dialing Parameters for a Campaign Group",
    request: jsonPost(
      "http://ocs.genesyslab.com:8080/campaigngroups/106?req=SetDialingMode",
      "ocs.genesyslab.com:8080",
      `${ORCHESTRATION} Banking administration #3`,
      `{
    "GSW_CM_AttrDialMode": 1,
    "GSW_CM_AttrOptimizeBy": 2,
    "GSW_CM_AttrOptimizeGoal": 5
}`,
    ),
    answer: DONE,
  },
  // The example's answer has no body and no Content-type; the manual says that an error "may include" text.
  loadAgain: {
    title: "Unsuccessful Load of a Campaign Group",
    request: load,
    answer: { status: 409, warning: 5, body: "page" },
  },
  oneGroup: {
    title: "Successful request for individual Campaign Group status",
    request: get("http://ocs.genesyslab.com:8080/campaigngroups/115"),
    answer: { status: 200, body: "group" },
  },
  allGroups: {
    title: "Successful request for statuses of all Campaign Groups",
    request: get("http://ocs.genesyslab.com:8080/campaigngroups"),
    answer: { status: 200, body: "groups" },
  },
} as const satisfies Record<string, Example>;

/** The attributes of a group in every answer to the two GETs; others depend on its state. */
export const GROUP_STATUS_ATTRIBUTES = [
  "GSW_CM_AttrCampaignID",
  "GSW_CM_AttrGroupID",
  "GSW_CM_AttrGroupCampStatus",
] as const;

/** GSW_CM_MessageType by kind of body. */
export const MESSAGE_TYPE_OF = { group: MESSAGE_TYPES.oneGroup, groups: MESSAGE_TYPES.allGroups } as const;

const IDENTIFIED: Readonly<Record<ResourceName, string>> = {
  records: "17",
  phones: "4155550195",
  customer_ids: "A-0091",
  lists: "Alpha List",
  campaigngroups: "106",
};

/** A value for each attribute that an action requires. */
const REQUIRED: Readonly<Partial<Record<AttributeName, AttributeValue>>> = {
  GSW_CAMPAIGN_NAME: "Alpha Campaign",
  GSW_PHONE: "4155550199",
  GSW_TZ_NAME: "PST",
  GSW_DATE_TIME: "12/12/2035 13:00",
  GSW_CM_AttrDialMode: 1,
  GSW_CM_AttrOptimizeBy: 1,
  GSW_CM_AttrOptimizeGoal: 80,
};

/** Optional attributes that clients usually send. */
const USUAL: Readonly<Partial<Record<ActionName, Readonly<Partial<Record<AttributeName, AttributeValue>>>>>> = {
  UpdateCallCompletionStats: { GSW_CALL_RESULT: 33 },
  RecordProcessed: { GSW_CALL_RESULT: 33 },
  RequestRecordCancel: { GSW_CHAIN_ATTR: "RecordOnly" },
  DoNotCall: { GSW_CHAIN_ATTR: "RecordOnly" },
  RecordReschedule: { GSW_CALLBACK_TYPE: "Campaign" },
  AddRecord: { GSW_CALL_RESULT: 28, GSW_RECORD_TYPE: 2, GSW_PHONE_TYPE: 4 },
};

const bodyOf = (action: Action): string => {
  const attributes = new Map<string, AttributeValue>();
  if (action.namesTenant) attributes.set("GSW_TENANT_NAME", "Alpha Tenant");
  for (const name of [...action.required, ...action.requiredWhenPredictive]) attributes.set(name, REQUIRED[name]!);
  for (const [name, value] of Object.entries(USUAL[action.name] ?? {})) attributes.set(name, value);
  return writeBody(attributes);
};

const caseFor = (operation: Operation): Case => {
  const { action, identifier } = operation;
  const body: AnswerBody = !action.answersBody ? "none" : identifier === undefined ? "groups" : "group";
  return { operation, target: writeTarget(operation), body: bodyOf(action), answer: { status: 200, body } };
};

/** One row of the action table as a request for `identifier`, by default one in the sandbox's seed. */
export const caseOf = (action: Action, identifier: string = IDENTIFIED[action.resource]): Case =>
  caseFor({ action, identifier });

/** One case per row of the action table, and one for each GET of a whole resource. */
export const CASES: readonly Case[] = ACTIONS.flatMap((action) => [
  caseOf(action),
  ...(action.method === "GET" && CATALOG[action.resource].collection
    ? [caseFor({ action, identifier: undefined })]
    : []),
]);
