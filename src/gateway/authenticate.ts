/** Who is asking? A credential that is valid, of a client that stands under at least one tenant. */
import { headerOf, type Arrival } from "../message.ts";
import { isDenial, type AuthFailure, type Denial, type Identified, type Identity } from "../tenants/credential.ts";
import { isNamed, keyOf, type Register, type Tenant } from "../tenants/register.ts";
import { refuse } from "./refusals.ts";
import type { Caller, Parts } from "./words.ts";

export const authenticate = (parts: Parts, arrival: Arrival): Caller | Promise<Caller> => {
  const now = parts.inForce?.();
  const judgedBy = now && { register: now.register, revision: now.revision };
  const answer = parts.identify(arrival);
  return answer instanceof Promise
    ? answer.then((identified) => callerOf(parts, identified, judgedBy))
    : callerOf(parts, answer, judgedBy);
};

const callerOf = ({ register, challenge }: Parts, identified: Identified, judgedBy: Caller["judgedBy"]): Caller => {
  const identity = identityIn({ challenge }, identified);
  const { client, credential } = identity;
  const tenants = tenantsOf(register.tenantsOf(client), identity);
  if (tenants.length === 0) return refuseDenied({ challenge }, tenantless(register, identity));
  return { client, credential, tenants, judgedBy } as unknown as Caller;
};

/** Refuses what is nobody's, and who guesses. */
export const identityIn = (parts: Pick<Parts, "challenge">, answer: Identified): Identity =>
  isDenial(answer) ? refuseDenied(parts, answer) : answer;

/** The client hears that it is nobody, or for how long to wait; why is for the journal and the metric. */
export const refuseDenied = (
  { challenge }: Pick<Parts, "challenge">,
  { denied, reason, key, retryAfter }: Denial,
): never => {
  const why = { ...authFailure(denied, reason), key };
  const later = { headers: [["Retry-After", String(retryAfter ?? 1)] as const] };
  switch (denied) {
    case "throttled":
      return refuse("throttled", { ...why, setting: "identity.failures", ...later });
    case "issuer-unavailable":
      return refuse("no-keys", { ...why, setting: "identity.jwt", ...later });
    default:
      return refuse("no-credential", { ...why, headers: [["WWW-Authenticate", challenge]] });
  }
};

export const authFailure = (denied: AuthFailure, reason: string) => ({
  authFailure: denied,
  reason: `${denied}: ${reason}`,
});

const tenantless = (register: Register, { client, tenant, credential: { kind, id } }: Identity): Denial => {
  const because =
    register.tenantsOf(client).length === 0
      ? "stands under no tenant of the config"
      : tenant === undefined
        ? "stands under none of the tenants for which its issuer, key or certificate may speak"
        : "does not stand under the tenant that its token claims";
  return {
    denied: "no-tenant",
    reason: `client ${client} (${kind} ${id}) ${because}`,
    ...(kind === "key" && { key: id }),
  };
};

/** A token's tenant claim narrows, never widens; and an issuer, a certificate's rule or a key speaks for those tenants alone that are listed for it. */
export const tenantsOf = (all: readonly Tenant[], { tenant, tenants }: Identity): readonly Tenant[] =>
  tenant === undefined && tenants === undefined
    ? all
    : all.filter(
        (each) =>
          (tenant === undefined || isNamed(each, tenant)) && (tenants === undefined || tenants.includes(keyOf(each))),
      );

/** Those of the caller's tenants that `Ocsgw-Tenant` (a DBID or a name) leaves. */
export const tenantsAskedFor = (caller: Caller, arrival: Arrival): readonly Tenant[] => {
  const asked = headerOf(arrival.headers, "Ocsgw-Tenant");
  if (asked === undefined) return caller.tenants;
  const tenants = caller.tenants.filter((tenant) => isNamed(tenant, asked));
  return tenants.length > 0
    ? tenants
    : refuse("other-tenant", {
        detail: "Ocsgw-Tenant names a tenant that this client may not act for",
        stage: "scope",
      });
};
