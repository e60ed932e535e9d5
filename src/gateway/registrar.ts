/**
 * `/ownership/<upstream>/<handle>` on the callbacks listener: a trusted component says whose a record handle is, before the client learns it.
 * PUT compares and sets, DELETE takes back, GET looks. A registrar speaks for the tenants of its list alone, and is no tenant's client.
 */
import { scanJson, JsonFault, type JsonValue } from "../ocs/json.ts";
import { IDENTIFIERS } from "../ocs/identifiers.ts";
import { bytesOf, type Arrival, type Handler, type Reply } from "../message.ts";
import type { Owning, Ownership } from "../tenants/ownership.ts";
import { isMeant, type Tenant } from "../tenants/register.ts";
import { identityIn, refuseDenied, tenantsOf } from "./authenticate.ts";
import { FOR_FAULT, refuse } from "./refusals.ts";
import { asRefused, replyTo } from "./rescue.ts";
import { seenOf, type Parts, type Seen } from "./words.ts";

export type Registrar = {
  readonly tenants: readonly Tenant[];
  /** False for an address that the registrar may not come from. */
  readonly mayComeFrom: (address: string) => boolean;
};

export type RegistrarParts = Pick<Parts, "identify" | "challenge" | "note" | "observe" | "dialect" | "redact"> & {
  readonly upstream: string;
  /** By client. */
  readonly registrars: ReadonlyMap<string, Registrar>;
  readonly ownership: Pick<Ownership, "register" | "ownerOf" | "claimantOf" | "hasNoOwner" | "end" | "epochOf">;
  /** Which OCS is the primary is known: else it is open which of them a handle belongs to. */
  readonly isSettled: () => boolean;
};

type Ask = { readonly registrar: Registrar; readonly client: string; readonly handle: number };

export const OWNERSHIP_PATH = "/ownership/";
const PATH = /^\/ownership\/([^/?#]+)\/([^/?#]+)$/;
const METHODS = ["PUT", "DELETE", "GET"];

export const createRegistrar =
  (parts: RegistrarParts): Handler =>
  async (arrival) => {
    const seen = seenOf(arrival);
    try {
      return await serve(parts, arrival, seen);
    } catch (error) {
      return replyTo(parts, seen, asRefused(error, seen));
    }
  };

const serve = async (parts: RegistrarParts, arrival: Arrival, seen: Seen): Promise<Reply> => {
  const { fault, method } = arrival;
  if (fault && fault.kind !== "foreign-authority") refuse(FOR_FAULT[fault.kind], { detail: fault.detail, close: true });
  seen.stage = "identity";
  const { client, registrar } = await whoAsks(parts, arrival);
  seen.stage = "operation";
  const ask: Ask = { client, registrar, handle: handleIn(parts, arrival.target) };
  if (!METHODS.includes(method))
    refuse("wrong-method", {
      detail: `a handle's owner takes ${METHODS.join(", ")} here`,
      headers: [["Allow", METHODS.join(", ")]],
    });
  seen.stage = "scope";
  if (method === "PUT") return put(parts, ask, arrival);
  return method === "DELETE" ? take(parts, ask, arrival) : look(parts, ask);
};

const whoAsks = async (parts: RegistrarParts, arrival: Arrival): Promise<Pick<Ask, "client" | "registrar">> => {
  const identity = identityIn(parts, await parts.identify(arrival));
  const {
    client,
    credential: { kind, id },
  } = identity;
  const found = parts.registrars.get(client);
  if (!found?.mayComeFrom(arrival.source)) {
    const because = found
      ? "may not come from this address: registrars[].allow_from"
      : `is no registrar of ${parts.upstream}`;
    return refuseDenied(parts, { denied: "no-registrar", reason: `client ${client} (${kind} ${id}) ${because}` });
  }
  return { client, registrar: { ...found, tenants: tenantsOf(found.tenants, identity) } };
};

const handleIn = ({ upstream }: RegistrarParts, target: string): number => {
  const [, name, handle] = PATH.exec(target) ?? [];
  const kind = IDENTIFIERS["record handle"];
  if (name !== upstream || handle === undefined)
    return refuse("no-resource", {
      detail: "expected /ownership/<upstream>/<record handle>, with the upstream that these callbacks belong to",
    });
  return kind.is(handle)
    ? Number(handle)
    : refuse("no-resource", { detail: `the record handle: expected ${kind.expected}` });
};

const put = async (parts: RegistrarParts, ask: Ask, arrival: Arrival): Promise<Reply> => {
  const said = tenantIn(await arrival.body());
  const tenant =
    ask.registrar.tenants.find((each) => isMeant(each, said)) ??
    refuse("other-tenant", { detail: "this registrar may not name that tenant", pointer: "/tenant" });
  if (!parts.isSettled())
    refuse("no-store", { detail: "which OCS is the primary is open just now", headers: [["Retry-After", "1"]] });
  const owning = await parts.ownership.register(
    parts.upstream,
    ask.handle,
    tenant.dbid,
    ask.registrar.tenants.map(({ dbid }) => dbid),
  );
  if (owning === "taken" || owning === "disputed") refuse("taken");
  if (owning !== "owned" && owning !== "again")
    refuse("no-store", { detail: WHY[owning], headers: [["Retry-After", "1"]] });
  if (owning === "owned") record(parts, ask, arrival, tenant);
  return reply(parts, owning === "owned" ? 201 : 200, tenant);
};

const WHY: Readonly<Record<Exclude<Owning, "owned" | "again">, string>> = {
  taken: "another tenant has it",
  disputed: "another tenant has it",
  full: "too many handles are owned already",
  void: "OCS has changed roles, or the handle was named again meanwhile",
  unstored: "the owner cannot be written now, so nothing was registered",
  "in-flight": "a request of the owner before is still in flight",
  unclear: "whose handle it is cannot be told until OCS speaks of it again",
  nobody: "it was not registered",
  finished: "it was not registered",
};

/** Gone is gone, whoever took it: another's handle is left alone, and the caller does not learn that it is there. */
const take = async (parts: RegistrarParts, ask: Ask, arrival: Arrival): Promise<Reply> => {
  const tenant = ownTenant(ask, parts.ownership.claimantOf(parts.upstream, ask.handle));
  const stored = await (tenant
    ? parts.ownership.end(parts.upstream, ask.handle, "taken-back")
    : parts.ownership.hasNoOwner(parts.upstream, ask.handle));
  if (tenant) record(parts, ask, arrival, tenant);
  if (!stored)
    refuse("no-store", {
      detail: "the handle has no owner any more, but that cannot be written now",
      headers: [["Retry-After", "1"]],
    });
  return { status: 204, headers: [], body: bytesOf("") };
};

const look = (parts: RegistrarParts, ask: Ask): Reply => {
  const tenant = ownTenant(ask, parts.ownership.ownerOf(parts.upstream, ask.handle));
  return reply(parts, 200, tenant ?? refuse("no-resource", { detail: "this handle is no tenant's of this registrar" }));
};

const ownTenant = ({ registrar }: Ask, owner: number | undefined): Tenant | undefined =>
  registrar.tenants.find(({ dbid }) => dbid === owner);

const record = (
  { note, upstream }: RegistrarParts,
  { client, handle }: Ask,
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

/** With the epoch: when it is another one, the registrar has to name its handles again. */
const reply = ({ ownership, upstream }: RegistrarParts, status: number, { dbid, name }: Tenant): Reply => ({
  status,
  headers: [["Content-Type", "application/json"]],
  body: bytesOf(JSON.stringify({ tenant: { dbid, name }, epoch: ownership.epochOf(upstream) })),
});

/** `{"tenant": "Alpha Tenant"}` or `{"tenant": 101}`. */
const tenantIn = (body: Uint8Array): string | number => {
  const value = read(body);
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

const read = (body: Uint8Array): JsonValue => {
  try {
    return scanJson(body);
  } catch (error) {
    if (error instanceof JsonFault) return refuse("bad-json", { detail: error.message });
    throw error;
  }
};
