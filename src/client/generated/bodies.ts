// Generated from the action table by `node src/contract/client/write-client.ts`. Do not edit.

import type { CallResult, DialMode, OptimizeBy, PhoneType, RecordStatus, RecordType } from "./enumerations.ts";

export type Attributes = {
  /** The tenant. The gateway fills it in for a client of one tenant. */
  readonly GSW_TENANT_DBID: number;
  /** The tenant, by name. The gateway sends OCS the DBID. */
  readonly GSW_TENANT_NAME: string;
  /** The record handle. The path says it already; it must be the same. */
  readonly GSW_RECORD_HANDLE: number;
  /** The phone number or address of the record. */
  readonly GSW_PHONE: string;
  /** The customer id of the record. */
  readonly GSW_CUSTOMER_ID: string;
  /** The calling list, by name. */
  readonly GSW_CALLING_LIST: string;
  /** The campaign, by name. For a cancellation: only records of this campaign. */
  readonly GSW_CAMPAIGN_NAME: string;
  /** The DBID of the OCS application. */
  readonly GSW_APPLICATION_ID: number;
  /** The agent's login, for a personal callback. */
  readonly GSW_AGENT_ID: string;
  /** The number of attempts made so far. */
  readonly GSW_ATTEMPTS: number;
  /** 1: OCS stops and unloads the group when no records are left. */
  readonly GSW_AUTO_COMPLETION: 0 | 1;
  /** Who makes the callback. */
  readonly GSW_CALLBACK_TYPE: "Personal" | "Campaign";
  /** The result of the call. */
  readonly GSW_CALL_RESULT: CallResult;
  /** The time of the last attempt, seconds since 1970, UTC. */
  readonly GSW_CALL_TIME: number;
  /** Whether the request is about the whole chain of records or this record only. */
  readonly GSW_CHAIN_ATTR: "AllChain" | "RecordOnly";
  /** The chain to which the record belongs; without it OCS starts a new chain. */
  readonly GSW_CHAIN_ID: number;
  /** The position of the record in its chain. */
  readonly GSW_CHAIN_N: number;
  /** The dialing mode. */
  readonly GSW_CM_AttrDialMode: Exclude<DialMode, (typeof DialMode)["NoDialMode"]>;
  /** What a predictive mode optimizes. */
  readonly GSW_CM_AttrOptimizeBy: OptimizeBy;
  /** The target of the optimization: per cent or seconds. */
  readonly GSW_CM_AttrOptimizeGoal: number;
  /** Further properties of the campaign group. */
  readonly GSW_CM_AttrProperties: {
    readonly GSW_AUTO_COMPLETION?: 0 | 1;
    readonly camp_group_data?: Readonly<Record<string, never>>;
  };
  /** When to call, in the time zone of the record: MM/dd/yyyy HH:mm, 24 hours. */
  readonly GSW_DATE_TIME: string;
  /** The earliest time of day to call, seconds since midnight. */
  readonly GSW_FROM: number;
  /** The latest time of day to call, seconds since midnight. */
  readonly GSW_UNTIL: number;
  /** The kind of phone number or address. */
  readonly GSW_PHONE_TYPE: PhoneType;
  /** The status of the record. */
  readonly GSW_RECORD_STATUS: RecordStatus;
  /** The type of the record. */
  readonly GSW_RECORD_TYPE: Exclude<RecordType, (typeof RecordType)["NoRecordType"] | (typeof RecordType)["Unknown"]>;
  /** The treatment to apply; without it none is applied. */
  readonly GSW_TREATMENT: "RecordTreatPersonal" | "RecordTreatCampaign";
  /** The time zone of the record: the name of a configured time zone object. */
  readonly GSW_TZ_NAME: string;
};

/** Fields of the calling list, by the send_attribute of their column. Names of OCS are no fields. */
export type Fields = { readonly [name: string]: string | number | bigint } & {
  readonly [name: `GSW_${string}`]: never;
};
type WithFields = { readonly fields?: Fields | undefined };

type Optional<Names extends keyof Attributes> = { readonly [Name in Names]?: Attributes[Name] | undefined };
type Body<Required extends keyof Attributes, Others extends keyof Attributes> = Pick<Attributes, Required> &
  Optional<Others>;

type PredictiveMode =
  | (typeof DialMode)["Predict"]
  | (typeof DialMode)["PredictAndSeize"]
  | (typeof DialMode)["PredictGVP"];
/** In predictive modes OCS needs to know what to optimize. */
type Dialing =
  | (Pick<Attributes, "GSW_CM_AttrOptimizeBy" | "GSW_CM_AttrOptimizeGoal"> & {
      readonly GSW_CM_AttrDialMode: PredictiveMode;
    })
  | (Optional<"GSW_CM_AttrOptimizeBy" | "GSW_CM_AttrOptimizeGoal"> & {
      readonly GSW_CM_AttrDialMode: Exclude<Attributes["GSW_CM_AttrDialMode"], PredictiveMode>;
    });

export type RecordsUpdateCallCompletionStats = Body<
  never,
  | "GSW_TENANT_DBID"
  | "GSW_TENANT_NAME"
  | "GSW_CAMPAIGN_NAME"
  | "GSW_CALLING_LIST"
  | "GSW_APPLICATION_ID"
  | "GSW_RECORD_HANDLE"
  | "GSW_CALL_RESULT"
  | "GSW_PHONE"
  | "GSW_PHONE_TYPE"
  | "GSW_TZ_NAME"
  | "GSW_FROM"
  | "GSW_UNTIL"
> &
  WithFields;

export type RecordsRecordProcessed = Body<
  never,
  | "GSW_TENANT_DBID"
  | "GSW_TENANT_NAME"
  | "GSW_CAMPAIGN_NAME"
  | "GSW_CALLING_LIST"
  | "GSW_APPLICATION_ID"
  | "GSW_RECORD_HANDLE"
  | "GSW_CALL_RESULT"
  | "GSW_TREATMENT"
> &
  WithFields;

export type RecordsRecordReject = Body<
  never,
  | "GSW_TENANT_DBID"
  | "GSW_TENANT_NAME"
  | "GSW_CAMPAIGN_NAME"
  | "GSW_CALLING_LIST"
  | "GSW_APPLICATION_ID"
  | "GSW_RECORD_HANDLE"
> &
  WithFields;

export type RecordsRequestRecordCancel = Body<
  never,
  | "GSW_TENANT_DBID"
  | "GSW_TENANT_NAME"
  | "GSW_CAMPAIGN_NAME"
  | "GSW_CALLING_LIST"
  | "GSW_APPLICATION_ID"
  | "GSW_RECORD_HANDLE"
  | "GSW_CHAIN_ATTR"
  | "GSW_PHONE"
> &
  WithFields;

export type RecordsDoNotCall = Body<
  never,
  | "GSW_TENANT_DBID"
  | "GSW_TENANT_NAME"
  | "GSW_CAMPAIGN_NAME"
  | "GSW_CALLING_LIST"
  | "GSW_APPLICATION_ID"
  | "GSW_RECORD_HANDLE"
  | "GSW_CHAIN_ATTR"
  | "GSW_PHONE"
  | "GSW_CUSTOMER_ID"
> &
  WithFields;

export type RecordsRecordReschedule = Body<
  "GSW_DATE_TIME",
  | "GSW_TENANT_DBID"
  | "GSW_TENANT_NAME"
  | "GSW_CAMPAIGN_NAME"
  | "GSW_CALLING_LIST"
  | "GSW_APPLICATION_ID"
  | "GSW_RECORD_HANDLE"
  | "GSW_CALLBACK_TYPE"
  | "GSW_TZ_NAME"
  | "GSW_AGENT_ID"
  | "GSW_CALL_RESULT"
> &
  WithFields;

export type RecordsAddRecord = Body<
  "GSW_PHONE" | "GSW_TZ_NAME",
  | "GSW_TENANT_DBID"
  | "GSW_TENANT_NAME"
  | "GSW_CAMPAIGN_NAME"
  | "GSW_CALLING_LIST"
  | "GSW_APPLICATION_ID"
  | "GSW_RECORD_HANDLE"
  | "GSW_PHONE_TYPE"
  | "GSW_RECORD_TYPE"
  | "GSW_RECORD_STATUS"
  | "GSW_CALL_RESULT"
  | "GSW_ATTEMPTS"
  | "GSW_DATE_TIME"
  | "GSW_CALL_TIME"
  | "GSW_FROM"
  | "GSW_UNTIL"
  | "GSW_AGENT_ID"
  | "GSW_CHAIN_ID"
  | "GSW_CHAIN_N"
  | "GSW_CUSTOMER_ID"
> &
  WithFields;

export type PhonesDoNotCall = Body<
  never,
  "GSW_TENANT_DBID" | "GSW_TENANT_NAME" | "GSW_CAMPAIGN_NAME" | "GSW_CALLING_LIST" | "GSW_PHONE" | "GSW_CHAIN_ATTR"
> &
  WithFields;

export type PhonesRequestRecordCancel = Body<
  never,
  "GSW_TENANT_DBID" | "GSW_TENANT_NAME" | "GSW_CAMPAIGN_NAME" | "GSW_CALLING_LIST" | "GSW_PHONE" | "GSW_CHAIN_ATTR"
> &
  WithFields;

export type CustomerIdsDoNotCall = Body<
  never,
  | "GSW_TENANT_DBID"
  | "GSW_TENANT_NAME"
  | "GSW_CAMPAIGN_NAME"
  | "GSW_CALLING_LIST"
  | "GSW_CUSTOMER_ID"
  | "GSW_CHAIN_ATTR"
> &
  WithFields;

export type CustomerIdsRequestRecordCancel = Body<
  never,
  | "GSW_TENANT_DBID"
  | "GSW_TENANT_NAME"
  | "GSW_CAMPAIGN_NAME"
  | "GSW_CALLING_LIST"
  | "GSW_CUSTOMER_ID"
  | "GSW_CHAIN_ATTR"
> &
  WithFields;

export type ListsAddRecord = Body<
  "GSW_CAMPAIGN_NAME" | "GSW_PHONE" | "GSW_TZ_NAME",
  | "GSW_TENANT_DBID"
  | "GSW_TENANT_NAME"
  | "GSW_CALLING_LIST"
  | "GSW_PHONE_TYPE"
  | "GSW_RECORD_TYPE"
  | "GSW_RECORD_STATUS"
  | "GSW_CALL_RESULT"
  | "GSW_ATTEMPTS"
  | "GSW_DATE_TIME"
  | "GSW_CALL_TIME"
  | "GSW_FROM"
  | "GSW_UNTIL"
  | "GSW_AGENT_ID"
  | "GSW_CHAIN_ID"
  | "GSW_CHAIN_N"
  | "GSW_CUSTOMER_ID"
> &
  WithFields;

export type CampaignGroupsLoad = Body<
  never,
  "GSW_TENANT_DBID" | "GSW_TENANT_NAME" | "GSW_AUTO_COMPLETION" | "GSW_CM_AttrProperties"
>;

export type CampaignGroupsStartDialing = Body<
  never,
  "GSW_TENANT_DBID" | "GSW_TENANT_NAME" | "GSW_AUTO_COMPLETION" | "GSW_CM_AttrProperties"
> &
  Dialing;

export type CampaignGroupsSetDialingMode = Body<
  never,
  "GSW_TENANT_DBID" | "GSW_TENANT_NAME" | "GSW_AUTO_COMPLETION" | "GSW_CM_AttrProperties"
> &
  Dialing;

export type CampaignGroupsStopDialing = Body<never, "GSW_TENANT_DBID" | "GSW_TENANT_NAME">;

export type CampaignGroupsUnload = Body<never, "GSW_TENANT_DBID" | "GSW_TENANT_NAME">;

export type CampaignGroupsForceUnload = Body<never, "GSW_TENANT_DBID" | "GSW_TENANT_NAME">;

export type CampaignGroupsLaunch = Body<
  never,
  "GSW_TENANT_DBID" | "GSW_TENANT_NAME" | "GSW_AUTO_COMPLETION" | "GSW_CM_AttrProperties"
> &
  Dialing;

export type CampaignGroupsStage = Body<never, "GSW_TENANT_DBID" | "GSW_TENANT_NAME">;

export type CampaignGroupsComplete = Body<never, "GSW_TENANT_DBID" | "GSW_TENANT_NAME">;
