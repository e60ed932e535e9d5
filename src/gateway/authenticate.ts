/** Who is asking? A credential that is valid, of a client that stands under at least one tenant. */
import { headerOf, type Arrival } from "../message.ts";
import { isNamed, type Tenant } from "../tenants/register.ts";
import { refuse } from "./refusals.ts";
import type { Caller, Parts } from "./words.ts";

export const authenticate = async ({ identify, register, challenge }: Parts, arrival: Arrival): Promise<Caller> => {
  const identity = await identify(arrival.headers);
  if (!identity) return refuse("no-credential", { headers: [["WWW-Authenticate", challenge]] });
  const { client, credential, tenant } = identity;
  // A token's tenant claim narrows, never widens.
  const tenants = register.tenantsOf(client).filter((each) => tenant === undefined || isNamed(each, tenant));
  if (tenants.length === 0) return refuse("no-credential", { headers: [["WWW-Authenticate", challenge]] });
  return { client, credential, tenants } as unknown as Caller;
};

/** Those of the caller's tenants that `Ocsgw-Tenant` (a DBID or a name) leaves. */
export const tenantsAskedFor = (caller: Caller, arrival: Arrival): readonly Tenant[] => {
  const asked = headerOf(arrival.headers, "Ocsgw-Tenant");
  if (asked === undefined) return caller.tenants;
  const tenants = caller.tenants.filter((tenant) => isNamed(tenant, asked));
  return tenants.length > 0 ? tenants : refuse("other-tenant", { detail: "Ocsgw-Tenant names a tenant that this client may not act for" });
};
