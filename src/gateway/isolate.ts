/**
 * Is it about this tenant alone? Each resource has its rule; what every one shares stands first.
 * Refusals are the same words whether the foreign thing exists or not, and are made without asking OCS.
 */
import { CATALOG, isUrgent, type ResourceName } from "../ocs/catalog.ts";
import { isAttributeName } from "../ocs/attributes.ts";
import { pointerTo, writeBody, type Attributes, type AttributeValue } from "../ocs/body.ts";
import { writeTarget } from "../ocs/target.ts";
import { headerOf } from "../message.ts";
import { reasonOfDenied, reasonOfUnclear } from "../tenants/ownership.ts";
import type { Tenant } from "../tenants/register.ts";
import { refuseByPolicy } from "./policy.ts";
import { refuse } from "./refusals.ts";
import { settingOf } from "./setting.ts";
import { shapeOf } from "./shape.ts";
import { revocationOf } from "./still-permitted.ts";
import type { Command, Order, Parts, Seen } from "./words.ts";

export const isolate = (parts: Pick<Parts, "ownership" | "inForce">, command: Command, seen: Seen): Order => {
  const {
    tenant,
    permit: { caller, operation },
  } = command;
  refuseForeignTenant(command, seen);
  refuseForeignNames(command);
  refuseDisagreement(command);
  refuseUndeclaredFields(command, seen);
  RULES[operation.action.resource](command);
  const attributes = attributesForOcs(command);
  const isRevoked = revocationOf(parts, seen.arrival, caller, tenant);
  const order = {
    client: caller.client,
    credential: caller.credential,
    owner: tenant,
    operation,
    attributes,
    tenant: String(tenant.dbid),
    method: operation.action.method,
    path: writeTarget(operation),
    body: operation.action.method === "GET" ? "" : writeBody(attributes),
    urgent: isUrgent(operation.action.name),
    fits: operation.action.answersBody ? shapeOf(operation, tenant) : undefined,
  };
  // Last, because from here on it is this request's, and must be given back.
  const lease = operation.action.resource === "records" ? leaseOf(parts, command) : undefined;
  return {
    ...order,
    lease,
    withdrawn: (leaves?: boolean) => (isRevoked() ? "revoked" : lease?.withdrawn(leaves)),
    after: lease?.after,
  } as unknown as Order;
};

/** By resource: what only that resource needs. */
const RULES: Readonly<Record<ResourceName, (command: Command) => void>> = {
  phones: () => undefined,
  customer_ids: () => undefined,
  lists: ({ tenant, permit }) => {
    if (!tenant.lists.has(permit.operation.identifier!))
      refuse("not-yours", { detail: "this list is not this tenant's", ...settingOf(tenant, "lists") });
  },
  campaigngroups: ({ tenant, permit }) => {
    const { identifier } = permit.operation;
    if (identifier !== undefined && !tenant.campaignGroups.has(Number(identifier)))
      refuse("not-yours", {
        detail: "this campaign group is not this tenant's",
        ...settingOf(tenant, "campaign_groups"),
      });
  },
  records: () => undefined,
};

/** Foreign, finished and unknown handles are one answer, made by one path. What cannot be told now is another one, and not final. */
const leaseOf = (
  { ownership }: Pick<Parts, "ownership">,
  { tenant, permit: { operation } }: Command,
): Order["lease"] => {
  const answer = ownership.ask(tenant, operation.identifier!, operation.action.finalizes);
  if ("lease" in answer) return answer.lease;
  if ("unclear" in answer)
    return refuse("unclear", { reason: reasonOfUnclear(answer.unclear), headers: [["Retry-After", "1"]] });
  const reason = reasonOfDenied(answer.denied);
  if (answer.slow) refuse("probing", { reason, headers: [["Retry-After", "1"]] });
  return refuse("no-such-record", { reason, ...settingOf(tenant, "records") });
};

/** Name and DBID are both checked: OCS would take the DBID and not look at the name. */
const refuseForeignTenant = ({ tenant, attributes, permit: { caller } }: Command, { arrival }: Seen): void => {
  const [dbid, name] = [attributes.get("GSW_TENANT_DBID"), attributes.get("GSW_TENANT_NAME")];
  // Both are the caller's own tenants: which of them is meant is not for us to guess, and nothing of it is a secret.
  const contradicts = (isSaid: (own: Tenant) => boolean): boolean =>
    headerOf(arrival.headers, "Ocsgw-Tenant") !== undefined && caller.tenants.some(isSaid);
  const refuseBoth = (attribute: string, key: "dbid" | "name", own: (each: Tenant) => boolean): never =>
    contradicts(own)
      ? refuse("uri-and-body", {
          detail: `the header Ocsgw-Tenant and ${attribute} name two different tenants`,
          pointer: `/${attribute}`,
        })
      : refuse("other-tenant", { pointer: `/${attribute}`, ...settingOf(tenant, key) });
  if (dbid !== undefined && dbid !== tenant.dbid) refuseBoth("GSW_TENANT_DBID", "dbid", (own) => own.dbid === dbid);
  if (name !== undefined && name !== tenant.name) refuseBoth("GSW_TENANT_NAME", "name", (own) => own.name === name);
};

const refuseForeignNames = ({ tenant, attributes, permit }: Command): void => {
  const campaign = attributes.get("GSW_CAMPAIGN_NAME");
  if (campaign !== undefined && !tenant.campaigns.has(campaign as string)) {
    refuse("not-yours", {
      detail: "this campaign is not this tenant's",
      pointer: "/GSW_CAMPAIGN_NAME",
      ...settingOf(tenant, "campaigns"),
    });
  }
  const list = attributes.get("GSW_CALLING_LIST");
  if (list !== undefined && permit.operation.action.resource !== "lists" && !tenant.lists.has(list as string)) {
    refuse("not-yours", {
      detail: "this list is not this tenant's",
      pointer: "/GSW_CALLING_LIST",
      ...settingOf(tenant, "lists"),
    });
  }
};

/** OCS lets the URI win silently; which number was meant is not for us to guess. */
const refuseDisagreement = ({ permit: { operation }, attributes }: Command): void => {
  const { identifiedBy } = CATALOG[operation.action.resource];
  const said = identifiedBy === undefined ? undefined : attributes.get(identifiedBy);
  if (said === undefined || String(said as string | number) === operation.identifier) return;
  refuse("uri-and-body", {
    detail: `${identifiedBy} differs from the URI, which is what OCS would take`,
    pointer: `/${identifiedBy}`,
  });
};

const refuseUndeclaredFields = ({ tenant, attributes }: Command, seen: Seen): void => {
  if (!tenant.fields) return;
  for (const name of attributes.keys()) {
    if (!isAttributeName(name) && !tenant.fields.has(name))
      refuseByPolicy(seen, tenant, "bad-attribute", {
        detail: "this field is not among those that the tenant may send",
        pointer: pointerTo(name),
        ...settingOf(tenant, "fields"),
      });
  }
};

/** The tenant goes as its DBID and only as that; what the URI says is not said again. */
const attributesForOcs = ({ tenant, permit: { operation }, attributes }: Command): Attributes => {
  const { action } = operation;
  const { identifiedBy } = CATALOG[action.resource];
  const out = new Map<string, AttributeValue>();
  if (action.namesTenant || namesTenant(attributes, tenant)) out.set("GSW_TENANT_DBID", tenant.dbid);
  for (const [name, value] of attributes) {
    if (name !== "GSW_TENANT_DBID" && name !== "GSW_TENANT_NAME" && name !== identifiedBy) out.set(name, value);
  }
  return out;
};

const namesTenant = (attributes: Attributes, { dbid, name }: Tenant): boolean =>
  attributes.get("GSW_TENANT_DBID") === dbid || attributes.get("GSW_TENANT_NAME") === name;
