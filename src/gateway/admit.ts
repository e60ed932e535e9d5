/** May this tenant ask that, now? Grants first, then limits. */
import type { Operation } from "../ocs/target.ts";
import { judge, type Verdict } from "../tenants/grants.ts";
import type { Charge } from "../tenants/quota.ts";
import type { Tenant } from "../tenants/register.ts";
import { tenantsAskedFor } from "./authenticate.ts";
import { refuseByPolicy } from "./policy.ts";
import { refuse, type Refused } from "./refusals.ts";
import { settingOf } from "./setting.ts";
import type { Caller, Parts, Permit, Seen } from "./words.ts";

export const admit = (parts: Parts, caller: Caller, operation: Operation, seen: Seen): Permit | Promise<Permit> => {
  const tenants = mayDo(caller, operation, seen);
  const permit = { caller, operation, tenants, tenant: undefined } as unknown as Permit;
  const [only] = tenants;
  return tenants.length === 1 && only ? settle(parts, permit, only, seen) : permit;
};

/** The request is this tenant's: from here on it is charged and journalled as such. */
export const settle = (parts: Parts, permit: Permit, tenant: Tenant, seen: Seen): Permit | Promise<Permit> => {
  seen.tenant = tenant;
  if (tenant.observes) observeGrants(permit, tenant, seen);
  const charge = parts.charge(tenant, permit.caller.client, permit.operation.action.name);
  return charge instanceof Promise
    ? charge.then((charged) => settled(charged, permit, tenant, seen))
    : settled(charge, permit, tenant, seen);
};

/** A request that turned out to be no tenant's is charged to its client, so that each is charged once and nobody else pays for it. */
export const chargeClient = async (parts: Parts, { caller, operation, tenants }: Permit): Promise<void> => {
  for (const tenant of tenants) {
    const charge = tenant.observes
      ? undefined
      : await parts.chargeClient?.(tenant, caller.client, operation.action.name);
    if (charge?.allowed === false)
      refuse("over-limit", {
        detail: `the limit "${charge.exceeded}" is used up`,
        headers: [["Retry-After", String(charge.retryAfter)]],
      });
  }
};

const settled = (charge: Charge, { caller, operation, tenants }: Permit, tenant: Tenant, seen: Seen): Permit => {
  seen.charge = charge;
  if (!charge.allowed) {
    refuseByPolicy(seen, tenant, "over-limit", {
      detail: `the limit "${charge.exceeded}" is used up`,
      headers: [["Retry-After", String(charge.retryAfter)]],
      stage: "policy",
      ...settingOf(tenant, ...(charge.setting ?? ["limits"])),
    });
  }
  return { caller, operation, tenants, tenant } as unknown as Permit;
};

/** A tenant that observes does not keep its clients from anything; what its grants say is looked at when the request turns out to be its own. */
const mayDo = (caller: Caller, operation: Operation, seen: Seen): readonly Tenant[] => {
  const asked = tenantsAskedFor(caller, seen.arrival);
  const tenants: Tenant[] = [];
  let because: Denied | undefined;
  for (const tenant of asked) {
    const verdict = judge(tenant, caller.client, operation);
    if (verdict.allowed || tenant.observes) tenants.push(tenant);
    else because ??= { tenant, ...verdict };
  }
  if (tenants.length > 0 || because === undefined) return tenants;
  if (asked.length === 1) seen.tenant = asked[0]!;
  return refuse("not-granted", notGranted(because, caller.client));
};

const observeGrants = ({ caller, operation }: Permit, tenant: Tenant, seen: Seen): void => {
  const verdict = judge(tenant, caller.client, operation);
  if (!verdict.allowed) refuseByPolicy(seen, tenant, "not-granted", notGranted({ tenant, ...verdict }, caller.client));
};

type Denied = { readonly tenant: Tenant } & Exclude<Verdict, { readonly allowed: true }>;

const notGranted = ({ tenant, because, list }: Denied, client: string): Refused["more"] => ({
  detail: because,
  stage: "policy",
  ...settingOf(tenant, "clients", client, list),
});
