// Generated from the action table by `node src/contract/client/write-client.ts`. Do not edit.

import type {
  RecordsUpdateCallCompletionStats,
  RecordsRecordProcessed,
  RecordsRecordReject,
  RecordsRequestRecordCancel,
  RecordsDoNotCall,
  RecordsRecordReschedule,
  RecordsAddRecord,
  PhonesDoNotCall,
  PhonesRequestRecordCancel,
  CustomerIdsDoNotCall,
  CustomerIdsRequestRecordCancel,
  ListsAddRecord,
  CampaignGroupsLoad,
  CampaignGroupsStartDialing,
  CampaignGroupsSetDialingMode,
  CampaignGroupsStopDialing,
  CampaignGroupsUnload,
  CampaignGroupsForceUnload,
  CampaignGroupsLaunch,
  CampaignGroupsStage,
  CampaignGroupsComplete,
} from "./bodies.ts";
import type { AllGroups, OneGroup } from "../group-status.ts";
import type { CallOptions } from "../options.ts";
import type { Result } from "../result.ts";

export type Records = {
  /**
   * Store the call result and fields of a record, and keep the record open.
   * After no answer it may be sent again.
   */
  readonly updateCallCompletionStats: (
    body?: RecordsUpdateCallCompletionStats,
    options?: CallOptions,
  ) => Promise<Result>;
  /**
   * Store the call result and fields of a record, and end its processing. Ends the record's handle.
   * After no answer it may be sent again.
   */
  readonly recordProcessed: (body?: RecordsRecordProcessed, options?: CallOptions) => Promise<Result>;
  /**
   * Return a record, so that it is handled by somebody else. Ends the record's handle.
   * After no answer it may be sent again.
   */
  readonly recordReject: (body?: RecordsRecordReject, options?: CallOptions) => Promise<Result>;
  /**
   * Cancel records, so that they are not dialed. Ends the record's handle.
   * After no answer it may be sent again.
   */
  readonly requestRecordCancel: (body?: RecordsRequestRecordCancel, options?: CallOptions) => Promise<Result>;
  /**
   * Enter a phone number or customer in the Do-Not-Call list. Ends the record's handle.
   * After no answer it may be sent again.
   */
  readonly doNotCall: (body?: RecordsDoNotCall, options?: CallOptions) => Promise<Result>;
  /**
   * Dial a record again at another time. Ends the record's handle.
   * After no answer it may be sent again.
   */
  readonly recordReschedule: (body: RecordsRecordReschedule, options?: CallOptions) => Promise<Result>;
  /**
   * Add a new record to a calling list.
   * After no answer do not send it again: it may happen twice.
   */
  readonly addRecord: (body: RecordsAddRecord, options?: CallOptions) => Promise<Result>;
};

export type Phones = {
  /**
   * Enter a phone number or customer in the Do-Not-Call list.
   * After no answer it may be sent again.
   */
  readonly doNotCall: (body?: PhonesDoNotCall, options?: CallOptions) => Promise<Result>;
  /**
   * Cancel records, so that they are not dialed.
   * After no answer it may be sent again.
   */
  readonly requestRecordCancel: (body?: PhonesRequestRecordCancel, options?: CallOptions) => Promise<Result>;
};

export type CustomerIds = {
  /**
   * Enter a phone number or customer in the Do-Not-Call list.
   * After no answer it may be sent again.
   */
  readonly doNotCall: (body?: CustomerIdsDoNotCall, options?: CallOptions) => Promise<Result>;
  /**
   * Cancel records, so that they are not dialed.
   * After no answer it may be sent again.
   */
  readonly requestRecordCancel: (body?: CustomerIdsRequestRecordCancel, options?: CallOptions) => Promise<Result>;
};

export type Lists = {
  /**
   * Add a new record to a calling list.
   * After no answer do not send it again: it may happen twice.
   */
  readonly addRecord: (body: ListsAddRecord, options?: CallOptions) => Promise<Result>;
};

export type CampaignGroups = {
  /**
   * Load a campaign group.
   * After no answer read the group's status first.
   */
  readonly load: (body?: CampaignGroupsLoad, options?: CallOptions) => Promise<Result>;
  /**
   * Start the dialing of a loaded campaign group.
   * After no answer read the group's status first.
   */
  readonly startDialing: (body: CampaignGroupsStartDialing, options?: CallOptions) => Promise<Result>;
  /**
   * Change the dialing parameters of a running campaign group.
   * After no answer it may be sent again.
   */
  readonly setDialingMode: (body: CampaignGroupsSetDialingMode, options?: CallOptions) => Promise<Result>;
  /**
   * Stop the dialing of a campaign group, and keep it loaded.
   * After no answer read the group's status first.
   */
  readonly stopDialing: (body?: CampaignGroupsStopDialing, options?: CallOptions) => Promise<Result>;
  /**
   * Unload a campaign group when its records in progress have ended.
   * After no answer read the group's status first.
   */
  readonly unload: (body?: CampaignGroupsUnload, options?: CallOptions) => Promise<Result>;
  /**
   * Unload a campaign group at once.
   * After no answer read the group's status first.
   */
  readonly forceUnload: (body?: CampaignGroupsForceUnload, options?: CallOptions) => Promise<Result>;
  /**
   * Load a campaign group if needed, and start its dialing.
   * After no answer read the group's status first.
   */
  readonly launch: (body: CampaignGroupsLaunch, options?: CallOptions) => Promise<Result>;
  /**
   * Bring a campaign group to the state loaded and not dialing.
   * After no answer read the group's status first.
   */
  readonly stage: (body?: CampaignGroupsStage, options?: CallOptions) => Promise<Result>;
  /**
   * Stop the dialing of a campaign group if needed, and unload it.
   * After no answer read the group's status first.
   */
  readonly complete: (body?: CampaignGroupsComplete, options?: CallOptions) => Promise<Result>;
  /**
   * Read the status of campaign groups.
   * After no answer it may be sent again.
   */
  readonly readStatus: (options?: CallOptions) => Promise<Result<OneGroup>>;
};

export type AllCampaignGroups = {
  /** Read the status of all campaign groups that this client may see. */
  readonly readStatus: (options?: CallOptions) => Promise<Result<AllGroups>>;
};

export type Api = {
  /** Records that OCS has given out, by record handle. */
  readonly records: (handle: number | string) => Records;
  /** All records with a phone number or address. */
  readonly phones: (phone: string) => Phones;
  /** All records with a customer id. */
  readonly customerIds: (customerId: string) => CustomerIds;
  /** Calling lists, by name. */
  readonly lists: (name: string) => Lists;
  /** Campaign groups, by DBID. */
  readonly campaignGroups: { (): AllCampaignGroups; (dbid: number | string): CampaignGroups };
};
