/** Who is asking? A credential that is valid, of a client that stands under at least one tenant. */
import { headerOf, type Arrival } from "../message.ts";
import type { Identified, Identity } from "../tenants/credential.ts";
import { isNamed, keyOf, type Tenant } from "../tenants/register.ts";
import { refuse } from "./refusals.ts";
import type { Caller, Parts } from "./words.ts";

export const authenticate = (parts: Parts, arrival: Arrival): Caller | Promise<Caller> => {
  const now = parts.inForce?.();
  const judgedBy = now && { register: now.register, revision: now.revision };
  const answer = parts.identify(arrival);
  return answer instanceof Promise ? answer.then((identified) => callerOf(parts, identified, judgedBy)) : callerOf(parts, answer, judgedBy);
};

const callerOf = ({ register, challenge }: Parts, identified: Identified, judgedBy: Caller["judgedBy"]): Caller => {
  const identity = identityIn({ challenge }, identified);
  const { client, credential } = identity;
  const tenants = tenantsOf(register.tenantsOf(client), identity);
  if (tenants.length === 0) return refuse("no-credential", { headers: [["WWW-Authenticate", challenge]] });
  return { client, credential, tenants, judgedBy } as unknown as Caller;
};

/** Refuses what is nobody's, and who guesses. */
export const identityIn = ({ challenge }: Pick<Parts, "challenge">, answer: Identified): Identity => {
  if (!answer) return refuse("no-credential", { headers: [["WWW-Authenticate", challenge]] });
  if ("retryAfter" in answer) {
    return refuse("throttled", { setting: "identity.failures", headers: [["Retry-After", String(answer.retryAfter)]] });
  }
  return answer;
};

/** A token's tenant claim narrows, never widens; and an issuer, a certificate's rule or a key speaks for those tenants alone that are listed for it. */
export const tenantsOf = (all: readonly Tenant[], { tenant, tenants }: Identity): readonly Tenant[] =>
  tenant === undefined && tenants === undefined ? all
    : all.filter((each) => (tenant === undefined || isNamed(each, tenant)) && (tenants === undefined || tenants.includes(keyOf(each))));

/** Those of the caller's tenants that `Ocsgw-Tenant` (a DBID or a name) leaves. */
export const tenantsAskedFor = (caller: Caller, arrival: Arrival): readonly Tenant[] => {
  const asked = headerOf(arrival.headers, "Ocsgw-Tenant");
  if (asked === undefined) return caller.tenants;
  const tenants = caller.tenants.filter((tenant) => isNamed(tenant, asked));
  return tenants.length > 0 ? tenants : refuse("other-tenant", { detail: "Ocsgw-Tenant names a tenant that this client may not act for", stage: "scope" });
};
