/**
 * The refusals by a tenant's own policy: which of its clients may do what, how often, and with which fields. With
 * `mode: observe` they are recorded but not applied. Isolation checks are always enforced, so tenants stay separated.
 */
import type { Tenant } from "../tenancy/registry.ts";
import { REFUSALS, type Refusal } from "./refusals.ts";
import { refuse, type RefusalDetails } from "./refused.ts";

type PolicyRefusal = Extract<Refusal, "not-granted" | "over-limit" | "bad-attribute">;

/** Throws Refused; for a tenant with `mode: observe`, returns the code to record instead. */
export const refuseByPolicy = (tenant: Tenant, refusal: PolicyRefusal, details: RefusalDetails): string =>
  tenant.observes ? REFUSALS[refusal].code : refuse(refusal, details);
