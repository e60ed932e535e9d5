/**
 * Rate limits: of a tenant, of one of its clients, and of an action of either. Urgent actions are counted apart, so that a
 * tenant's new records never keep it from stopping calls. A limit of `rate` with `burst` is a window: `burst` requests in
 * burst/rate seconds from its first one. A request takes a point of each that applies, in sequence, or of none. Headers follow
 * draft-ietf-httpapi-ratelimit-headers (structured fields `RateLimit-Policy` and `RateLimit`).
 */
import { isUrgent, type ActionName } from "../ocs/catalog.ts";
import { keyOf, type Limit, type Limits, type Tenant } from "./register.ts";
import { Window } from "./window.ts";

export type Charge = {
  readonly allowed: boolean;
  /** Whole seconds until the window that refused ends. */
  readonly retryAfter: number;
  /** `RateLimit` and `RateLimit-Policy`, empty without limits. */
  readonly headers: readonly (readonly [string, string])[];
  /** The policy that refused. */
  readonly exceeded: string | undefined;
  /** Where that one stands in the tenant's settings. */
  readonly setting?: readonly string[];
};

export type Quota = {
  /** At once where there is no limit. */
  readonly charge: (tenant: Tenant, client: string, action: ActionName) => Promise<Charge> | Charge;
  /** Of a request that was refused before anybody knew for which tenant it is: only what the client itself has is charged. */
  readonly chargeClient: (tenant: Tenant, client: string, action: ActionName) => Promise<Charge> | Charge;
  /** For the quota that comes after this one: what was used up under a limit stays used up where the limit stays. */
  readonly limiters: Limiters;
};

/** Where a limit stands: at one of the tenant's clients, or at the tenant itself; for one action, for the urgent ones, or for all others. */
type Place = { readonly client: string | undefined; readonly action: ActionName | typeof URGENT | undefined };

const URGENT = "urgent";

/** By tenant, place and limit. */
export type Limiters = ReadonlyMap<string, Meter>;

/** `setting`: the path below the tenant at which its numbers stand in the config. */
export type Meter = {
  readonly tenant: string;
  readonly place: Place;
  readonly name: string;
  readonly limit: Limit;
  readonly setting: readonly string[];
  readonly window: Window;
};
/** What one action of one client is charged to, in sequence. */
type Account = { readonly meters: readonly Meter[]; readonly policy: string };

const free: Charge = { allowed: true, retryAfter: 0, headers: [], exceeded: undefined };

export const createQuota = (tenants: readonly Tenant[], before: Limiters = new Map()): Quota => {
  const limiters = before.size === 0 ? new Map<string, Meter>() : stillStanding(before, tenants);
  const meterOf =
    (of: Tenant) =>
    (place: Place, limit: Limit): Meter => {
      const [tenant, name] = [keyOf(of), nameOf(place)];
      const id = JSON.stringify([tenant, name, limit.points, limit.seconds]);
      const window = limiters.get(id)?.window ?? new Window(limit);
      const meter = { tenant, place, name, limit, setting: settingOf(of, place), window };
      limiters.set(id, meter);
      return meter;
    };
  // Made when they are first asked for: of many tenants few ask at a time.
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

/** Of every limit that was asked about so far: the part of it that is used up now. */
export function* usedOf(
  limiters: Limiters,
  tenants: readonly Pick<Tenant, "upstream" | "dbid" | "name">[],
): Iterable<{ readonly tenant: string; readonly limit: string; readonly used: number }> {
  if (limiters.size === 0) return;
  const names = new Map(tenants.map((tenant) => [keyOf(tenant), tenant.name]));
  for (const { tenant, name, window } of limiters.values())
    yield { tenant: names.get(tenant) ?? tenant, limit: name, used: window.used };
}

const settingOf = (tenant: Tenant, { client, action }: Place): readonly string[] => {
  const isOwn = action !== URGENT || limitsAt(tenant, client)?.urgent !== undefined;
  const key = action === undefined || !isOwn ? ["requests"] : action === URGENT ? [URGENT] : ["actions", action];
  return [...(client === undefined ? [] : ["clients", client]), "limits", ...key];
};

const limitsAt = ({ limits, clients }: Tenant, client: string | undefined): Limits | undefined =>
  client === undefined ? limits : clients.get(client)?.limits;

const nameOf = ({ client, action }: Place): string =>
  [...(client === undefined ? [] : [`client ${client}`]), ...(action === undefined ? [] : [action])].join(" ") ||
  "tenant";

const limitAt = (tenant: Tenant, { client, action }: Place): Limit | undefined => {
  const own = limitsAt(tenant, client);
  return action === undefined
    ? own?.requests
    : action === URGENT
      ? (own?.urgent ?? own?.requests)
      : own?.actions.get(action);
};

const stillStanding = (before: Limiters, tenants: readonly Tenant[]): Map<string, Meter> => {
  const wanted = new Set([...before.values()].map((meter) => meter.tenant));
  const byKey = new Map(
    tenants.flatMap((tenant) => {
      const key = keyOf(tenant);
      return wanted.has(key) ? [[key, tenant] as const] : [];
    }),
  );
  return new Map(
    [...before].filter(([, { tenant, place, limit }]) => {
      const now = byKey.get(tenant);
      const its = now && limitAt(now, place);
      return its?.points === limit.points && its.seconds === limit.seconds;
    }),
  );
};

const hasLimits = ({ limits, clients }: Tenant): boolean =>
  isLimited(limits) || [...clients.values()].some((grant) => isLimited(grant.limits));

const isLimited = (limits: Limits | undefined): boolean =>
  limits !== undefined && (limits.requests !== undefined || limits.urgent !== undefined || limits.actions.size > 0);

/** Undefined for who has no limits. */
type AccountFor = (client: string, action: ActionName) => Account | undefined;

type Accounts = { readonly whole: AccountFor; readonly own: AccountFor };

const accountsOf = (tenant: Tenant, meterOf: (place: Place, limit: Limit) => Meter): Accounts => {
  const metersFor = (client: string, action: ActionName): readonly Meter[] => {
    const all = isUrgent(action) ? URGENT : undefined;
    const places: readonly Place[] = [
      { client: undefined, action: all },
      { client, action: all },
      { client: undefined, action },
      { client, action },
    ];
    return places.flatMap((place) => {
      const limit = limitAt(tenant, place);
      return limit ? [meterOf(place, limit)] : [];
    });
  };
  return {
    whole: remembered((client, action) => accountOf(metersFor(client, action))),
    own: remembered((client, action) =>
      accountOf(metersFor(client, action).filter(({ place }) => place.client !== undefined)),
    ),
  };
};

const remembered = (make: AccountFor): AccountFor => {
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

/** What a later limit refuses is given back to the earlier ones, and not missing from what is said of them. */
const chargeAll = async ({ meters, policy }: Account): Promise<Charge> => {
  let [state, given] = ["", ""];
  for (const [at, { name, setting, window }] of meters.entries()) {
    const { left, ms } = await window.take();
    const seconds = Math.max(0, Math.ceil(ms / 1000));
    const said = (points: number): string => `"${name}";r=${points};t=${seconds}`;
    if (left >= 0) {
      state += `${state === "" ? "" : ", "}${said(left)}`;
      given += `${said(left + 1)}, `;
      continue;
    }
    for (const earlier of meters.slice(0, at)) await earlier.window.giveBack();
    return {
      allowed: false,
      retryAfter: Math.max(1, seconds),
      headers: headersOf(policy, given + said(0)),
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
