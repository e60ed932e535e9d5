/**
 * `GET /ocsgw/requests/<id>`: what became of a request, for the client that made it. Everybody else gets the same reply
 * as for an id that no request had, after the same searches. Nothing is sent to OCS, and only refusals are journaled.
 */
import { faultInWords } from "../../common/system-error.ts";
import { isUlid } from "../../common/ulid.ts";
import { bytesOf, type Arrival } from "../../common/message.ts";
import { splitTarget } from "../../ocs/target.ts";
import { keyOf, type Tenant } from "../../tenancy/registry.ts";
import { refuse } from "../refused.ts";
import { tenantsAskedFor } from "../stages/authorize.ts";
import { requireWithinLimits, type ChargeClientDeps, type ChargeDeps } from "../tenant-policy.ts";
import type { Caller, OpenReply } from "../types.ts";
import type { RunningRequests } from "./running-requests.ts";
import type { FoundRequest, KnownRequest, RequestState } from "./request-state.ts";

export type LookUpDeps = ChargeDeps &
  ChargeClientDeps & {
    /** Absent where nothing is sent: the path is no resource then. */
    readonly requests?: {
      readonly running: RunningRequests;
      /** Of requests that have ended, from the journal. Rejects when the journal cannot be searched now. */
      readonly ended: (id: string) => Promise<FoundRequest>;
      /** Of requests of other gateways on the same OCS. Absent where there are none. */
      readonly elsewhere?: ((id: string) => Promise<FoundRequest>) | undefined;
    };
  };

const PATH = /^\/ocsgw\/requests\/([^/]+)$/;

/** The id in the path; undefined for other paths. */
export const requestIdIn = ({ target }: Arrival): string | undefined => PATH.exec(splitTarget(target)?.path ?? "")?.[1];

export const lookUpRequest = async (
  deps: LookUpDeps,
  arrival: Arrival,
  caller: Caller,
  given: string,
): Promise<OpenReply> => {
  if (arrival.method !== "GET")
    refuse("wrong-method", { detail: "a request's state can only be read", headers: [["Allow", "GET"]] });
  const tenants = tenantsAskedFor(arrival, caller);
  await requireWithinLimits(deps, caller.client, tenants);
  const id = given.toUpperCase();
  const { known, unclear } = isUlid(id) ? await find(deps.requests!, id, (each) => isOf(each, caller, tenants)) : NONE;
  if (known?.state) return replyWith(known.state);
  const why = known ? "its outcome is not on disk yet" : unclear;
  if (why === undefined) return refuse("no-such-request");
  return refuse("request-unclear", { reason: `unclear: ${why}`, headers: [["Retry-After", "5"]] });
};

const NONE: FoundRequest = { known: undefined, unclear: undefined };

type IsOwn = (request: KnownRequest) => boolean;

const find = async (
  { running, ended, elsewhere }: NonNullable<LookUpDeps["requests"]>,
  id: string,
  isOwn: IsOwn,
): Promise<FoundRequest> => {
  const now = running.find(id);
  if (now && isOwn(now)) return { known: now, unclear: undefined };
  const found = [await searched(ended, id, isOwn), ...(elsewhere ? [await searched(elsewhere, id, isOwn)] : [])];
  return found.find(({ known }) => known) ?? found.find(({ unclear }) => unclear !== undefined) ?? NONE;
};

const searched = async (
  search: (id: string) => Promise<FoundRequest>,
  id: string,
  isOwn: IsOwn,
): Promise<FoundRequest> => {
  try {
    const { known, unclear } = await search(id);
    return { known: known && isOwn(known) ? known : undefined, unclear };
  } catch (error) {
    return { known: undefined, unclear: faultInWords(error) };
  }
};

/** A credential for some of the client's tenants reads requests of these only. */
const isOf = ({ client, tenant }: KnownRequest, caller: Caller, tenants: readonly Tenant[]): boolean =>
  client === caller.client &&
  (tenant === undefined ||
    tenants.some(({ dbid, upstream }) =>
      tenant.upstream === undefined
        ? dbid === tenant.dbid
        : keyOf({ dbid, upstream }) === keyOf({ dbid: tenant.dbid, upstream: tenant.upstream }),
    ));

const replyWith = (state: RequestState): OpenReply => ({
  status: 200,
  headers: [
    ["Content-Type", "application/json"],
    ["Cache-Control", "no-store"],
  ],
  body: bytesOf(JSON.stringify(state)),
  isOwn: true,
});
