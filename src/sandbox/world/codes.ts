/** The numbers of Genesys's enumerations that the sandbox writes, looked up in ocs/enumerations.ts by name. */
import {
  CALL_RESULTS,
  GROUP_STATUS as GROUP_STATUSES,
  RECORD_STATUS as RECORD_STATUSES,
  RECORD_TYPES,
} from "../../ocs/enumerations.ts";

const numberOf = (enumeration: ReadonlyMap<number, string>, name: string): number => {
  for (const [number, known] of enumeration) if (known === name) return number;
  throw new Error(`ocs/enumerations.ts has no ${name}`);
};

export const RECORD_TYPE = {
  general: numberOf(RECORD_TYPES, "General"),
  campaignRescheduled: numberOf(RECORD_TYPES, "CampaignRescheduled"),
  personalCallBack: numberOf(RECORD_TYPES, "PersonalCallBack"),
  campaignCallBack: numberOf(RECORD_TYPES, "CampaignCallBack"),
  noCall: numberOf(RECORD_TYPES, "NoCall"),
} as const;

export const RECORD_STATUS = {
  ready: numberOf(RECORD_STATUSES, "Ready"),
  retrieved: numberOf(RECORD_STATUSES, "Retrieved"),
  updated: numberOf(RECORD_STATUSES, "Updated"),
  stale: numberOf(RECORD_STATUSES, "Stale"),
  cancelled: numberOf(RECORD_STATUSES, "Cancelled"),
  chainUpdated: numberOf(RECORD_STATUSES, "ChainUpdated"),
  chainReady: numberOf(RECORD_STATUSES, "ChainReady"),
} as const;

export const CALL_RESULT = {
  unknown: numberOf(CALL_RESULTS, "Unknown"),
  stale: numberOf(CALL_RESULTS, "Stale"),
  doNotCall: numberOf(CALL_RESULTS, "DoNotCall"),
  cancelRecord: numberOf(CALL_RESULTS, "CancelRecord"),
} as const;

export const CALL_RESULT_NUMBERS: ReadonlySet<number> = new Set(CALL_RESULTS.keys());

export const GROUP_STATUS = {
  notLoaded: numberOf(GROUP_STATUSES, "NotLoaded"),
  waitingUnload: numberOf(GROUP_STATUSES, "WaitingUnload"),
  unloadInProgress: numberOf(GROUP_STATUSES, "UnloadInProgress"),
  active: numberOf(GROUP_STATUSES, "Active"),
  running: numberOf(GROUP_STATUSES, "Running"),
} as const;
