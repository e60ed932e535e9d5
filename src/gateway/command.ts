/** Does the body say it as OCS would? Read only after policy: a caller who may not ask should not cost a parse. */
import { readBody, type Attributes } from "../ocs/body.ts";
import { Violation } from "../ocs/violation.ts";
import { headerOf, type Arrival } from "../message.ts";
import { judge } from "../tenants/grants.ts";
import { needsOwner } from "../tenants/ownership.ts";
import type { Tenant } from "../tenants/register.ts";
import { chargeClient, settle } from "./admit.ts";
import { isUtf8, readContentType } from "./content-type.ts";
import { refuse } from "./refusals.ts";
import type { Command, Parts, Permit, Seen } from "./words.ts";

export const readCommand = async (parts: Parts, permit: Permit, seen: Seen): Promise<Command> => {
  const read = permit.tenant ? readAttributes(parts, permit, seen) : readUnsettled(parts, permit, seen);
  const { attributes, settled } = await read;
  return { permit: settled, tenant: settled.tenant, attributes } as unknown as Command;
};

type Read = { readonly attributes: Attributes; readonly settled: Permit };

/** The tenant is known from here on, or there is none: then the client is charged. */
const readUnsettled = async (parts: Parts, permit: Permit, seen: Seen): Promise<Read> => {
  let attributes: Attributes;
  let tenant: Tenant;
  try {
    ({ attributes } = await readAttributes(parts, permit, seen));
    tenant = tenantSaid(permit, attributes) ?? tenantOfRecord(parts, permit) ?? tenantThatGrants(permit);
  } catch (error) {
    await chargeClient(parts, permit);
    throw error;
  }
  return { attributes, settled: await settle(parts, permit, tenant, seen) };
};

const readAttributes = async (parts: Parts, permit: Permit, { arrival }: Seen): Promise<Read> => {
  const fault = faultInType(parts, arrival);
  // A body that is announced is not read; whether one in chunks is empty is known behind it.
  if (fault && isAnnounced(arrival)) refuse("bad-content-type", fault);
  const bytes = await arrival.body();
  if (fault && bytes.length > 0) refuse("bad-content-type", fault);
  try {
    return { attributes: readBody(permit.operation.action, bytes), settled: permit };
  } catch (error) {
    return refuseBody(arrival, error);
  }
};

const JSON_TYPE = "application/json";

/**
 * The manual's only type is application/json; deployed clients send none at all, or another one, which a listener may
 * accept by name. Where there is no body the type of one says nothing.
 */
const faultInType = (
  { acceptsType }: Parts,
  { method, headers, listener }: Arrival,
): { readonly detail: string; readonly close?: boolean } | undefined => {
  const encoding = headerOf(headers, "Content-Encoding");
  if (encoding !== undefined && encoding.toLowerCase() !== "identity")
    return { detail: "a body must not be encoded (Content-Encoding)", close: true };
  const value = headerOf(headers, "Content-Type");
  if (value === undefined || method === "GET") return undefined;
  const read = readContentType(value);
  if (!read) return { detail: `Content-Type is malformed; send ${JSON_TYPE}` };
  if (read.type !== JSON_TYPE && !acceptsType?.(listener, read.type))
    return { detail: `the Content-Type of a body must be ${JSON_TYPE}` };
  return read.charset === undefined || isUtf8(read.charset)
    ? undefined
    : { detail: "the charset in Content-Type must be utf-8: a JSON body has no other" };
};

const isAnnounced = ({ headers }: Arrival): boolean => Number(headerOf(headers, "Content-Length") ?? 0) > 0;

const refuseBody = async (arrival: Arrival, error: unknown): Promise<never> => {
  if (!(error instanceof Violation)) throw error;
  // Whose body is no JSON may have been cut in the wrong place: what comes behind it is not read as a request.
  if (error.rule === "json") return refuse("bad-json", { detail: error.message, close: true });
  if (error.rule !== "truncated") throw error;
  // Several of the manual's examples announce a length that is too short: the rest of their body arrives as a second request.
  if (await arrival.surplus()) {
    return refuse("wrong-length", {
      detail: "the body is longer than its Content-Length says; let the HTTP library set it",
      close: true,
    });
  }
  return refuse("bad-json", { detail: error.message, close: true });
};

/** For a client of several tenants: the one that the body names, if it names one. */
const tenantSaid = ({ tenants }: Permit, attributes: Attributes): Tenant | undefined => {
  const [dbid, name] = [attributes.get("GSW_TENANT_DBID"), attributes.get("GSW_TENANT_NAME")];
  if (dbid === undefined && name === undefined) return undefined;
  const [byDbid, byName] = [
    tenants.filter((tenant) => tenant.dbid === dbid),
    tenants.filter((tenant) => tenant.name === name),
  ];
  const both = dbid !== undefined && name !== undefined;
  const said = both ? byDbid.filter((tenant) => byName.includes(tenant)) : dbid !== undefined ? byDbid : byName;
  if (both && said.length === 0 && byDbid.length > 0 && byName.length > 0) {
    refuse("uri-and-body", {
      detail: "GSW_TENANT_DBID and GSW_TENANT_NAME name two different tenants",
      pointer: "/GSW_TENANT_NAME",
      stage: "scope",
    });
  }
  const [meant = refuse("other-tenant", { stage: "scope" }), another] = said;
  return another === undefined
    ? meant
    : refuse("which-tenant", {
        detail: "the body's words fit tenants of two OCS: say which with the header Ocsgw-Tenant",
        stage: "scope",
      });
};

/** Else, on a record, the one whose it is. */
const tenantOfRecord = ({ ownership }: Parts, { tenants, operation }: Permit): Tenant | undefined => {
  if (operation.action.resource !== "records") return undefined;
  const [owner, another] = ownership.ownersAmong(tenants, operation.identifier!);
  // Who needs no owner at an OCS of its own has that handle there as well.
  const alsoHas = (tenant: Tenant): boolean => !needsOwner(tenant) && tenant.upstream !== owner?.upstream;
  if (owner && !another && !tenants.some(alsoHas)) return owner;
  // Of nobody's, or of somebody else's: whichever of them asks, the answer is the same.
  return !owner && tenants.every(needsOwner) ? tenants[0] : undefined;
};

/** Else the only one that grants it, whatever those allow that observe. */
const tenantThatGrants = ({ tenants, caller, operation }: Permit): Tenant => {
  const [granting, ...more] = tenants.filter((tenant) => judge(tenant, caller.client, operation).allowed);
  if (granting && more.length === 0) return granting;
  return refuse("which-tenant", {
    detail: "say it with GSW_TENANT_DBID or GSW_TENANT_NAME in the body, or with the header Ocsgw-Tenant",
    stage: "scope",
  });
};
