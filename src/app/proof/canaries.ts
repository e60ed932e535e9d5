/**
 * A canary is what a proof knows of one tenant: its real names and DBIDs, and a phone number, a customer id, a record
 * handle and a client with all actions that exist for the proof only. Nothing of it may appear where another tenant
 * looks.
 */
import { randomBytes } from "node:crypto";
import { ACTION_NAMES } from "../../ocs/catalog.ts";
import type { TenantSettings } from "../../settings/schema/schema.ts";
import type { ProofPlan } from "./plan.ts";

export type Canary = {
  /** Its place in the plan. */
  readonly place: number;
  readonly tenant: TenantSettings;
  /** The first upstream of the tenant's OCS. */
  readonly site: string;
  readonly phone: string;
  readonly customer: string;
  /** Of the tenant's open record; its call must not end with a Do-Not-Call of `phone` or `customer`. */
  readonly record: { readonly phone: string; readonly customer: string };
  /** Undefined where OCS announces records, and the config has nothing by which it could say whose they are. */
  readonly handle: number | undefined;
  /** Has all actions. */
  readonly client: string;
  /** A user of the console who sees this tenant only. */
  readonly auditor: string;
  /** Names of the config that answers can contain without showing anything of the tenant. */
  readonly common: ReadonlySet<string>;
};

/** What no tenant has. */
export type Nobody = {
  readonly name: string;
  readonly dbid: number;
  readonly campaign: string;
  readonly list: string;
  readonly group: number;
  readonly handle: number;
};

const FIRST_HANDLE = 7001;
/** 415-555-0100 to 0199 belong to nobody. */
const FIRST_PHONE = 4_155_550_110;

/** `mark`: in the names that the proof makes, so that they differ from those of the config. */
export const canariesOf = ({ tenants, upstreams }: ProofPlan, mark = newMark()): readonly Canary[] =>
  tenants.map((tenant, at) => ({
    place: at,
    tenant,
    site: upstreams[tenant.upstream]!.site,
    phone: String(FIRST_PHONE + at),
    customer: `CANARY-${mark}-${at}`,
    record: { phone: String(FIRST_PHONE + 50 + at), customer: `RECORD-${mark}-${at}` },
    handle: tenant.records !== "pre-dial" || hasObjects(tenant) ? FIRST_HANDLE + at : undefined,
    client: `proof-${mark}-${at}`,
    auditor: `auditor-${mark}-${at}`,
    common: new Set(),
  }));

/** Letters only: digits could be taken for a phone number, and masked. */
const newMark = (): string => [...randomBytes(8)].map((byte) => "bcdfghjklmnpqrst"[byte % 16]).join("");

const hasObjects = ({ campaign_groups, campaigns, lists }: TenantSettings): boolean =>
  campaign_groups.length + campaigns.length + lists.length > 0;

/** Whether handles have owners here: otherwise nothing separates them, or the OCS is the tenant's own. */
export const isOwned = ({ tenant: { records } }: Canary): boolean => records === "pre-dial" || records === "registered";

export const nobodyOf = (canaries: readonly Canary[]): Nobody => {
  const taken = new Set(
    canaries.flatMap(({ tenant }) => [tenant.dbid, ...tenant.campaign_groups.map(({ dbid }) => dbid)]),
  );
  let dbid = 999_999;
  while (taken.has(dbid)) dbid--;
  const mark = newMark();
  return {
    name: `Absent Tenant ${mark}`,
    dbid,
    campaign: `Absent Campaign ${mark}`,
    list: `Absent List ${mark}`,
    group: dbid,
    handle: FIRST_HANDLE + 999,
  };
};

/** The tenant's clients as in the config, without limits, and the canary's own. */
export const withCanary = ({ tenant, client }: Canary): TenantSettings => ({
  ...tenant,
  clients: {
    ...Object.fromEntries(Object.entries(tenant.clients).map(([name, each]) => [name, { ...each, limits: null }])),
    [client]: { actions: [...ACTION_NAMES], campaign_groups: null, limits: null },
  },
  limits: { requests: null, urgent: null, actions: { [LIMITED.action]: LIMITED.limit } },
});

/**
 * The limits of the config would refuse requests before anything else does, so the proof has one limit instead, of an
 * action that only the check of limits uses.
 */
export const LIMITED = {
  action: "RequestRecordCancel",
  limit: { rate: { count: 1, per_ms: 86_400_000 }, burst: 3 },
} as const;
