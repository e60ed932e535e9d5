/**
 * Finds the records that a request is about: the record of a handle, or a tenant's records by phone number or customer
 * id, alone or with their chains.
 */
import type { Attributes } from "../../ocs/body.ts";
import { ASSUMED } from "../assumptions.ts";
import { tenantByDbid, tenantByName, type Tenant } from "../world/directory.ts";
import { findOpenHandle, type OpenHandle } from "../world/handles.ts";
import { unfinishedChain } from "../world/records.ts";
import { refuse } from "../refusal.ts";
import type { CallingRecord } from "../world/schema.ts";
import type { World } from "../world/world.ts";
import { integerIn, textIn, type Request } from "./act.ts";

export const openHandleOf = (world: World, { identifier }: Request): OpenHandle =>
  findOpenHandle(world, Number(identifier)) ?? refuse("no-call");

/** The tenant in the body; the DBID takes precedence over the name. Undefined when the body has neither. */
export const namedTenant = (world: World, attributes: Attributes): Tenant | undefined => {
  const dbid = integerIn(attributes, "GSW_TENANT_DBID");
  const name = textIn(attributes, "GSW_TENANT_NAME");
  if (dbid === undefined && name === undefined) return undefined;
  return (dbid === undefined ? tenantByName(world, name!) : tenantByDbid(world, dbid)) ?? refuse("unknown-tenant");
};

export const requiredTenant = (world: World, attributes: Attributes): Tenant =>
  namedTenant(world, attributes) ?? refuse("no-tenant");

/** By GSW_CHAIN_ATTR: the given records only, or all unfinished records of their chains. */
export const asChainAttr = (
  world: World,
  { attributes }: Request,
  records: readonly CallingRecord[],
): readonly CallingRecord[] => {
  const wanted = textIn(attributes, "GSW_CHAIN_ATTR") ?? ASSUMED.chainAttr.value;
  return wanted === "AllChain" ? records.flatMap((record) => unfinishedChain(world, record)) : records;
};

/** The phone number or customer id in the URI. */
export const addressee = ({
  action,
  identifier,
}: Request): { phone?: string | undefined } | { customerId?: string | undefined } =>
  action.resource === "phones" ? { phone: identifier } : { customerId: identifier };
