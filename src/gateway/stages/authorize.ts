/**
 * For which of its tenants may this client do that? Checks grants, then limits. If exactly one tenant remains, it is
 * charged here, otherwise in `resolveTenant`.
 */
import type { Operation } from "../../ocs/target.ts";
import { headerOf, type Arrival } from "../../common/message.ts";
import { checkGrant } from "../../tenancy/grants.ts";
import { isNamed, type Tenant } from "../../tenancy/registry.ts";
import { refuse, type RefusalDetails } from "../refused.ts";
import { chargeTenant, notGranted, type ChargeDeps } from "../tenant-policy.ts";
import { proven, type Caller, type ChargedTenant, type Grant } from "../types.ts";

export type AuthorizeDeps = ChargeDeps;

export const authorize = (
  deps: AuthorizeDeps,
  arrival: Pick<Arrival, "headers">,
  caller: Caller,
  operation: Operation,
): Grant | Promise<Grant> => {
  const tenants = tenantsGranting(caller, operation, tenantsAskedFor(arrival, caller));
  const grant = (charged: ChargedTenant | undefined): Grant => proven<Grant>({ caller, operation, tenants, charged });
  const [only, another] = tenants;
  if (!only || another) return grant(undefined);
  const charged = chargeTenant(deps, caller, operation, only);
  return charged instanceof Promise ? charged.then(grant) : grant(charged);
};

/** The caller's tenants with the DBID or name in `Ocsgw-Tenant`; all of them without this header. */
export const tenantsAskedFor = ({ headers }: Pick<Arrival, "headers">, caller: Caller): readonly Tenant[] => {
  const asked = headerOf(headers, "Ocsgw-Tenant");
  if (asked === undefined) return caller.tenants;
  const tenants = caller.tenants.filter((tenant) => isNamed(tenant, asked));
  return tenants.length > 0
    ? tenants
    : refuse("other-tenant", { detail: "Ocsgw-Tenant names a tenant that this client may not act for" });
};

/** The tenants that grant the operation, and those with `mode: observe`: `chargeTenant` records what they refuse. */
const tenantsGranting = ({ client }: Caller, operation: Operation, asked: readonly Tenant[]): readonly Tenant[] => {
  const tenants: Tenant[] = [];
  let denied: RefusalDetails | undefined;
  for (const tenant of asked) {
    const verdict = checkGrant(tenant, client, operation);
    if (verdict.allowed || tenant.observes) tenants.push(tenant);
    else denied ??= notGranted(tenant, client, verdict);
  }
  if (tenants.length > 0) return tenants;
  return refuse("not-granted", { ...denied, ...(asked.length === 1 && { found: { tenant: asked[0] } }) });
};
