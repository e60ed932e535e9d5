/**
 * Is the request about this tenant alone? Common checks come first, then a rule per resource. A refusal has the same
 * text whether another tenant's object exists or not, and OCS gets no request.
 */
import { CATALOG, type ResourceName } from "../../ocs/catalog.ts";
import { isAttributeName } from "../../ocs/attributes.ts";
import { pointerTo, writeBody, type Attributes, type AttributeValue } from "../../ocs/body.ts";
import { writeTarget } from "../../ocs/target.ts";
import { headerOf, type Arrival } from "../../common/message.ts";
import { reasonOfDenied, reasonOfUnclear, type Ownership } from "../../ownership/ownership.ts";
import type { Tenant } from "../../tenancy/registry.ts";
import { settingOf } from "../deciding-setting.ts";
import { expectedAnswer } from "../match-answer.ts";
import { refuseByPolicy } from "../observe-mode.ts";
import { recheckCredential, type RecheckDeps } from "../recheck-credential.ts";
import { refuse } from "../refused.ts";
import { proven, type Command, type Order, type Permit } from "../types.ts";

export type IsolateDeps = RecheckDeps & {
  readonly ownership: Pick<Ownership, "requestLease">;
  /** Absent where nothing is handed over. */
  readonly outbox?: PendingDoNotCalls;
};

/** Do-Not-Calls that the gateway has accepted and OCS has not carried out yet. */
export type PendingDoNotCalls = {
  /** By which of the two values one is pending for this tenant; undefined if none is. */
  readonly pendingFor: (
    tenant: Pick<Tenant, "upstream" | "dbid">,
    person: { readonly phone: string | undefined; readonly customer: string | undefined },
  ) => "phone" | "customer" | undefined;
};

export const isolate = (deps: IsolateDeps, arrival: Arrival, permit: Permit, { attributes: given }: Command): Order => {
  const { caller, operation, tenant } = permit;
  const { action } = operation;
  refuseForeignTenant(arrival, permit, given);
  refuseForeignNames(permit, given);
  refuseDisagreement(permit, given);
  const wouldRefuse = permit.wouldRefuse ?? undeclaredField(permit, given);
  RULES[action.resource](permit, wouldRefuse);
  const pending = action.name === "AddRecord" ? pendingDoNotCall(deps, tenant, given) : NOTHING_PENDING;
  refusePending(pending(), wouldRefuse);
  const { method, path, attributes } = requestForOcs(permit, given);
  const body = method === "GET" ? "" : writeBody(attributes);
  const fits = action.answersBody ? expectedAnswer(operation, tenant) : undefined;
  const isRevoked = recheckCredential(deps, arrival, caller, tenant);
  // Last, because an acquired lease must be released: nothing after it may throw.
  const lease = action.resource === "records" ? leaseOf(deps, permit, wouldRefuse) : undefined;
  return proven<Order>({
    id: arrival.id,
    client: caller.client,
    credential: caller.credential,
    owner: tenant,
    operation,
    attributes,
    wouldRefuse,
    attemptOf: undefined,
    tenant: String(tenant.dbid),
    method,
    path,
    body,
    urgent: action.urgent,
    fits,
    lease,
    withdrawn: (leaves?: boolean) =>
      isRevoked() ? "revoked" : pending() === undefined ? lease?.withdrawn(leaves) : "dnc-pending",
    after: lease?.after,
  });
};

/** What OCS gets, without its body's text. */
export const requestForOcs = (
  permit: Pick<Permit, "tenant" | "operation">,
  given: Attributes,
): Pick<Order, "method" | "path" | "attributes"> => ({
  method: permit.operation.action.method,
  path: writeTarget(permit.operation),
  attributes: attributesForOcs(permit, given),
});

/** What was kept of an order that the gateway accepted with 202. */
export type AcceptedOrder = Pick<Order, "id" | "client" | "credential" | "owner" | "operation" | "attributes"> &
  Pick<Order, "path" | "body" | "lease"> & { readonly attemptOf: string };

/**
 * The order for an attempt to send an accepted request. It was isolated when it was accepted, for the same tenant.
 * Unlike other requests it stays valid when its credential is revoked or its client is removed: a person has asked not
 * to be called.
 */
export const orderAgain = (accepted: AcceptedOrder): Order => {
  const { owner, operation, lease } = accepted;
  return proven<Order>({
    ...accepted,
    wouldRefuse: undefined,
    tenant: String(owner.dbid),
    method: operation.action.method,
    urgent: true,
    fits: undefined,
    withdrawn: lease?.withdrawn,
    after: lease?.after,
  });
};

const NOTHING_PENDING = (): undefined => undefined;

const pendingDoNotCall = ({ outbox }: IsolateDeps, tenant: Tenant, attributes: Attributes): (() => PendingBy) => {
  if (!outbox) return NOTHING_PENDING;
  const person = { phone: textIn(attributes, "GSW_PHONE"), customer: textIn(attributes, "GSW_CUSTOMER_ID") };
  return () => outbox.pendingFor(tenant, person);
};

type PendingBy = ReturnType<PendingDoNotCalls["pendingFor"]>;

const textIn = (attributes: Attributes, name: string): string | undefined => {
  const value = attributes.get(name);
  return value === undefined || typeof value === "object" ? undefined : String(value);
};

/** A safety rule and not the tenant's policy: it holds in observe mode too. */
const refusePending = (by: PendingBy, wouldRefuse: string | undefined): void => {
  if (by === undefined) return;
  refuse("dnc-pending", {
    detail:
      by === "phone"
        ? "OCS has not carried out yet a Do-Not-Call for this phone number"
        : "OCS has not carried out yet a Do-Not-Call for this customer id",
    pointer: by === "phone" ? "/GSW_PHONE" : "/GSW_CUSTOMER_ID",
    found: { wouldRefuse },
  });
};

/** The check for one resource. `wouldRefuse` goes into the journal's entry of a refusal. */
type Rule = (permit: Permit, wouldRefuse: string | undefined) => void;

const RULES: Readonly<Record<ResourceName, Rule>> = {
  phones: () => undefined,
  customer_ids: () => undefined,
  lists: ({ tenant, operation }, wouldRefuse) => {
    if (!tenant.lists.has(operation.identifier!))
      refuse("foreign-object", {
        detail: "this list does not belong to this tenant",
        ...settingOf(tenant, "lists"),
        found: { wouldRefuse },
      });
  },
  campaigngroups: ({ tenant, operation: { identifier } }, wouldRefuse) => {
    if (identifier !== undefined && !tenant.campaignGroups.has(Number(identifier)))
      refuse("foreign-object", {
        detail: "this campaign group does not belong to this tenant",
        ...settingOf(tenant, "campaign_groups"),
        found: { wouldRefuse },
      });
  },
  records: () => undefined,
};

/**
 * Takes a lease on the handle. Handles of other tenants, finished and unknown handles get the same refusal, from the
 * same code. If the owner is unknown at the moment, the refusal is temporary.
 */
const leaseOf = (
  { ownership }: IsolateDeps,
  { tenant, operation: { identifier, action }, isOwnerCurrent }: Permit,
  wouldRefuse: string | undefined,
): Order["lease"] => {
  const answer = ownership.requestLease(tenant, identifier!, action.finalizes, isOwnerCurrent);
  if ("lease" in answer) return answer.lease;
  const found = { wouldRefuse };
  const later = { headers: [["Retry-After", "1"] as const] };
  if ("unclear" in answer) return refuse("unclear", { reason: reasonOfUnclear(answer.unclear), ...later, found });
  const reason = reasonOfDenied(answer.denied);
  if (answer.isThrottled) refuse("probing", { reason, ...later, found });
  return refuse("no-such-record", { reason, ...settingOf(tenant, "records"), found });
};

/** Checks name and DBID, although OCS would use the DBID and ignore the name. */
const refuseForeignTenant = (arrival: Arrival, permit: Permit, attributes: Attributes): void => {
  const { tenant } = permit;
  const dbid = attributes.get("GSW_TENANT_DBID");
  const name = attributes.get("GSW_TENANT_NAME");
  if (dbid !== undefined && dbid !== tenant.dbid) refuseTenant(arrival, permit, "dbid", (own) => own.dbid === dbid);
  if (name !== undefined && name !== tenant.name) refuseTenant(arrival, permit, "name", (own) => own.name === name);
};

const refuseTenant = (
  { headers }: Arrival,
  { tenant, caller }: Permit,
  key: "dbid" | "name",
  isNamed: (own: Tenant) => boolean,
): never => {
  const attribute = key === "dbid" ? "GSW_TENANT_DBID" : "GSW_TENANT_NAME";
  const pointer = `/${attribute}`;
  // Both are the caller's own tenants, so the refusal may say that they differ.
  return headerOf(headers, "Ocsgw-Tenant") !== undefined && caller.tenants.some(isNamed)
    ? refuse("conflicting-names", {
        detail: `the header Ocsgw-Tenant and ${attribute} name two different tenants`,
        pointer,
      })
    : refuse("other-tenant", { pointer, ...settingOf(tenant, key) });
};

const refuseForeignNames = ({ tenant, operation }: Permit, attributes: Attributes): void => {
  const campaign = attributes.get("GSW_CAMPAIGN_NAME");
  if (campaign !== undefined && !tenant.campaigns.has(campaign as string)) {
    refuse("foreign-object", {
      detail: "this campaign does not belong to this tenant",
      pointer: "/GSW_CAMPAIGN_NAME",
      named: String(campaign as string | number),
      ...settingOf(tenant, "campaigns"),
    });
  }
  const list = attributes.get("GSW_CALLING_LIST");
  if (list !== undefined && operation.action.resource !== "lists" && !tenant.lists.has(list as string)) {
    refuse("foreign-object", {
      detail: "this list does not belong to this tenant",
      pointer: "/GSW_CALLING_LIST",
      named: String(list as string | number),
      ...settingOf(tenant, "lists"),
    });
  }
};

/** Refuses a body that contradicts the URI. OCS would silently use the URI's value. */
const refuseDisagreement = ({ operation }: Permit, attributes: Attributes): void => {
  const { identifiedBy } = CATALOG[operation.action.resource];
  const said = identifiedBy === undefined ? undefined : attributes.get(identifiedBy);
  if (said === undefined || String(said as string | number) === operation.identifier) return;
  refuse("conflicting-names", {
    detail: `${identifiedBy} differs from the URI, whose value OCS would take`,
    pointer: `/${identifiedBy}`,
  });
};

/** Refuses fields that the tenant does not declare; with `mode: observe`, returns the code to record. */
const undeclaredField = ({ tenant }: Permit, attributes: Attributes): string | undefined => {
  if (!tenant.fields) return undefined;
  for (const name of attributes.keys()) {
    if (!isAttributeName(name) && !tenant.fields.has(name))
      return refuseByPolicy(tenant, "bad-attribute", {
        detail: "this field is not among the tenant's fields",
        pointer: pointerTo(name),
        ...settingOf(tenant, "fields"),
      });
  }
  return undefined;
};

/** The attributes to send: the tenant as DBID only, and without the attribute that repeats the URI. */
const attributesForOcs = (
  { tenant, operation: { action } }: Pick<Permit, "tenant" | "operation">,
  attributes: Attributes,
): Attributes => {
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
