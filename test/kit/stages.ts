/** Proven values for tests of single stages, made by the stages before. */
import { authenticate } from "../../src/gateway/stages/authenticate.ts";
import { authorize } from "../../src/gateway/stages/authorize.ts";
import { isolate, type IsolateDeps } from "../../src/gateway/stages/isolate.ts";
import { parseBody } from "../../src/gateway/stages/parse-body.ts";
import { resolveTenant, type ResolveTenantDeps } from "../../src/gateway/stages/resolve-tenant.ts";
import { REFUSALS } from "../../src/gateway/refusals.ts";
import { Refused } from "../../src/gateway/refused.ts";
import type { Caller, Command, Grant, Order, Permit } from "../../src/gateway/types.ts";
import { headerOf, type Arrival } from "../../src/common/message.ts";
import { readTarget } from "../../src/ocs/target.ts";
import { Ownership } from "../../src/ownership/ownership.ts";
import { createQuota } from "../../src/tenancy/quota.ts";
import { createRegistry, type Tenant } from "../../src/tenancy/registry.ts";

export type StageDeps = ResolveTenantDeps & IsolateDeps;

export const stageDeps = (tenants: readonly Tenant[]): StageDeps => ({
  ...createQuota(tenants),
  ownership: new Ownership({ staleAfter: () => 1_800_000, onEvent: () => undefined }),
});

export const callerFor = async (tenants: readonly Tenant[], arrival: Arrival): Promise<Caller> =>
  authenticate(
    {
      identify: ({ headers }) => ({ client: headerOf(headers, "X-Client")!, credential: { kind: "key", id: "k1" } }),
      challenge: "Basic",
      registry: createRegistry(tenants),
    },
    arrival,
  );

export const grantFor = async (tenants: readonly Tenant[], arrival: Arrival, deps: StageDeps): Promise<Grant> =>
  authorize(deps, arrival, await callerFor(tenants, arrival), readTarget(arrival.method, arrival.target));

export const permitFor = async (
  tenants: readonly Tenant[],
  arrival: Arrival,
  deps: StageDeps = stageDeps(tenants),
): Promise<{ readonly permit: Permit; readonly command: Command }> => {
  const grant = await grantFor(tenants, arrival, deps);
  const command = await parseBody(deps, arrival, grant);
  return { permit: await resolveTenant(deps, grant, command), command };
};

export const orderFor = async (
  tenants: readonly Tenant[],
  arrival: Arrival,
  deps: StageDeps = stageDeps(tenants),
): Promise<Order> => {
  const { permit, command } = await permitFor(tenants, arrival, deps);
  return isolate(deps, arrival, permit, command);
};

/** The code of the refusal that a stage throws, or "passed". */
export const codeOf = async (stage: () => unknown): Promise<string> => {
  try {
    await stage();
    return "passed";
  } catch (error) {
    if (error instanceof Refused) return REFUSALS[error.refusal].code;
    throw error;
  }
};
