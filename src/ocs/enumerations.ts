/** Genesys's enumerations, number to name, as the manual and the Platform SDK list them. */

const numbered = (...names: string[]): ReadonlyMap<number, string> =>
  new Map(names.map((name, index) => [index, name]));

export const DIAL_MODES = numbered(
  "NoDialMode",
  "Predict",
  "Progress",
  "Preview",
  "ProgressAndSeize",
  "PredictAndSeize",
  "Power",
  "PowerAndSeize",
  "PushPreview",
  "ProgressGVP",
  "PredictGVP",
  "PowerGVP",
);

/** Predictive modes: only these use the optimization pair. */
export const PREDICTIVE_MODES: ReadonlySet<number> = new Set([1, 5, 10]);

export const OPTIMIZE_BY = numbered(
  "None",
  "BusyFactor",
  "OverdialRate",
  "WaitTime",
  "DistributionTime",
  "MaximumGain",
);

export const GROUP_STATUS = numbered("NotLoaded", "WaitingUnload", "UnloadInProgress", "InActive", "Active", "Running");

export const RECORD_TYPES = numbered(
  "NoRecordType",
  "Unknown",
  "General",
  "CampaignRescheduled",
  "PersonalRescheduled",
  "PersonalCallBack",
  "CampaignCallBack",
  "NoCall",
);

export const RECORD_STATUS = numbered(
  "NoRecordStatus",
  "Ready",
  "Retrieved",
  "Updated",
  "Stale",
  "Cancelled",
  "AgentError",
  "ChainUpdated",
  "MissedCallBack",
  "ChainReady",
  "Delegated",
);

export const PHONE_TYPES = numbered(
  "NoContactType",
  "HomePhone",
  "DirectBusinessPhone",
  "BusinessWithExt",
  "Mobile",
  "VacationPhone",
  "Pager",
  "Modem",
  "VoiceMail",
  "PinPager",
  "EmailAddress",
  "InstantMessaging",
);

/** Values of GSW_PHONE_TYPE for which GSW_PHONE is an address: e-mail, instant messaging. */
export const ADDRESS_TYPES: ReadonlySet<number> = new Set([10, 11]);

export const CALL_RESULTS = numbered(
  "Ok",
  "Transferred",
  "Conferenced",
  "GeneralError",
  "SystemError",
  "RemoteRelease",
  "Busy",
  "NoAnswer",
  "SitDetected",
  "AnsweringMachineDetected",
  "AllTrunksBusy",
  "SitInvalidNum",
  "SitVacantCode",
  "SitIntercept",
  "SitUnknown",
  "SitNoCircuit",
  "SitReorder",
  "FaxDetected",
  "QueueFull",
  "Cleared",
  "Overflowed",
  "Abandoned",
  "Redirected",
  "Forwarded",
  "Consult",
  "PickedUp",
  "Dropped",
  "DroppedOnNoAnswer",
  "Unknown",
  "Covered",
  "ConverseOn",
  "Bridged",
  "Silence",
  "Answer",
  "NuTone",
  "NoDialTone",
  "NoProgress",
  "NoRingBackTone",
  "NoEstablishedDetected",
  "PagerDetected",
  "WrongParty",
  "DialError",
  "CallDropError",
  "SwitchError",
  "NoFreePortAvailable",
  "TransferError",
  "Stale",
  "AgentCallBackError",
  "GroupCallBackError",
  "Deafened",
  "Held",
  "DoNotCall",
  "CancelRecord",
  "WrongNumber",
);

export const CHAIN_ATTR = ["AllChain", "RecordOnly"] as const;
export const TREATMENTS = ["RecordTreatPersonal", "RecordTreatCampaign"] as const;
export const CALLBACK_TYPES = ["Personal", "Campaign"] as const;
