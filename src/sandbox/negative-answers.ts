/**
 * OCS's negative answers: one row per condition. Warnings 112 and 0 to 17 are Genesys's numbers; those from 9001 are
 * ours, because no table of GSW_ERROR is available to us. An answer without text has an empty body, like the manual's
 * 409.
 */
import { NO_CALL_FOR_HANDLE } from "../ocs/answer-tables.ts";
import type { Basis } from "./assumptions.ts";

export type ConditionRow = {
  readonly status: 400 | 404 | 409 | 410 | 500;
  /** GSW_ERROR, or GSW_CM_AttrError for campaign groups. */
  readonly warning: number | undefined;
  readonly text: string | undefined;
  readonly basis: Basis;
  readonly source: string;
};

const table31 = "status and code pairing assumed; code: GSW_CM_AttrError in the order of the Platform SDK";
const privateNumber = "number is ours; GSW_ERROR is known for 112 only";
const desktop = (status: ConditionRow["status"], warning: number, text: string): ConditionRow => ({
  status,
  warning,
  text,
  basis: "assumed",
  source: privateNumber,
});
const group = (status: ConditionRow["status"], warning: number | undefined, text?: string): ConditionRow => ({
  status,
  warning,
  text,
  basis: "assumed",
  source: table31,
});

export const NEGATIVE_ANSWERS = {
  "no-call": {
    status: 410,
    warning: NO_CALL_FOR_HANDLE,
    text: "No call found for the record handle",
    basis: "manual",
    source: "An Unsuccessful RecordProcessed Request",
  },
  "unknown-request": desktop(400, 9001, "Incorrect or unknown request"),
  "content-type": desktop(400, 9002, "Content-type is not application/json"),
  body: desktop(400, 9003, "Incorrect body"),
  "no-tenant": desktop(400, 9004, "Neither GSW_TENANT_DBID nor GSW_TENANT_NAME is specified"),
  "unknown-tenant": desktop(400, 9005, "Unknown tenant"),
  "unknown-time-zone": desktop(400, 9006, "Unknown time zone"),
  "unknown-campaign": desktop(400, 9007, "Unknown campaign"),
  "unknown-list": desktop(400, 9008, "Unknown calling list"),
  "no-record": desktop(410, 9009, "Record was not found"),
  "list-not-found": desktop(404, 9010, "Calling list was not found"),
  "campaign-not-found": desktop(404, 9011, "Campaign was not found"),
  "list-not-of-campaign": desktop(404, 9012, "Calling list was not found in the campaign"),
  "campaign-not-active": desktop(409, 9013, "Campaign is neither active nor running"),
  "not-added": desktop(409, 9014, "Record could not be added"),
  internal: desktop(500, 9015, "OCS internal processing error"),
  "not-found": {
    ...desktop(404, 9016, "Not found"),
    source: "only by the fault status: the tables have no 404 for this resource",
  },
  conflict: {
    ...desktop(409, 9017, "Conflict"),
    source: "only by the fault status: the tables have no 409 for this resource",
  },
  "group-internal": group(500, 1, "Connection problem"),
  "not-loaded": group(410, 4, "Campaign is not loaded"),
  "already-loaded": {
    status: 409,
    warning: 5,
    text: undefined,
    basis: "manual",
    source: "Unsuccessful Load of a Campaign Group",
  },
  "not-started": group(409, 6),
  "already-started": group(409, 7),
  "group-not-found": group(404, 9, "Campaign group was not found"),
  "invalid-parameter": group(400, 10, "Invalid parameter"),
  "unknown-dial-mode": group(400, 11, "Invalid campaign mode"),
  "dial-mode-not-allowed": group(409, 11),
  unloading: { ...group(409, undefined), source: "no code of GSW_CM_AttrError says it: the answer has no Warning" },
} as const satisfies Record<string, ConditionRow>;

export type NegativeAnswer = keyof typeof NEGATIVE_ANSWERS;
