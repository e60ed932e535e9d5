/**
 * The refusals that are a tenant's own policy: which of its clients may do what, how often, and with which fields. Under `mode: observe` they are
 * recorded and not applied. Whatever keeps tenants apart is none of them, so observing opens no way from one tenant to another.
 */
import type { Tenant } from "../tenants/register.ts";
import { REFUSALS, refuse, type Refusal, type Refused } from "./refusals.ts";
import type { Seen } from "./words.ts";

export type PolicyRefusal = Extract<Refusal, "not-granted" | "over-limit" | "bad-attribute">;

/** Returns for a tenant that observes, and then the first one is written down: it is the one that would have been applied. */
export const refuseByPolicy = (seen: Seen, tenant: Tenant, refusal: PolicyRefusal, more: Refused["more"]): void => {
  if (!tenant.observes) refuse(refusal, more);
  seen.wouldRefuse ??= REFUSALS[refusal].code;
};
