/**
 * A tenant's own policy: what its clients may do, and how often. Each request is charged once: to its tenant when that
 * is known, or only to its client when it is refused earlier.
 */
import type { Operation } from "../ocs/target.ts";
import { checkGrant, type GrantDenied } from "../tenancy/grants.ts";
import type { Charge, Quota } from "../tenancy/quota.ts";
import type { Tenant } from "../tenancy/registry.ts";
import { settingOf } from "./deciding-setting.ts";
import { refuseByPolicy } from "./observe-mode.ts";
import { refuse, type RefusalDetails } from "./refused.ts";
import type { Caller, ChargedTenant, Grant } from "./types.ts";

export type ChargeDeps = Pick<Quota, "charge">;
/** Absent where no limits apply. */
export type ChargeClientDeps = Partial<Pick<Quota, "chargeClient">>;

/** Throws Refused if the tenant's policy refuses; with `mode: observe`, returns what it would have refused. */
export const chargeTenant = (
  deps: ChargeDeps,
  caller: Caller,
  operation: Operation,
  tenant: Tenant,
): ChargedTenant | Promise<ChargedTenant> => {
  const wouldRefuse = tenant.observes ? observedGrant(caller, operation, tenant) : undefined;
  const charge = deps.charge(tenant, caller.client, operation.action.name);
  return charge instanceof Promise
    ? charge.then((charged) => requireAllowed(charged, tenant, wouldRefuse))
    : requireAllowed(charge, tenant, wouldRefuse);
};

/** Charges the client for a request refused before its tenant was known. Throws Refused if it is over a limit. */
export const chargeClient = async (
  deps: ChargeClientDeps,
  { caller: { client }, operation, tenants }: Grant,
): Promise<void> => {
  for (const tenant of tenants) {
    if (tenant.observes) continue;
    const charge = await deps.chargeClient?.(tenant, client, operation.action.name);
    if (charge?.allowed === false) refuse("over-limit", overLimit(charge, tenant));
  }
};

const requireAllowed = (charge: Charge, tenant: Tenant, wouldRefuse: string | undefined): ChargedTenant => {
  if (charge.allowed) return { tenant, charge, wouldRefuse };
  const more = { ...overLimit(charge, tenant), found: { tenant, charge } };
  const code = refuseByPolicy(tenant, "over-limit", more);
  return { tenant, charge, wouldRefuse: wouldRefuse ?? code };
};

/**
 * Charges a request that is not for OCS: to its tenant or, if the client has several, to the client's own limits.
 * Throws Refused if it is over a limit.
 */
export const requireWithinLimits = async (
  deps: ChargeDeps & ChargeClientDeps,
  client: string,
  tenants: readonly Tenant[],
): Promise<void> => {
  for (const tenant of tenants) {
    if (tenant.observes) continue;
    const charge =
      tenants.length === 1
        ? await deps.charge(tenant, client, "ReadStatus")
        : await deps.chargeClient?.(tenant, client, "ReadStatus");
    if (charge?.allowed === false) refuse("over-limit", { ...overLimit(charge, tenant), found: { tenant } });
  }
};

const overLimit = (charge: Charge, tenant: Tenant): RefusalDetails => ({
  detail: `the rate limit "${charge.exceeded}" is exceeded; Retry-After says when to send again`,
  headers: [["Retry-After", String(charge.retryAfter)]],
  ...settingOf(tenant, ...(charge.setting ?? ["limits"])),
});

const observedGrant = ({ client }: Caller, operation: Operation, tenant: Tenant): string | undefined => {
  const verdict = checkGrant(tenant, client, operation);
  return verdict.allowed ? undefined : refuseByPolicy(tenant, "not-granted", notGranted(tenant, client, verdict));
};

/** The refusal of an action that the tenant does not grant to this client. */
export const notGranted = (tenant: Tenant, client: string, { because, list }: GrantDenied): RefusalDetails => ({
  detail: because,
  ...settingOf(tenant, "clients", client, list),
});
