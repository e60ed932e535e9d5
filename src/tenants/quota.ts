/**
 * Rate limits: of a tenant, of one of its clients, and of an action of either. A limit of `rate` with `burst` is a bucket of `burst` points that
 * fills at `rate`. A request needs a point of each that applies, and takes one of each or none. Headers follow
 * draft-ietf-httpapi-ratelimit-headers (structured fields `RateLimit-Policy` and `RateLimit`).
 */
import type { ActionName } from "../ocs/catalog.ts";
import { Bucket } from "./bucket.ts";
import type { Limit, Limits, Tenant } from "./register.ts";

export type Charge = {
  readonly allowed: boolean;
  /** Whole seconds until the limit that refused lets one more pass. */
  readonly retryAfter: number;
  /** `RateLimit` and `RateLimit-Policy`, empty without limits. */
  readonly headers: readonly (readonly [string, string])[];
  /** The policy that refused. */
  readonly exceeded: string | undefined;
};

export type Quota = {
  readonly charge: (tenant: Tenant, client: string, action: ActionName) => Charge;
  /** For the quota that comes after this one: what was used up under a limit stays used up where the limit stays. */
  readonly limiters: Limiters;
};

/** By tenant, policy and limit. */
export type Limiters = ReadonlyMap<string, Bucket>;

type Meter = { readonly name: string; readonly bucket: Bucket };
/** What one action of one client is charged to, in sequence. */
type Account = { readonly meters: readonly Meter[]; readonly policy: string };
type Options = { /** Milliseconds on a clock that is never set. */ readonly now?: () => number };

const free: Charge = { allowed: true, retryAfter: 0, headers: [], exceeded: undefined };

export const createQuota = (tenants: readonly Tenant[], before: Limiters = new Map(), { now = () => performance.now() }: Options = {}): Quota => {
  // What is full again need not be remembered.
  const limiters = new Map([...before].filter(([, bucket]) => bucket.untilFull(now()) > 0));
  const meterOf = (tenant: Tenant) => (name: string, limit: Limit): Meter => {
    const id = JSON.stringify([tenant.upstream, tenant.dbid, name, limit.points, limit.seconds]);
    const bucket = limiters.get(id) ?? new Bucket(limit);
    limiters.set(id, bucket);
    return { name, bucket };
  };
  const accounts = new Map(tenants.filter(hasLimits).map((tenant) => [tenant, accountsOf(tenant, meterOf(tenant))]));
  return {
    limiters,
    charge: (tenant, client, action) => {
      const account = accounts.get(tenant)?.(client, action);
      return account ? chargeAll(account, now()) : free;
    },
  };
};

const hasLimits = ({ limits, clients }: Tenant): boolean => isLimited(limits) || [...clients.values()].some((grant) => isLimited(grant.limits));

const isLimited = (limits: Limits | undefined): boolean => limits !== undefined && (limits.requests !== undefined || limits.actions.size > 0);

/** Undefined for who has no limits. Made when they are first asked for: of many tenants few ask at a time. */
const accountsOf = ({ limits, clients }: Tenant, meterOf: (name: string, limit: Limit) => Meter): ((client: string, action: ActionName) => Account | undefined) => {
  const made = new Map<string, Account | undefined>();
  const metersFor = (client: string, action: ActionName): readonly Meter[] => {
    const own = clients.get(client)?.limits;
    const all: readonly (readonly [string, Limit | undefined])[] = [
      ["tenant", limits.requests], [`client ${client}`, own?.requests], [action, limits.actions.get(action)], [`client ${client} ${action}`, own?.actions.get(action)],
    ];
    return all.flatMap(([name, limit]) => (limit ? [meterOf(name, limit)] : []));
  };
  return (client, action) => {
    const key = `${action} ${client}`;
    if (!made.has(key)) made.set(key, accountOf(metersFor(client, action)));
    return made.get(key);
  };
};

const accountOf = (meters: readonly Meter[]): Account | undefined =>
  (meters.length === 0 ? undefined : { meters, policy: meters.map(({ name, bucket }) => `"${name}";q=${bucket.points};w=${Math.ceil(bucket.seconds)}`).join(", ") });

/** All are asked before any is charged. */
const chargeAll = ({ meters, policy }: Account, now: number): Charge => {
  for (const { name, bucket } of meters) {
    const wait = bucket.wait(now);
    if (wait > 0) return { allowed: false, retryAfter: secondsOf(wait), headers: headersOf(policy, meters, now), exceeded: name };
  }
  for (const { bucket } of meters) bucket.take(now);
  return { allowed: true, retryAfter: 0, headers: headersOf(policy, meters, now), exceeded: undefined };
};

const secondsOf = (ms: number): number => Math.max(1, Math.ceil(ms / 1000));

/** `t`: until the bucket is full; of an empty one, until there is something in it, which is when `Retry-After` says to come again. */
const headersOf = (policy: string, meters: readonly Meter[], now: number): Charge["headers"] => {
  let state = "";
  for (const { name, bucket } of meters) {
    const left = bucket.left(now);
    state += `${state === "" ? "" : ", "}"${name}";r=${left};t=${secondsOf(left === 0 ? bucket.wait(now) : bucket.untilFull(now))}`;
  }
  return [["RateLimit-Policy", policy], ["RateLimit", state]];
};
