/** May this tenant ask that, now? Grants first, then limits. */
import type { Operation } from "../ocs/target.ts";
import type { Arrival } from "../message.ts";
import { judge } from "../tenants/grants.ts";
import type { Tenant } from "../tenants/register.ts";
import { tenantsAskedFor } from "./authenticate.ts";
import { refuse } from "./refusals.ts";
import type { Caller, Parts, Permit, Seen } from "./words.ts";

export const admit = async (parts: Parts, caller: Caller, operation: Operation, seen: Seen): Promise<Permit> => {
  const tenants = mayDo(caller, operation, seen.arrival);
  const permit = { caller, operation, tenants, tenant: undefined } as unknown as Permit;
  const [only] = tenants;
  return tenants.length === 1 && only ? settle(parts, permit, only, seen) : permit;
};

/** The request is this tenant's: from here on it is charged and journalled as such. */
export const settle = async (parts: Parts, permit: Permit, tenant: Tenant, seen: Seen): Promise<Permit> => {
  seen.tenant = tenant;
  const charge = await parts.charge(tenant, permit.operation.action.name);
  seen.charge = charge;
  if (!charge.allowed) {
    refuse("over-limit", { detail: `the limit "${charge.exceeded}" is used up`, headers: [["Retry-After", String(charge.retryAfter)]] });
  }
  return { ...permit, tenant };
};

const mayDo = (caller: Caller, operation: Operation, arrival: Arrival): readonly Tenant[] => {
  const asked = tenantsAskedFor(caller, arrival);
  const verdicts = asked.map((tenant) => judge(tenant, caller.client, operation));
  const tenants = asked.filter((_, index) => verdicts[index]!.allowed);
  const [first] = verdicts;
  if (tenants.length > 0 || !first || first.allowed) return tenants;
  return refuse("not-granted", { detail: first.because });
};
