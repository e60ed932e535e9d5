/** Values that no source gives: our proposals, in one place, printed by `ocsgw sandbox fidelity` as assumed. */

export type Basis = "manual" | "genesys material" | "assumed";

export type Assumption<Value> = {
  readonly value: Value;
  readonly topic: string;
  readonly behaviour: string;
  readonly source: string;
};

const assumed = <const Value>(
  value: Value,
  topic: string,
  behaviour: string,
  source = "no source found",
): Assumption<Value> => ({ value, topic, behaviour, source });

export const ASSUMED = {
  chainAttr: assumed(
    "RecordOnly",
    "default of GSW_CHAIN_ATTR",
    "RecordOnly: the one record that was addressed",
    "recollection",
  ),
  callbackType: assumed("Campaign", "default of GSW_CALLBACK_TYPE", "Campaign"),
  phoneType: assumed(0, "default of GSW_PHONE_TYPE", "0, No Contact Type"),
  recordStatus: assumed(1, "default of GSW_RECORD_STATUS", "1, Ready"),
  dailyFrom: assumed(28_800, "default of GSW_FROM", "28800, 08:00", "recollection"),
  dailyTill: assumed(64_800, "default of GSW_UNTIL", "64800, 18:00", "recollection"),
  staleTimeout: assumed(
    1_800_000,
    "stale timeout",
    "30 minutes after a record was handed out its handle is dead, record status 4, call result 46",
    "recollection; statuses: Genesys enumerations",
  ),
  unloadDelay: assumed(
    0,
    "graceful unload",
    "WaitingUnload until the last handle is gone, then UnloadInProgress for this long (0 ms), then NotLoaded",
  ),
  rejectedStatus: assumed(1, "RecordReject", "the record becomes Ready again", "recollection"),
  releasedStatus: assumed(
    1,
    "ForceUnload and switchover",
    "every handle is void (410, Warning 112) and its record becomes Ready again",
  ),
  validationTimeout: assumed(10_000, "http-response-timeout", "10 seconds for an answer to pre-dial validation"),
  validationTimeoutResult: assumed(
    3,
    "validation-timeout-call-result",
    "3, General Error: for a validation without an answer in time, with a status other than 200 and 409, or with a 409 that names no result",
  ),
  validationPool: assumed(
    8,
    "http-connection-pool-size",
    "8 connections to the validation-uri at most, kept and used again",
  ),
  blockedStatus: assumed(
    3,
    "DoNotCall: record status",
    "a stopped record becomes Updated, with type 7 and call result 51",
  ),
} as const satisfies Record<string, Assumption<string | number>>;
