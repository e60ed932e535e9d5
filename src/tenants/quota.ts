/**
 * Rate limits per tenant, and per tenant and action. A limit of `rate` with `burst` is a window: `burst` requests in burst/rate seconds.
 * Headers follow draft-ietf-httpapi-ratelimit-headers (structured fields `RateLimit-Policy` and `RateLimit`).
 */
import { RateLimiterMemory, RateLimiterRes } from "rate-limiter-flexible";
import type { ActionName } from "../ocs/catalog.ts";
import type { Limit, Tenant } from "./register.ts";

export type Charge = {
  readonly allowed: boolean;
  /** Whole seconds until the window that refused ends. */
  readonly retryAfter: number;
  /** `RateLimit` and `RateLimit-Policy`, empty without limits. */
  readonly headers: readonly (readonly [string, string])[];
  /** The policy that refused. */
  readonly exceeded: string | undefined;
};

export type Quota = {
  readonly charge: (tenant: Tenant, action: ActionName) => Promise<Charge> | Charge;
  /** For the quota that comes after this one: what was used up under a limit stays used up where the limit stays. */
  readonly limiters: Limiters;
};

/** By tenant, policy and limit. */
export type Limiters = ReadonlyMap<string, RateLimiterMemory>;

type Meter = { readonly name: string; readonly limit: Limit; readonly limiter: RateLimiterMemory };
type LimiterOf = (tenant: Tenant, name: string, limit: Limit) => RateLimiterMemory;
/** What one action of one tenant is charged to, in sequence. */
type Account = { readonly meters: readonly Meter[]; readonly policy: string };

const KEY = "t";
const free: Charge = { allowed: true, retryAfter: 0, headers: [], exceeded: undefined };

export const createQuota = (tenants: readonly Tenant[], before: Limiters = new Map()): Quota => {
  const limiters = new Map<string, RateLimiterMemory>();
  const limiterOf: LimiterOf = (tenant, name, { points, seconds }) => {
    const id = JSON.stringify([tenant.upstream, tenant.dbid, name, points, seconds]);
    const limiter = limiters.get(id) ?? before.get(id) ?? new RateLimiterMemory({ points, duration: seconds });
    limiters.set(id, limiter);
    return limiter;
  };
  const accounts = new Map(tenants.map((tenant) => [tenant, accountsOf(tenant, limiterOf)]));
  return {
    limiters,
    charge: (tenant, action) => {
      const account = accounts.get(tenant)?.(action);
      return account ? chargeAll(account) : free;
    },
  };
};

/** Undefined for an action without limits. */
const accountsOf = (tenant: Tenant, limiterOf: LimiterOf): ((action: ActionName) => Account | undefined) => {
  const { limits } = tenant;
  const meter = (name: string, limit: Limit): Meter => ({ name, limit, limiter: limiterOf(tenant, name, limit) });
  const common = limits.requests ? [meter("tenant", limits.requests)] : [];
  const byAction = new Map([...limits.actions].map(([action, limit]) => [action, account([...common, meter(action, limit)])]));
  const otherwise = common.length > 0 ? account(common) : undefined;
  return (action) => byAction.get(action) ?? otherwise;
};

const account = (meters: readonly Meter[]): Account =>
  ({ meters, policy: meters.map(({ name, limit }) => `"${name}";q=${limit.points};w=${Math.ceil(limit.seconds)}`).join(", ") });

/** In sequence: what a later limit refuses is not charged to an earlier one. */
const chargeAll = async ({ meters, policy }: Account): Promise<Charge> => {
  let state = "";
  for (const { name, limiter } of meters) {
    const { consumedPoints, remainingPoints, msBeforeNext } = await limiter.consume(KEY, 1).then(undefined, refusalOf);
    const seconds = Math.max(0, Math.ceil(msBeforeNext / 1000));
    state += `${state === "" ? "" : ", "}"${name}";r=${Math.max(0, remainingPoints)};t=${seconds}`;
    if (consumedPoints <= limiter.points) continue;
    for (const earlier of meters) {
      if (earlier.limiter === limiter) break;
      await earlier.limiter.reward(KEY, 1);
    }
    return { allowed: false, retryAfter: Math.max(1, seconds), headers: headersOf(policy, state), exceeded: name };
  }
  return { allowed: true, retryAfter: 0, headers: headersOf(policy, state), exceeded: undefined };
};

/** A limiter that refuses rejects with its state; whatever else it rejects with is a defect. */
const refusalOf = (refusal: unknown): RateLimiterRes => {
  if (refusal instanceof RateLimiterRes) return refusal;
  throw refusal;
};

const headersOf = (policy: string, state: string): Charge["headers"] => [["RateLimit-Policy", policy], ["RateLimit", state]];
