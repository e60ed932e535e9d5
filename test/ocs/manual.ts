/**
 * OCS's actions as the manual and the contract have them, written by hand: the second opinion that tests hold the
 * catalog, the gateway and the embedded OCS against. It takes nothing from `src`. A new action is a row here too.
 *
 * The manual's tables "HTTP Request Actions and req Values for …". `needs`: attributes that the body must have.
 * `together`: those that a predictive dial mode needs as well. `ends`: after OCS's 200 the record handle is gone.
 * `urgent`: goes before the tenant's other requests. `repeat`: what a client may do after no answer came.
 */
export type ManualRow = {
  readonly resource: string;
  readonly action: string;
  readonly needs: readonly string[];
  readonly together: readonly string[];
  readonly ends: boolean;
  readonly urgent: boolean;
  readonly repeat: "safe" | "check-first" | "no";
};

type Rest = Partial<Omit<ManualRow, "resource" | "action" | "repeat">>;

const row = (resource: string, action: string, repeat: ManualRow["repeat"], rest: Rest = {}): ManualRow => ({
  resource,
  action,
  repeat,
  needs: [],
  together: [],
  ends: false,
  urgent: false,
  ...rest,
});

const FINAL = { ends: true, urgent: true };
const URGENT = { urgent: true };
const DIALING = {
  needs: ["GSW_CM_AttrDialMode"],
  together: ["GSW_CM_AttrOptimizeBy", "GSW_CM_AttrOptimizeGoal"],
};

export const MANUAL: readonly ManualRow[] = [
  row("records", "UpdateCallCompletionStats", "safe"),
  row("records", "RecordProcessed", "safe", FINAL),
  row("records", "RecordReject", "safe", FINAL),
  row("records", "RequestRecordCancel", "safe", FINAL),
  row("records", "DoNotCall", "safe", FINAL),
  row("records", "RecordReschedule", "safe", { ...FINAL, needs: ["GSW_DATE_TIME"] }),
  row("records", "AddRecord", "no", { needs: ["GSW_PHONE", "GSW_TZ_NAME"] }),
  row("phones", "DoNotCall", "safe", URGENT),
  row("phones", "RequestRecordCancel", "safe", URGENT),
  row("customer_ids", "DoNotCall", "safe", URGENT),
  row("customer_ids", "RequestRecordCancel", "safe", URGENT),
  row("lists", "AddRecord", "no", { needs: ["GSW_CAMPAIGN_NAME", "GSW_PHONE", "GSW_TZ_NAME"] }),
  row("campaigngroups", "Load", "check-first"),
  row("campaigngroups", "StartDialing", "check-first", DIALING),
  row("campaigngroups", "SetDialingMode", "safe", DIALING),
  row("campaigngroups", "StopDialing", "check-first"),
  row("campaigngroups", "Unload", "check-first"),
  row("campaigngroups", "ForceUnload", "check-first"),
  row("campaigngroups", "Launch", "check-first", DIALING),
  row("campaigngroups", "Stage", "check-first"),
  row("campaigngroups", "Complete", "check-first"),
  // The GETs, which have no req.
  row("campaigngroups", "ReadStatus", "safe"),
];

/** Every action once, in the manual's order. */
export const ALL_ACTIONS: readonly string[] = [...new Set(MANUAL.map(({ action }) => action))];

/** The actions of a resource that a client can name with `req`. */
export const reqValuesOf = (resource: string): readonly string[] =>
  MANUAL.filter((each) => each.resource === resource && each.action !== "ReadStatus").map(({ action }) => action);

/** Actions on a record handle after which it is gone. */
export const FINAL_ACTIONS: readonly string[] = MANUAL.filter(({ ends }) => ends).map(({ action }) => action);
