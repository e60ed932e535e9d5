/**
 * OCS's requests as one table: resource, action, method, identifier, body, and whether the action ends a record's
 * handle. Validation, policy, the sandbox, conformance and the README's table use it. To add an action, add a row.
 * Source: the manual's tables "HTTP Request Actions and req Values for …" and "BODY Attributes for campaigngroups
 * Resource".
 */
import type { AttributeName } from "./attributes.ts";
import type { IdentifierKind } from "./identifiers.ts";

export type Method = "GET" | "POST";

export type ResourceName = "records" | "phones" | "customer_ids" | "lists" | "campaigngroups";

/** The values of `req`, and ReadStatus for the GETs, which have no `req`. */
export type ActionName =
  | "UpdateCallCompletionStats"
  | "RecordProcessed"
  | "RecordReject"
  | "RequestRecordCancel"
  | "DoNotCall"
  | "RecordReschedule"
  | "AddRecord"
  | "Load"
  | "StartDialing"
  | "SetDialingMode"
  | "StopDialing"
  | "Unload"
  | "ForceUnload"
  | "Launch"
  | "Stage"
  | "Complete"
  | "ReadStatus";

/**
 * May a client repeat a request that got no answer? `safe`: yes, the end state is the same. `check-first`: the client
 * must read the state first. `no`: OCS could carry it out twice.
 */
export type Repeat = "safe" | "check-first" | "no";

export type Action = {
  readonly resource: ResourceName;
  readonly name: ActionName;
  readonly method: Method;
  /** After OCS's 200 the handle is invalid; further requests get 410. */
  readonly finalizes: boolean;
  /** For records, `safe` applies only while the handle belongs to the same record. */
  readonly repeat: Repeat;
  /** Stops calls to a person, or releases a record: sent before other requests, with its own rate limit. */
  readonly urgent: boolean;
  readonly required: readonly AttributeName[];
  readonly optional: readonly AttributeName[];
  /** All required if the dial mode is predictive. */
  readonly requiredWhenPredictive: readonly AttributeName[];
  /** OCS requires GSW_TENANT_DBID or GSW_TENANT_NAME. */
  readonly namesTenant: boolean;
  /** The body may have user-defined fields of the calling list: names without GSW_. */
  readonly userFields: boolean;
  /** OCS's 200 has a body; true for the GETs only. */
  readonly answersBody: boolean;
};

export type Resource = {
  readonly name: ResourceName;
  readonly identifier: IdentifierKind;
  /** The attribute that repeats the URI's identifier: it must agree with the URI, and the gateway does not send it. */
  readonly identifiedBy: AttributeName | undefined;
  readonly methods: readonly Method[];
  /** A GET without an identifier reads the whole resource. */
  readonly collection: boolean;
  readonly actions: Readonly<Partial<Record<ActionName, Action>>>;
};

type Row = {
  repeat: Repeat;
  /** For an action that does not end the handle; one that does is always urgent. */
  urgent?: true;
  finalizes?: true;
  method?: Method;
  required?: readonly AttributeName[];
  optional?: readonly AttributeName[];
  requiredWhenPredictive?: readonly AttributeName[];
};

const resource = (
  name: ResourceName,
  traits: {
    identifier: IdentifierKind;
    identifiedBy?: AttributeName;
    collection?: true;
    namesTenant?: true;
    userFields: boolean;
    common?: readonly AttributeName[];
  },
  rows: Partial<Record<ActionName, Row>>,
): Resource => {
  const actions = Object.entries(rows).map(([action, row]): [string, Action] => [
    action,
    {
      resource: name,
      name: action as ActionName,
      method: row.method ?? "POST",
      finalizes: row.finalizes ?? false,
      repeat: row.repeat,
      urgent: row.urgent ?? row.finalizes ?? false,
      required: row.required ?? [],
      optional: [
        ...(traits.common ?? []),
        ...(traits.identifiedBy && !row.required?.includes(traits.identifiedBy) ? [traits.identifiedBy] : []),
        ...(row.optional ?? []),
      ],
      requiredWhenPredictive: row.requiredWhenPredictive ?? [],
      namesTenant: traits.namesTenant ?? false,
      userFields: traits.userFields,
      answersBody: row.method === "GET",
    },
  ]);
  return {
    name,
    identifier: traits.identifier,
    identifiedBy: traits.identifiedBy,
    methods: [...new Set(actions.map(([, action]) => action.method))],
    collection: traits.collection ?? false,
    actions: Object.fromEntries(actions),
  };
};

const TENANT = ["GSW_TENANT_DBID", "GSW_TENANT_NAME"] as const;
const WHERE = [...TENANT, "GSW_CAMPAIGN_NAME", "GSW_CALLING_LIST"] as const;
const ON_RECORD = [...WHERE, "GSW_APPLICATION_ID"] as const;
/** Columns of a calling list that a new record may set in addition to phone and time zone. */
const RECORD_COLUMNS = [
  "GSW_PHONE_TYPE",
  "GSW_RECORD_TYPE",
  "GSW_RECORD_STATUS",
  "GSW_CALL_RESULT",
  "GSW_ATTEMPTS",
  "GSW_DATE_TIME",
  "GSW_CALL_TIME",
  "GSW_FROM",
  "GSW_UNTIL",
  "GSW_AGENT_ID",
  "GSW_CHAIN_ID",
  "GSW_CHAIN_N",
  "GSW_CUSTOMER_ID",
] as const;
/** The effect of the action depends on the state of the campaign group. */
const BY_STATE = { repeat: "check-first" } as const satisfies Row;
const DIALING = {
  ...BY_STATE,
  required: ["GSW_CM_AttrDialMode"],
  requiredWhenPredictive: ["GSW_CM_AttrOptimizeBy", "GSW_CM_AttrOptimizeGoal"],
  optional: ["GSW_CM_AttrOptimizeBy", "GSW_CM_AttrOptimizeGoal", "GSW_AUTO_COMPLETION", "GSW_CM_AttrProperties"],
} as const satisfies Row;

const byPhoneOrCustomer = {
  DoNotCall: { repeat: "safe", urgent: true, optional: ["GSW_CHAIN_ATTR"] },
  RequestRecordCancel: { repeat: "safe", urgent: true, optional: ["GSW_CHAIN_ATTR"] },
} as const satisfies Partial<Record<ActionName, Row>>;

export const CATALOG: Readonly<Record<ResourceName, Resource>> = {
  records: resource(
    "records",
    { identifier: "record handle", identifiedBy: "GSW_RECORD_HANDLE", userFields: true, common: ON_RECORD },
    {
      UpdateCallCompletionStats: {
        repeat: "safe",
        optional: ["GSW_CALL_RESULT", "GSW_PHONE", "GSW_PHONE_TYPE", "GSW_TZ_NAME", "GSW_FROM", "GSW_UNTIL"],
      },
      RecordProcessed: { repeat: "safe", finalizes: true, optional: ["GSW_CALL_RESULT", "GSW_TREATMENT"] },
      RecordReject: { repeat: "safe", finalizes: true },
      RequestRecordCancel: { repeat: "safe", finalizes: true, optional: ["GSW_CHAIN_ATTR", "GSW_PHONE"] },
      DoNotCall: { repeat: "safe", finalizes: true, optional: ["GSW_CHAIN_ATTR", "GSW_PHONE", "GSW_CUSTOMER_ID"] },
      // Not final in the Desktop protocol, final over HTTP.
      RecordReschedule: {
        repeat: "safe",
        finalizes: true,
        required: ["GSW_DATE_TIME"],
        optional: ["GSW_CALLBACK_TYPE", "GSW_TZ_NAME", "GSW_AGENT_ID", "GSW_CALL_RESULT"],
      },
      // The handle only identifies campaign group and list: the original record must still be finalized.
      AddRecord: { repeat: "no", required: ["GSW_PHONE", "GSW_TZ_NAME"], optional: RECORD_COLUMNS },
    },
  ),
  phones: resource(
    "phones",
    { identifier: "phone number", identifiedBy: "GSW_PHONE", namesTenant: true, userFields: true, common: WHERE },
    byPhoneOrCustomer,
  ),
  customer_ids: resource(
    "customer_ids",
    { identifier: "customer id", identifiedBy: "GSW_CUSTOMER_ID", namesTenant: true, userFields: true, common: WHERE },
    byPhoneOrCustomer,
  ),
  lists: resource(
    "lists",
    { identifier: "calling list name", identifiedBy: "GSW_CALLING_LIST", userFields: true, common: TENANT },
    {
      AddRecord: {
        repeat: "no",
        required: ["GSW_CAMPAIGN_NAME", "GSW_PHONE", "GSW_TZ_NAME"],
        optional: RECORD_COLUMNS,
      },
    },
  ),
  campaigngroups: resource(
    "campaigngroups",
    { identifier: "campaign group DBID", collection: true, userFields: false, common: TENANT },
    {
      Load: { ...BY_STATE, optional: ["GSW_AUTO_COMPLETION", "GSW_CM_AttrProperties"] },
      StartDialing: DIALING,
      SetDialingMode: { ...DIALING, repeat: "safe" },
      StopDialing: BY_STATE,
      Unload: BY_STATE,
      ForceUnload: BY_STATE,
      Launch: DIALING,
      Stage: BY_STATE,
      Complete: BY_STATE,
      ReadStatus: { repeat: "safe", method: "GET" },
    },
  ),
};

/** All actions of all resources, in the manual's order. */
export const ACTIONS: readonly Action[] = Object.values(CATALOG).flatMap(({ actions }) => Object.values(actions));

export const ACTION_NAMES: readonly ActionName[] = [...new Set(ACTIONS.map(({ name }) => name))];

const URGENT: ReadonlySet<ActionName> = new Set(ACTIONS.filter(({ urgent }) => urgent).map(({ name }) => name));

/** True if the action is urgent on any resource, because limits apply to actions by name. */
export const isUrgent = (name: ActionName): boolean => URGENT.has(name);

const RESOURCES: ReadonlyMap<string, Resource> = new Map(Object.entries(CATALOG));

export const findResource = (name: string): Resource | undefined => RESOURCES.get(name);

/** Actions by resource and `req` in lower case. */
const POSTS: ReadonlyMap<ResourceName, ReadonlyMap<string, Action>> = new Map(
  Object.values(CATALOG).map(({ name, actions }) => [
    name,
    new Map(
      Object.values(actions)
        .filter(({ method }) => method === "POST")
        .map((action) => [action.name.toLowerCase(), action]),
    ),
  ]),
);

/** The resource's action for a `req`, ignoring case, because the manual misprints one. OCS gets the canonical case. */
export const findAction = ({ name }: Resource, req: string): Action | undefined =>
  POSTS.get(name)!.get(req.toLowerCase());
