/**
 * `/ownership/<upstream>/<handle>` on the callbacks listener: a trusted component registers the owner of a record
 * handle before the client learns the handle. PUT registers, unless another tenant owns the handle; DELETE removes the
 * registration; GET reads it. A registrar acts for the tenants of its list only, and sends no requests to OCS.
 */
import { scanJson, type JsonValue } from "../ocs/json.ts";
import { JsonFault } from "../ocs/json-fault.ts";
import { IDENTIFIERS } from "../ocs/identifiers.ts";
import { bytesOf, type Arrival, type Handler, type Reply } from "../common/message.ts";
import type { OwnershipResult, Ownership } from "../ownership/ownership.ts";
import { isMeant, type Tenant } from "../tenancy/registry.ts";
import { refuseDenied, requireIdentity, tenantsOf, type AuthenticateDeps } from "../gateway/stages/authenticate.ts";
import { FOR_FAULT, refuse } from "../gateway/refused.ts";
import { refusalReply, toRefused, type RespondDeps } from "../gateway/respond.ts";
import { newTrace, type Trace } from "../gateway/types.ts";

export type Registrar = {
  readonly tenants: readonly Tenant[];
  /** False for an address that is not in the registrar's `allow_from`. */
  readonly isAllowedFrom: (address: string) => boolean;
};

export type RegistrarDeps = Pick<AuthenticateDeps, "identify" | "challenge"> &
  Pick<RespondDeps, "note" | "observe" | "errorFormat" | "redact"> & {
    readonly upstream: string;
    /** By the client's name. */
    readonly registrars: ReadonlyMap<string, Registrar>;
    readonly ownership: Pick<
      Ownership,
      "register" | "ownerOf" | "claimantOf" | "isUnownedOnDisk" | "end" | "epochOf" | "refresh"
    >;
    /** While the active OCS is unknown, a handle may belong to either OCS of a pair. */
    readonly isActiveKnown: () => boolean;
  };

type RegistrarRequest = { readonly registrar: Registrar; readonly client: string; readonly handle: number };

export const OWNERSHIP_PATH = "/ownership/";
const PATH = /^\/ownership\/([^/?#]+)\/([^/?#]+)$/;
const METHODS = ["PUT", "DELETE", "GET"];

export const createRegistrar =
  (deps: RegistrarDeps): Handler =>
  async (arrival) => {
    const trace = newTrace(arrival);
    try {
      return await serve(deps, arrival, trace);
    } catch (error) {
      return refusalReply(deps, trace, toRefused(error, trace));
    }
  };

const serve = async (deps: RegistrarDeps, arrival: Arrival, trace: Trace): Promise<Reply> => {
  const { fault, method } = arrival;
  if (fault && fault.kind !== "foreign-authority") refuse(FOR_FAULT[fault.kind], { detail: fault.detail, close: true });
  trace.stage = "identity";
  const { client, registrar } = await authenticateRegistrar(deps, arrival);
  trace.stage = "operation";
  const request: RegistrarRequest = { client, registrar, handle: handleIn(deps, arrival.target) };
  if (!METHODS.includes(method))
    refuse("wrong-method", {
      detail: `expected ${METHODS.join(", ")}`,
      headers: [["Allow", METHODS.join(", ")]],
    });
  trace.stage = "scope";
  if (method === "PUT") return register(deps, request, arrival);
  // Another gateway may have got the registration.
  if (!(await deps.ownership.refresh(deps.upstream)))
    refuse("ownership-unavailable", {
      detail: "the shared database does not answer",
      headers: [["Retry-After", "1"]],
    });
  return method === "DELETE" ? unregister(deps, request, arrival) : read(deps, request);
};

const authenticateRegistrar = async (
  deps: RegistrarDeps,
  arrival: Arrival,
): Promise<Pick<RegistrarRequest, "client" | "registrar">> => {
  const identity = requireIdentity(deps, await deps.identify(arrival));
  const {
    client,
    credential: { kind, id },
  } = identity;
  const found = deps.registrars.get(client);
  if (!found?.isAllowedFrom(arrival.source)) {
    const because = found
      ? "sends from an address that is not in its registrars[].allow_from"
      : `is not a registrar of upstream ${deps.upstream}`;
    return refuseDenied(deps, { denied: "no-registrar", reason: `client ${client} (${kind} ${id}) ${because}` });
  }
  return { client, registrar: { ...found, tenants: tenantsOf(found.tenants, identity) } };
};

const handleIn = ({ upstream }: RegistrarDeps, target: string): number => {
  const [, name, handle] = PATH.exec(target) ?? [];
  const kind = IDENTIFIERS["record handle"];
  if (name !== upstream || handle === undefined)
    return refuse("no-registration", {
      detail: "expected /ownership/<upstream>/<record handle>, with the upstream that these callbacks belong to",
    });
  return kind.is(handle)
    ? Number(handle)
    : refuse("no-registration", { detail: `the record handle: expected ${kind.expected}` });
};

const register = async (deps: RegistrarDeps, request: RegistrarRequest, arrival: Arrival): Promise<Reply> => {
  const named = tenantIn(await arrival.body());
  const tenant =
    request.registrar.tenants.find((each) => isMeant(each, named)) ??
    refuse("other-tenant", { detail: "this registrar may not register handles for that tenant", pointer: "/tenant" });
  if (!deps.isActiveKnown())
    refuse("ownership-unavailable", {
      detail: "the active OCS is not known at the moment",
      headers: [["Retry-After", "1"]],
    });
  const result = await deps.ownership.register(
    deps.upstream,
    request.handle,
    tenant.dbid,
    request.registrar.tenants.map(({ dbid }) => dbid),
  );
  if (result === "taken" || result === "disputed") refuse("handle-taken");
  if (result !== "owned" && result !== "again")
    refuse("ownership-unavailable", { detail: DETAILS[result], headers: [["Retry-After", "1"]] });
  if (result === "owned") noteAccess(deps, request, arrival, tenant);
  return reply(deps, result === "owned" ? 201 : 200, tenant);
};

const DETAILS: Readonly<Record<Exclude<OwnershipResult, "owned" | "again">, string>> = {
  taken: "another tenant owns the handle",
  disputed: "another tenant owns the handle",
  full: "the gateway cannot hold more owned handles",
  void: "a switchover of OCS, or a newer registration, replaced this one",
  unstored: "the ownership database cannot be written, so the handle was not registered",
  "in-flight": "a request of the previous owner is still in flight",
  unclear: "the owner is unconfirmed until OCS announces the handle again",
  nobody: "the handle was not registered",
  finished: "the handle was not registered",
};

/**
 * Replies 204 also for another tenant's handle, which stays registered: the registrar must not learn that it exists.
 */
const unregister = async (deps: RegistrarDeps, request: RegistrarRequest, arrival: Arrival): Promise<Reply> => {
  const tenant = ownTenant(request, deps.ownership.claimantOf(deps.upstream, request.handle));
  const stored = await (tenant
    ? deps.ownership.end(deps.upstream, request.handle, "taken-back")
    : deps.ownership.isUnownedOnDisk(deps.upstream, request.handle));
  if (tenant) noteAccess(deps, request, arrival, tenant);
  if (!stored)
    refuse("ownership-unavailable", {
      detail: "the registration was removed, but the ownership database cannot be written now",
      headers: [["Retry-After", "1"]],
    });
  return { status: 204, headers: [], body: bytesOf("") };
};

const read = (deps: RegistrarDeps, request: RegistrarRequest): Reply => {
  const tenant = ownTenant(request, deps.ownership.ownerOf(deps.upstream, request.handle));
  return reply(
    deps,
    200,
    tenant ?? refuse("no-registration", { detail: "no tenant of this registrar owns the handle" }),
  );
};

const ownTenant = ({ registrar }: RegistrarRequest, owner: number | undefined): Tenant | undefined =>
  registrar.tenants.find(({ dbid }) => dbid === owner);

const noteAccess = (
  { note, upstream }: RegistrarDeps,
  { client, handle }: RegistrarRequest,
  { method }: Arrival,
  { name }: Tenant,
): void =>
  void note({
    kind: "access",
    user: client,
    role: "registrar",
    operation: `${method} ${OWNERSHIP_PATH}${upstream}/${handle}`,
    purpose: name,
  });

/** The reply contains the epoch: when it changes, the registrar must register its handles again. */
const reply = ({ ownership, upstream }: RegistrarDeps, status: number, { dbid, name }: Tenant): Reply => ({
  status,
  headers: [["Content-Type", "application/json"]],
  body: bytesOf(JSON.stringify({ tenant: { dbid, name }, epoch: ownership.epochOf(upstream) })),
});

/** `{"tenant": "Alpha Tenant"}` or `{"tenant": 101}`. */
const tenantIn = (body: Uint8Array): string | number => {
  const value = parseJson(body);
  const members = typeof value === "object" && value !== null && value.kind === "object" ? value.members : [];
  const [only] = members;
  if (
    members.length === 1 &&
    only?.key === "tenant" &&
    (typeof only.value === "string" || typeof only.value === "number")
  )
    return only.value;
  return refuse("bad-attribute", {
    detail: 'expected {"tenant": NAME} or {"tenant": DBID}, and nothing else',
    pointer: "/tenant",
  });
};

const parseJson = (body: Uint8Array): JsonValue => {
  try {
    return scanJson(body);
  } catch (error) {
    if (error instanceof JsonFault) return refuse("bad-json", { detail: error.message });
    throw error;
  }
};
