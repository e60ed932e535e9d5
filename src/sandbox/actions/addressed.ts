/** Whom a request is about: the record of a handle, or records of a tenant by phone number or customer id, alone or with their chains. */
import type { Attributes } from "../../ocs/body.ts";
import { ASSUMED } from "../assumptions.ts";
import { tenantByDbid, tenantByName, type Tenant } from "../directory.ts";
import { findHeld, type Held } from "../handles.ts";
import { unfinishedChain } from "../records.ts";
import { refuse } from "../refusal.ts";
import type { CallingRecord } from "../schema.ts";
import type { World } from "../world.ts";
import { integerIn, textIn, type Request } from "./act.ts";

export const heldBy = (world: World, { identifier }: Request): Held =>
  findHeld(world, Number(identifier)) ?? refuse("no-call");

/** The tenant that the body names, the DBID before the name; undefined when it names none. */
export const namedTenant = (world: World, attributes: Attributes): Tenant | undefined => {
  const dbid = integerIn(attributes, "GSW_TENANT_DBID");
  const name = textIn(attributes, "GSW_TENANT_NAME");
  if (dbid === undefined && name === undefined) return undefined;
  return (dbid === undefined ? tenantByName(world, name!) : tenantByDbid(world, dbid)) ?? refuse("unknown-tenant");
};

export const requiredTenant = (world: World, attributes: Attributes): Tenant =>
  namedTenant(world, attributes) ?? refuse("no-tenant");

/** GSW_CHAIN_ATTR: the records alone, or every unfinished record of their chains. */
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
