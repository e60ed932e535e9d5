/** Values that no Genesys document gives. `ocsgw sandbox fidelity` prints them as assumed. */

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
    "RecordOnly: only the addressed record",
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
    "30 minutes after a record was retrieved its handle expires: record status 4, call result 46",
    "recollection; statuses: Genesys enumerations",
  ),
  unloadDelay: assumed(
    0,
    "graceful unload",
    "WaitingUnload until no handle is left, then UnloadInProgress (0 ms), then NotLoaded",
  ),
  rejectedStatus: assumed(1, "RecordReject", "the record becomes Ready again", "recollection"),
  releasedStatus: assumed(
    1,
    "ForceUnload and switchover",
    "all handles become invalid (410, Warning 112) and their records Ready again",
  ),
  validationTimeout: assumed(10_000, "http-response-timeout", "10 seconds for an answer to pre-dial validation"),
  validationTimeoutResult: assumed(
    3,
    "validation-timeout-call-result",
    "3, General Error: when the answer is too late, has a status other than 200 or 409, or is a 409 without a result",
  ),
  validationPool: assumed(8, "http-connection-pool-size", "at most 8 persistent connections to the validation-uri"),
  blockedStatus: assumed(
    3,
    "DoNotCall: record status",
    "a stopped record becomes Updated, with type 7 and call result 51",
  ),
} as const satisfies Record<string, Assumption<string | number>>;
