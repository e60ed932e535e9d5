// Generated from the action table by `node src/contract/client/write-client.ts`. Do not edit.

export const CallResult = {
  Ok: 0,
  Transferred: 1,
  Conferenced: 2,
  GeneralError: 3,
  SystemError: 4,
  RemoteRelease: 5,
  Busy: 6,
  NoAnswer: 7,
  SitDetected: 8,
  AnsweringMachineDetected: 9,
  AllTrunksBusy: 10,
  SitInvalidNum: 11,
  SitVacantCode: 12,
  SitIntercept: 13,
  SitUnknown: 14,
  SitNoCircuit: 15,
  SitReorder: 16,
  FaxDetected: 17,
  QueueFull: 18,
  Cleared: 19,
  Overflowed: 20,
  Abandoned: 21,
  Redirected: 22,
  Forwarded: 23,
  Consult: 24,
  PickedUp: 25,
  Dropped: 26,
  DroppedOnNoAnswer: 27,
  Unknown: 28,
  Covered: 29,
  ConverseOn: 30,
  Bridged: 31,
  Silence: 32,
  Answer: 33,
  NuTone: 34,
  NoDialTone: 35,
  NoProgress: 36,
  NoRingBackTone: 37,
  NoEstablishedDetected: 38,
  PagerDetected: 39,
  WrongParty: 40,
  DialError: 41,
  CallDropError: 42,
  SwitchError: 43,
  NoFreePortAvailable: 44,
  TransferError: 45,
  Stale: 46,
  AgentCallBackError: 47,
  GroupCallBackError: 48,
  Deafened: 49,
  Held: 50,
  DoNotCall: 51,
  CancelRecord: 52,
  WrongNumber: 53,
} as const;
export type CallResult = (typeof CallResult)[keyof typeof CallResult];

export const DialMode = {
  NoDialMode: 0,
  Predict: 1,
  Progress: 2,
  Preview: 3,
  ProgressAndSeize: 4,
  PredictAndSeize: 5,
  Power: 6,
  PowerAndSeize: 7,
  PushPreview: 8,
  ProgressGVP: 9,
  PredictGVP: 10,
  PowerGVP: 11,
} as const;
export type DialMode = (typeof DialMode)[keyof typeof DialMode];

export const OptimizeBy = {
  None: 0,
  BusyFactor: 1,
  OverdialRate: 2,
  WaitTime: 3,
  DistributionTime: 4,
  MaximumGain: 5,
} as const;
export type OptimizeBy = (typeof OptimizeBy)[keyof typeof OptimizeBy];

export const PhoneType = {
  NoContactType: 0,
  HomePhone: 1,
  DirectBusinessPhone: 2,
  BusinessWithExt: 3,
  Mobile: 4,
  VacationPhone: 5,
  Pager: 6,
  Modem: 7,
  VoiceMail: 8,
  PinPager: 9,
  EmailAddress: 10,
  InstantMessaging: 11,
} as const;
export type PhoneType = (typeof PhoneType)[keyof typeof PhoneType];

export const RecordStatus = {
  NoRecordStatus: 0,
  Ready: 1,
  Retrieved: 2,
  Updated: 3,
  Stale: 4,
  Cancelled: 5,
  AgentError: 6,
  ChainUpdated: 7,
  MissedCallBack: 8,
  ChainReady: 9,
  Delegated: 10,
} as const;
export type RecordStatus = (typeof RecordStatus)[keyof typeof RecordStatus];

export const RecordType = {
  NoRecordType: 0,
  Unknown: 1,
  General: 2,
  CampaignRescheduled: 3,
  PersonalRescheduled: 4,
  PersonalCallBack: 5,
  CampaignCallBack: 6,
  NoCall: 7,
} as const;
export type RecordType = (typeof RecordType)[keyof typeof RecordType];

export const GroupStatus = {
  NotLoaded: 0,
  WaitingUnload: 1,
  UnloadInProgress: 2,
  InActive: 3,
  Active: 4,
  Running: 5,
} as const;
export type GroupStatus = (typeof GroupStatus)[keyof typeof GroupStatus];
