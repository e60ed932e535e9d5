/**
 * A request may wait for seconds: for its body, the journal, a lane, an earlier request. Just before it is sent, the
 * gateway checks again that the credential is valid and that the tenant still has this client, by the config and the
 * revocations in force then. What the grant allows is not checked again: that is judged by one config from start to
 * end.
 */
import type { Identity } from "../tenants/credential.ts";
import { keyOf, type Tenant } from "../tenants/register.ts";
import type { Arrival } from "../message.ts";
import { tenantsOf } from "./authenticate.ts";
import type { Caller, InForce, Parts } from "./words.ts";

/** Milliseconds after which time alone may have ended a credential. */
const FRESH_MS = 100;

/** True from the moment on in which the request's client could not make it any more. */
export const revocationOf = (
  { inForce }: Pick<Parts, "inForce">,
  arrival: Arrival,
  caller: Caller,
  tenant: Tenant,
): (() => boolean) => (inForce ? asking(inForce, arrival, caller, tenant) : NEVER);

const NEVER = (): boolean => false;

const asking = (inForce: () => InForce, arrival: Arrival, caller: Caller, tenant: Tenant): (() => boolean) => {
  let [at, by] = [arrival.at, caller.judgedBy];
  return () => {
    const now = inForce();
    const isUnchanged = by?.register === now.register && by.revision === now.revision;
    if (isUnchanged && performance.now() - at < FRESH_MS) return false;
    if (now.isRevoked(caller)) return true;
    const identity = now.identifyAgain(arrival);
    // Its issuer's keys are being fetched: it was valid, and nothing says that it is not.
    if (identity === "unknown") return false;
    if (!identity || !standsUnder(now, identity, caller, tenant)) return true;
    [at, by] = [performance.now(), { register: now.register, revision: now.revision }];
    return false;
  };
};

const standsUnder = ({ register }: InForce, identity: Identity, { client }: Caller, tenant: Tenant): boolean =>
  identity.client === client &&
  tenantsOf(register.tenantsOf(client), identity).some((each) => keyOf(each) === keyOf(tenant));
