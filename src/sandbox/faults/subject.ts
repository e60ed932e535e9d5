/** What a request is about, as far as it tells: its action and the tenant whose things it touches. */
import type { Attributes } from "../ocs/body.ts";
import type { Action, ResourceName } from "../ocs/catalog.ts";
import { JsonFault } from "../ocs/json.ts";
import { readTarget } from "../ocs/target.ts";
import { Violation } from "../ocs/violation.ts";
import { namedTenant } from "./actions/addressed.ts";
import { listByName, tenantByDbid, tenantOfGroup, tenantOfHandle, type Tenant } from "./directory.ts";
import { readLeniently } from "./lenient-body.ts";
import type { Message } from "./message-reader.ts";
import { Refusal } from "./refusal.ts";
import type { World } from "./world.ts";

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
  // All groups read at once belong to no one tenant.
  campaigngroups: (world, identifier) =>
    identifier === undefined ? undefined : tenantOfGroup(world, Number(identifier)),
};

/** undefined for what OCS itself could not read. */
const understood = <Value>(read: () => Value): Value | undefined => {
  try {
    return read();
  } catch (error) {
    if (error instanceof Violation || error instanceof JsonFault || error instanceof Refusal) return undefined;
    throw error;
  }
};
