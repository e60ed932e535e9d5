/**
 * A request may wait for seconds: for its body, the journal, a lane, an earlier request. Just before sending it, the
 * gateway checks again that the credential is valid and that the tenant still has this client, by the current config
 * and revocations. Grants are not checked again: those of the config at arrival apply.
 */
import type { Identity } from "../identity/credentials.ts";
import { keyOf, type Tenant } from "../tenancy/registry.ts";
import type { Arrival } from "../common/message.ts";
import { tenantsOf } from "./stages/authenticate.ts";
import type { Caller, InForce } from "./types.ts";

/** `inForce` is absent where no request waits. */
export type RecheckDeps = { readonly inForce?: () => InForce };

/** Milliseconds for which the last check of a credential is reused. */
const FRESH_MS = 100;

/** Returns a function that returns true when the client may no longer make this request. */
export const recheckCredential = (
  { inForce }: RecheckDeps,
  arrival: Arrival,
  caller: Caller,
  tenant: Tenant,
): (() => boolean) => (inForce ? recheck(inForce, arrival, caller, tenant) : NEVER);

const NEVER = (): boolean => false;

const recheck = (inForce: () => InForce, arrival: Arrival, caller: Caller, tenant: Tenant): (() => boolean) => {
  let checkedAt = arrival.at;
  let { checkedUnder } = caller;
  return () => {
    const now = inForce();
    const isUnchanged = checkedUnder?.registry === now.registry && checkedUnder.revision === now.revision;
    if (isUnchanged && performance.now() - checkedAt < FRESH_MS) return false;
    if (now.isRevoked(caller)) return true;
    const identity = now.identifyAgain(arrival);
    // The issuer's keys are being fetched: assume that the credential is still valid.
    if (identity === "unknown") return false;
    if (!identity || !isClientOf(now, identity, caller, tenant)) return true;
    checkedAt = performance.now();
    checkedUnder = { registry: now.registry, revision: now.revision };
    return false;
  };
};

const isClientOf = ({ registry }: InForce, identity: Identity, { client }: Caller, tenant: Tenant): boolean =>
  identity.client === client &&
  tenantsOf(registry.tenantsOf(client), identity).some((each) => keyOf(each) === keyOf(tenant));
