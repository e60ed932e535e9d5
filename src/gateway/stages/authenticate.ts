/** Who is asking? Requires a valid credential of a client that at least one tenant has. */
import type { Arrival } from "../../common/message.ts";
import {
  isDenial,
  type AuthFailure,
  type Denial,
  type IdentifyResult,
  type Identity,
} from "../../identity/credentials.ts";
import { isNamed, keyOf, type Registry, type Tenant } from "../../tenancy/registry.ts";
import { refuse, type RefusalDetails } from "../refused.ts";
import { proven, type Caller, type InForce } from "../types.ts";

export type AuthenticateDeps = {
  readonly identify: (arrival: Arrival) => Promise<IdentifyResult> | IdentifyResult;
  /** The value of WWW-Authenticate. */
  readonly challenge: string;
  readonly registry: Registry;
  /** The current config's, which may be newer than this pipeline's. Absent where no request waits. */
  readonly inForce?: () => InForce;
};

export const authenticate = (deps: AuthenticateDeps, arrival: Arrival): Caller | Promise<Caller> => {
  const now = deps.inForce?.();
  const checkedUnder = now && { registry: now.registry, revision: now.revision };
  const answer = deps.identify(arrival);
  return answer instanceof Promise
    ? answer.then((identified) => callerOf(deps, identified, checkedUnder))
    : callerOf(deps, answer, checkedUnder);
};

const callerOf = (
  { registry, challenge }: AuthenticateDeps,
  identified: IdentifyResult,
  checkedUnder: Caller["checkedUnder"],
): Caller => {
  const identity = requireIdentity({ challenge }, identified);
  const { client, credential } = identity;
  const tenants = tenantsOf(registry.tenantsOf(client), identity);
  if (tenants.length === 0) return refuseDenied({ challenge }, withoutTenant(registry, identity));
  return proven<Caller>({ client, credential, tenants, checkedUnder });
};

export const requireIdentity = (deps: Pick<AuthenticateDeps, "challenge">, identified: IdentifyResult): Identity =>
  isDenial(identified) ? refuseDenied(deps, identified) : identified;

/** Tells the client that its credential was rejected, or how long to wait; only the journal and the metric say why. */
export const refuseDenied = (
  { challenge }: Pick<AuthenticateDeps, "challenge">,
  { denied, reason, key, retryAfter }: Denial,
): never => {
  const details = { ...authFailure(denied, reason), key };
  const later = { headers: [["Retry-After", String(retryAfter ?? 1)] as const] };
  switch (denied) {
    case "throttled":
      return refuse("throttled", { ...details, setting: "identity.failures", ...later });
    case "issuer-unavailable":
      return refuse("issuer-keys-unavailable", { ...details, setting: "identity.jwt", ...later });
    default:
      return refuse("no-credential", { ...details, headers: [["WWW-Authenticate", challenge]] });
  }
};

export const authFailure = (
  denied: AuthFailure,
  reason: string,
): Required<Pick<RefusalDetails, "authFailure" | "reason">> => ({
  authFailure: denied,
  reason: `${denied}: ${reason}`,
});

const withoutTenant = (registry: Registry, { client, tenant, credential: { kind, id } }: Identity): Denial => {
  const because =
    registry.tenantsOf(client).length === 0
      ? "is in no tenant of the config"
      : tenant === undefined
        ? "is in none of the tenants for which its issuer, key or certificate may be used"
        : "is not in the tenant that its token claims";
  return {
    denied: "no-tenant",
    reason: `client ${client} (${kind} ${id}) ${because}`,
    ...(kind === "key" && { key: id }),
  };
};

/**
 * The client's tenants that this credential may be used for. A token's tenant claim, and the tenants listed for an
 * issuer, a certificate rule or a key, only restrict the client's tenants.
 */
export const tenantsOf = (all: readonly Tenant[], { tenant, tenants }: Identity): readonly Tenant[] =>
  tenant === undefined && tenants === undefined
    ? all
    : all.filter(
        (each) =>
          (tenant === undefined || isNamed(each, tenant)) && (tenants === undefined || tenants.includes(keyOf(each))),
      );
