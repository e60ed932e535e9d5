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

export type Quota = { readonly charge: (tenant: Tenant, action: ActionName) => Promise<Charge> | Charge };

type Meter = { readonly name: string; readonly limit: Limit; readonly limiter: RateLimiterMemory };

const KEY = "t";
const free: Charge = { allowed: true, retryAfter: 0, headers: [], exceeded: undefined };

export const createQuota = (tenants: readonly Tenant[]): Quota => {
  const meters = new Map(tenants.map((tenant) => [tenant.dbid + tenant.upstream, metersOf(tenant)]));
  return {
    charge: (tenant, action) => {
      const wanted = meters.get(tenant.dbid + tenant.upstream)?.filter(({ name }) => name === "tenant" || name === action) ?? [];
      return wanted.length === 0 ? free : chargeAll(wanted);
    },
  };
};

const metersOf = ({ limits }: Tenant): readonly Meter[] => [
  ...(limits.requests ? [meter("tenant", limits.requests)] : []),
  ...[...limits.actions].map(([action, limit]) => meter(action, limit)),
];

const meter = (name: string, limit: Limit): Meter =>
  ({ name, limit, limiter: new RateLimiterMemory({ points: limit.points, duration: limit.seconds }) });

/** In sequence: what a later limit refuses is not charged to an earlier one. */
const chargeAll = async (meters: readonly Meter[]): Promise<Charge> => {
  const counted: { meter: Meter; state: RateLimiterRes }[] = [];
  for (const each of meters) {
    const state = await consume(each);
    counted.push({ meter: each, state: state.result });
    if (state.allowed) continue;
    for (const { meter: earlier } of counted.slice(0, -1)) await earlier.limiter.reward(KEY, 1);
    return { allowed: false, retryAfter: Math.max(1, Math.ceil(state.result.msBeforeNext / 1000)), headers: headersOf(counted), exceeded: each.name };
  }
  return { allowed: true, retryAfter: 0, headers: headersOf(counted), exceeded: undefined };
};

const consume = async ({ limiter }: Meter): Promise<{ allowed: boolean; result: RateLimiterRes }> => {
  try {
    return { allowed: true, result: await limiter.consume(KEY, 1) };
  } catch (refusal) {
    if (refusal instanceof RateLimiterRes) return { allowed: false, result: refusal };
    throw refusal;
  }
};

const headersOf = (counted: readonly { meter: Meter; state: RateLimiterRes }[]): Charge["headers"] => [
  ["RateLimit-Policy", counted.map(({ meter: { name, limit } }) => `"${name}";q=${limit.points};w=${Math.ceil(limit.seconds)}`).join(", ")],
  ["RateLimit", counted.map(({ meter: { name }, state }) => `"${name}";r=${Math.max(0, state.remainingPoints)};t=${Math.max(0, Math.ceil(state.msBeforeNext / 1000))}`).join(", ")],
];
