/**
 * For which of the grant's tenants is the request? `authorize` has applied the header; then the body decides, then the
 * owner of the record handle, then the grants. Charges the tenant unless `authorize` has.
 */
import type { Attributes } from "../../ocs/body.ts";
import { needsOwner, type Ownership } from "../../ownership/ownership.ts";
import { checkGrant } from "../../tenancy/grants.ts";
import type { Tenant } from "../../tenancy/registry.ts";
import { refuse } from "../refused.ts";
import { chargeClient, chargeTenant, type ChargeClientDeps, type ChargeDeps } from "../tenant-policy.ts";
import { proven, type ChargedTenant, type Command, type Grant, type Permit } from "../types.ts";

export type ResolveTenantDeps = ChargeDeps &
  ChargeClientDeps & { readonly ownership: Pick<Ownership, "ownersAmong"> & Partial<Pick<Ownership, "catchUp">> };

export const resolveTenant = (deps: ResolveTenantDeps, grant: Grant, command: Command): Permit | Promise<Permit> => {
  const caughtUp = catchUp(deps, grant);
  return caughtUp
    ? caughtUp.then((isCurrent) => resolve(deps, grant, command, isCurrent))
    : resolve(deps, grant, command, false);
};

/** Where gateways share record handles, another one may know the owner. Undefined if there is nothing to wait for. */
const catchUp = (
  { ownership }: ResolveTenantDeps,
  { charged, tenants, operation }: Grant,
): Promise<boolean> | undefined =>
  operation.action.resource === "records"
    ? ownership.catchUp?.(charged ? [charged.tenant] : tenants, operation.identifier!)
    : undefined;

const resolve = (
  deps: ResolveTenantDeps,
  grant: Grant,
  command: Command,
  isOwnerCurrent: boolean,
): Permit | Promise<Permit> =>
  grant.charged ? permitFor(grant, grant.charged, isOwnerCurrent) : resolveAmong(deps, grant, command, isOwnerCurrent);

const permitFor = (
  { caller, operation }: Grant,
  { tenant, charge, wouldRefuse }: ChargedTenant,
  isOwnerCurrent: boolean,
): Permit => proven<Permit>({ caller, operation, tenant, charge, wouldRefuse, isOwnerCurrent });

const resolveAmong = async (
  deps: ResolveTenantDeps,
  grant: Grant,
  { attributes }: Command,
  isOwnerCurrent: boolean,
): Promise<Permit> => {
  let tenant: Tenant;
  try {
    tenant = tenantInBody(grant, attributes) ?? ownerOfRecord(deps, grant) ?? onlyGrantingTenant(grant);
  } catch (error) {
    await chargeClient(deps, grant);
    throw error;
  }
  return permitFor(grant, await chargeTenant(deps, grant.caller, grant.operation, tenant), isOwnerCurrent);
};

/** Undefined when the body names no tenant. */
const tenantInBody = ({ tenants }: Grant, attributes: Attributes): Tenant | undefined => {
  const [dbid, name] = [attributes.get("GSW_TENANT_DBID"), attributes.get("GSW_TENANT_NAME")];
  if (dbid === undefined && name === undefined) return undefined;
  const byDbid = tenants.filter((tenant) => tenant.dbid === dbid);
  const byName = tenants.filter((tenant) => tenant.name === name);
  const both = dbid !== undefined && name !== undefined;
  const meant = both ? byDbid.filter((tenant) => byName.includes(tenant)) : dbid !== undefined ? byDbid : byName;
  if (both && meant.length === 0 && byDbid.length > 0 && byName.length > 0) {
    refuse("conflicting-names", {
      detail: "GSW_TENANT_DBID and GSW_TENANT_NAME name two different tenants",
      pointer: "/GSW_TENANT_NAME",
    });
  }
  const [tenant = refuse("other-tenant"), another] = meant;
  return another === undefined
    ? tenant
    : refuse("ambiguous-tenant", {
        detail:
          "two of this client's tenants, on two OCS, match the body: name one with both GSW_TENANT_DBID and " +
          "GSW_TENANT_NAME, or with the header Ocsgw-Tenant",
      });
};

/** The tenant that owns the request's record handle; undefined for other resources or if the owner is ambiguous. */
const ownerOfRecord = ({ ownership }: ResolveTenantDeps, { tenants, operation }: Grant): Tenant | undefined => {
  if (operation.action.resource !== "records") return undefined;
  const [owner, another] = ownership.ownersAmong(tenants, operation.identifier!);
  // A tenant that has another OCS to itself may use every handle there, including this number.
  const alsoHas = (tenant: Tenant): boolean => !needsOwner(tenant) && tenant.upstream !== owner?.upstream;
  if (owner && !another && !tenants.some(alsoHas)) return owner;
  // None of them owns the handle, so the refusal is the same for each of them.
  return !owner && tenants.every(needsOwner) ? tenants[0] : undefined;
};

/** The only tenant that grants the operation. `mode: observe` is not a grant. Throws Refused for none or several. */
const onlyGrantingTenant = ({ tenants, caller, operation }: Grant): Tenant => {
  const [granting, another] = tenants.filter((tenant) => checkGrant(tenant, caller.client, operation).allowed);
  if (granting && !another) return granting;
  return refuse("ambiguous-tenant", {
    detail:
      "this client acts for several tenants: name one with GSW_TENANT_DBID or GSW_TENANT_NAME in the body, or with " +
      "the header Ocsgw-Tenant",
  });
};
