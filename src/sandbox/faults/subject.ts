/** Finds a request's action and tenant, as far as they can be read. */
import type { Attributes } from "../../ocs/body.ts";
import type { Action, ResourceName } from "../../ocs/catalog.ts";
import { JsonFault } from "../../ocs/json-fault.ts";
import { readTarget } from "../../ocs/target.ts";
import { Violation } from "../../ocs/violation.ts";
import { namedTenant } from "../actions/addressed.ts";
import { listByName, tenantByDbid, tenantOfGroup, tenantOfHandle, type Tenant } from "../world/directory.ts";
import { readLeniently } from "../server/lenient-body.ts";
import type { Message } from "../server/message-reader.ts";
import { Refusal } from "../refusal.ts";
import type { World } from "../world/world.ts";

export type Subject = {
  readonly action?: Action;
  readonly identifier?: string | undefined;
  readonly tenant?: Tenant | undefined;
};

export const subjectOf = (
  world: World,
  { method, target, body }: Pick<Message, "method" | "target" | "body">,
): Subject => {
  const operation = understood(() => readTarget(method, target));
  if (!operation) return {};
  const attributes =
    understood(() => readLeniently(operation.action, method === "POST" ? body : new Uint8Array(0))) ?? new Map();
  return { ...operation, tenant: TENANT_OF[operation.action.resource](world, operation.identifier, attributes) };
};

type TenantOf = (world: World, identifier: string | undefined, attributes: Attributes) => Tenant | undefined;

const fromBody: TenantOf = (world, _, attributes) => understood(() => namedTenant(world, attributes));

const TENANT_OF: Readonly<Record<ResourceName, TenantOf>> = {
  records: (world, identifier) => tenantOfHandle(world, Number(identifier)),
  phones: fromBody,
  customer_ids: fromBody,
  lists: (world, identifier, attributes) => {
    const list =
      attributes.has("GSW_TENANT_DBID") || attributes.has("GSW_TENANT_NAME")
        ? undefined
        : listByName(world, identifier!);
    return list ? tenantByDbid(world, list.tenant_dbid) : fromBody(world, identifier, attributes);
  },
  // A GET of all groups has no tenant.
  campaigngroups: (world, identifier) =>
    identifier === undefined ? undefined : tenantOfGroup(world, Number(identifier)),
};

/** Undefined when the request is malformed, so that OCS rejects it too. */
const understood = <Value>(read: () => Value): Value | undefined => {
  try {
    return read();
  } catch (error) {
    if (error instanceof Violation || error instanceof JsonFault || error instanceof Refusal) return undefined;
    throw error;
  }
};
