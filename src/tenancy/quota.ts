/**
 * Rate limits for a tenant, for one of its clients, and for an action of either. Urgent actions are counted separately,
 * so that a tenant's new records never prevent it from stopping calls. A limit of `rate` with `burst` is a window:
 * `burst` requests in burst/rate seconds from the first one. A request takes a point of each limit that applies to it,
 * or none if one refuses. Headers follow draft-ietf-httpapi-ratelimit-headers (structured fields `RateLimit-Policy` and
 * `RateLimit`).
 */
import { isUrgent, type ActionName } from "../ocs/catalog.ts";
import { keyOf, type Limit, type Limits, type Tenant } from "./registry.ts";
import { RateWindow, type Window } from "./rate-window.ts";

export type Charge = {
  readonly allowed: boolean;
  /** Whole seconds until the end of the window that refused. */
  readonly retryAfter: number;
  /** `RateLimit` and `RateLimit-Policy`, empty without limits. */
  readonly headers: readonly (readonly [string, string])[];
  /** The name of the limit that refused. */
  readonly exceeded: string | undefined;
  /** The path of that limit below its tenant in the config. */
  readonly setting?: readonly string[];
};

export type Quota = {
  /** Synchronous if there is no limit. */
  readonly charge: (tenant: Tenant, client: string, action: ActionName) => Promise<Charge> | Charge;
  /** Charges only the client's own limits, for a request that was refused before its tenant was known. */
  readonly chargeClient: (tenant: Tenant, client: string, action: ActionName) => Promise<Charge> | Charge;
  /** For the next generation's quota, so that unchanged limits keep their used points. */
  readonly limiters: Limiters;
};

/** The scope of a limit: one client or the whole tenant; one action, the urgent ones, or all others. */
type Scope = { readonly client: string | undefined; readonly action: ActionName | typeof URGENT | undefined };

const URGENT = "urgent";

/** Meters by tenant, scope and limit. */
export type Limiters = ReadonlyMap<string, Meter>;

/** `setting`: the path of its numbers below the tenant in the config. */
export type Meter = {
  readonly tenant: string;
  readonly scope: Scope;
  readonly name: string;
  readonly limit: Limit;
  readonly setting: readonly string[];
  readonly window: Window;
};

/** `key`: names the limit at all gateways. `own`: counts it at this gateway alone. */
export type WindowFor = (key: string, limit: Limit, own: () => Window) => Window;
/** The meters that are charged, in this order, for one action of one client. */
type Account = { readonly meters: readonly Meter[]; readonly policy: string };

const free: Charge = { allowed: true, retryAfter: 0, headers: [], exceeded: undefined };

const ownWindow: WindowFor = (_key, _limit, own) => own();

export const createQuota = (
  tenants: readonly Tenant[],
  before: Limiters = new Map(),
  windowFor: WindowFor = ownWindow,
): Quota => {
  const limiters = before.size === 0 ? new Map<string, Meter>() : unchangedLimiters(before, tenants);
  const meterOf =
    (of: Tenant) =>
    (scope: Scope, limit: Limit): Meter => {
      const [tenant, name] = [keyOf(of), nameOf(scope)];
      const id = JSON.stringify([tenant, name, limit.points, limit.seconds]);
      const window =
        limiters.get(id)?.window ?? windowFor(JSON.stringify([tenant, name]), limit, () => new RateWindow(limit));
      const meter = { tenant, scope, name, limit, setting: settingOf(of, scope), window };
      limiters.set(id, meter);
      return meter;
    };
  // Made on first use, because few of many tenants send requests at a time.
  const accounts = new Map<Tenant, Accounts | undefined>();
  const accountsFor = (tenant: Tenant): Accounts | undefined => {
    if (!accounts.has(tenant))
      accounts.set(tenant, hasLimits(tenant) ? accountsOf(tenant, meterOf(tenant)) : undefined);
    return accounts.get(tenant);
  };
  const chargeTo = (account: Account | undefined): Promise<Charge> | Charge => (account ? chargeAll(account) : free);
  return {
    limiters,
    charge: (tenant, client, action) => chargeTo(accountsFor(tenant)?.whole(client, action)),
    chargeClient: (tenant, client, action) => chargeTo(accountsFor(tenant)?.own(client, action)),
  };
};

/** The used fraction of every limit that was charged so far. */
export function* usedLimits(
  limiters: Limiters,
  tenants: readonly Pick<Tenant, "upstream" | "dbid" | "name">[],
): Iterable<{ readonly tenant: string; readonly limit: string; readonly used: number }> {
  if (limiters.size === 0) return;
  const names = new Map(tenants.map((tenant) => [keyOf(tenant), tenant.name]));
  for (const { tenant, name, window } of limiters.values())
    yield { tenant: names.get(tenant) ?? tenant, limit: name, used: window.used };
}

const settingOf = (tenant: Tenant, { client, action }: Scope): readonly string[] => {
  const isOwn = action !== URGENT || limitsAt(tenant, client)?.urgent !== undefined;
  const key = action === undefined || !isOwn ? ["requests"] : action === URGENT ? [URGENT] : ["actions", action];
  return [...(client === undefined ? [] : ["clients", client]), "limits", ...key];
};

const limitsAt = ({ limits, clients }: Tenant, client: string | undefined): Limits | undefined =>
  client === undefined ? limits : clients.get(client)?.limits;

const nameOf = ({ client, action }: Scope): string =>
  [...(client === undefined ? [] : [`client ${client}`]), ...(action === undefined ? [] : [action])].join(" ") ||
  "tenant";

const limitAt = (tenant: Tenant, { client, action }: Scope): Limit | undefined => {
  const own = limitsAt(tenant, client);
  return action === undefined
    ? own?.requests
    : action === URGENT
      ? (own?.urgent ?? own?.requests)
      : own?.actions.get(action);
};

const unchangedLimiters = (before: Limiters, tenants: readonly Tenant[]): Map<string, Meter> => {
  const wanted = new Set([...before.values()].map((meter) => meter.tenant));
  const byKey = new Map(
    tenants.flatMap((tenant) => {
      const key = keyOf(tenant);
      return wanted.has(key) ? [[key, tenant] as const] : [];
    }),
  );
  return new Map(
    [...before].filter(([, { tenant, scope, limit }]) => {
      const now = byKey.get(tenant);
      const its = now && limitAt(now, scope);
      return its?.points === limit.points && its.seconds === limit.seconds;
    }),
  );
};

const hasLimits = ({ limits, clients }: Tenant): boolean =>
  isLimited(limits) || [...clients.values()].some((grant) => isLimited(grant.limits));

const isLimited = (limits: Limits | undefined): boolean =>
  limits !== undefined && (limits.requests !== undefined || limits.urgent !== undefined || limits.actions.size > 0);

/** Undefined for a client without limits. */
type AccountFor = (client: string, action: ActionName) => Account | undefined;

type Accounts = { readonly whole: AccountFor; readonly own: AccountFor };

const accountsOf = (tenant: Tenant, meterOf: (scope: Scope, limit: Limit) => Meter): Accounts => {
  const metersFor = (client: string, action: ActionName): readonly Meter[] => {
    const all = isUrgent(action) ? URGENT : undefined;
    const scopes: readonly Scope[] = [
      { client: undefined, action: all },
      { client, action: all },
      { client: undefined, action },
      { client, action },
    ];
    return scopes.flatMap((scope) => {
      const limit = limitAt(tenant, scope);
      return limit ? [meterOf(scope, limit)] : [];
    });
  };
  return {
    whole: memoized((client, action) => accountOf(metersFor(client, action))),
    own: memoized((client, action) =>
      accountOf(metersFor(client, action).filter(({ scope }) => scope.client !== undefined)),
    ),
  };
};

const memoized = (make: AccountFor): AccountFor => {
  const made = new Map<string, Map<ActionName, Account | undefined>>();
  return (client, action) => {
    let own = made.get(client);
    if (!own) made.set(client, (own = new Map()));
    if (!own.has(action)) own.set(action, make(client, action));
    return own.get(action);
  };
};

const accountOf = (meters: readonly Meter[]): Account | undefined =>
  meters.length === 0
    ? undefined
    : {
        meters,
        policy: meters.map(({ name, limit }) => `"${name}";q=${limit.points};w=${Math.ceil(limit.seconds)}`).join(", "),
      };

/** Charges all meters. If a later one refuses, the earlier ones get their points back, also in the headers. */
const chargeAll = async ({ meters, policy }: Account): Promise<Charge> => {
  let [state, given] = ["", ""];
  for (const { window } of meters) window.prepare?.();
  for (const [at, { name, setting, window }] of meters.entries()) {
    const { left, ms } = await window.take();
    const seconds = Math.max(0, Math.ceil(ms / 1000));
    const stateOf = (points: number): string => `"${name}";r=${points};t=${seconds}`;
    if (left >= 0) {
      state += `${state === "" ? "" : ", "}${stateOf(left)}`;
      given += `${stateOf(left + 1)}, `;
      continue;
    }
    for (const earlier of meters.slice(0, at)) await earlier.window.giveBack();
    return {
      allowed: false,
      retryAfter: Math.max(1, seconds),
      headers: headersOf(policy, given + stateOf(0)),
      exceeded: name,
      setting,
    };
  }
  return { allowed: true, retryAfter: 0, headers: headersOf(policy, state), exceeded: undefined };
};

const headersOf = (policy: string, state: string): Charge["headers"] => [
  ["RateLimit-Policy", policy],
  ["RateLimit", state],
];
