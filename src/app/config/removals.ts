/**
 * What a change of files takes away: a file that is being written in place, with a pause, is well-formed before it is
 * whole, and what it does not name yet would be taken away and given back. A restriction that goes (the groups of a
 * client, the networks of a listener, the end of a key) would allow what neither the old nor the new file allows.
 */
import type { KeyRecord } from "../settings/keys-file.ts";
import type { Settings, TenantSettings } from "../settings/schema.ts";

export type Compared = {
  readonly settings: Settings;
  readonly keys?: readonly KeyRecord[] | undefined;
  readonly pieces?: ReadonlyMap<string, number> | undefined;
};

/** In words, each; empty where nothing goes. */
export const takesAway = (before: Compared, after: Compared): readonly string[] => [
  ...tenants(before.settings, after.settings),
  ...gone("key", before.keys ?? [], after.keys ?? [], ({ id }) => id),
  ...gone("listener", before.settings.listeners, after.settings.listeners, ({ name }) => name),
  ...gone("issuer", before.settings.identity.jwt, after.settings.identity.jwt, ({ name }) => name),
  ...gone("certificate rule", before.settings.identity.mtls, after.settings.identity.mtls, ({ name }) => name),
  ...gone("upstream", Object.keys(before.settings.upstreams), Object.keys(after.settings.upstreams), (name) => name),
  ...staying("listener", before.settings.listeners, after.settings.listeners),
  ...staying("issuer", before.settings.identity.jwt, after.settings.identity.jwt),
  ...staying("certificate rule", before.settings.identity.mtls, after.settings.identity.mtls),
  ...ofKeys(before.keys ?? [], after.keys ?? []),
  ...Object.entries(before.settings.upstreams).flatMap(([name, was]) =>
    fewer(was, after.settings.upstreams[name]).map((key) => `${key} of upstream ${name}`),
  ),
  ...["admin" as const, "audit" as const].flatMap((key) =>
    fewer(before.settings[key], after.settings[key]).map((path) => `${key}.${path}`),
  ),
  // Their defaults may keep more of people, or for a shorter time, and neither can be undone.
  ...(["redact", "retention"] as const)
    .filter((key) => !isAlike(before.settings.audit[key], after.settings.audit[key]))
    .map((key) => `audit.${key} as it was`),
  ...[...(before.pieces ?? [])].flatMap(([path, count]) => {
    const now = after.pieces?.get(path) ?? 0;
    return now < count ? [`${count - now} of the ${count} certificates, lists or keys in ${path}`] : [];
  }),
];

/** An item that is the same object on both sides is there. */
const gone = <Item>(
  what: string,
  before: readonly Item[],
  after: readonly Item[],
  nameOf: (item: Item) => string,
): readonly string[] => {
  const same = new Set(after);
  const missing = before.filter((item) => !same.has(item));
  if (missing.length === 0) return [];
  const names = new Set(after.map(nameOf));
  return missing
    .map(nameOf)
    .filter((name) => !names.has(name))
    .map((name) => `${what} ${name}`);
};

/** Of what stays under its name. */
const staying = (
  what: string,
  before: readonly { readonly name: string }[],
  after: readonly { readonly name: string }[],
): readonly string[] => {
  const now = new Map(after.map((item) => [item.name, item]));
  return before.flatMap((was) => {
    const is = now.get(was.name);
    return is ? fewer(was, is).map((key) => `${key} of ${what} ${was.name}`) : [];
  });
};

const ofKeys = (before: readonly KeyRecord[], after: readonly KeyRecord[]): readonly string[] => {
  const same = new Set(after);
  const changed = before.filter((key) => !same.has(key));
  if (changed.length === 0) return [];
  const now = new Map(after.map((key) => [key.id, key]));
  return changed.flatMap((was) => {
    const is = now.get(was.id);
    return is ? fewer(was, is).map((key) => `${key} of key ${was.id}`) : [];
  });
};

/** Paths of what is not there any more, or says no longer what it said. A value that is another one is there. */
const fewer = (was: unknown, is: unknown): readonly string[] => {
  if (isNothing(was) || was === is) return [];
  if (isNothing(is)) return [""];
  if (Array.isArray(was) && Array.isArray(is)) {
    const now = new Set(is.map((each) => JSON.stringify(each)));
    return was.every((each) => now.has(JSON.stringify(each))) ? [] : [""];
  }
  if (!isMap(was) || !isMap(is)) return [];
  return Object.entries(was).flatMap(([key, value]) =>
    fewer(value, is[key]).map((path) => (path === "" ? key : `${key}.${path}`)),
  );
};

const isAlike = (one: unknown, other: unknown): boolean => JSON.stringify(one) === JSON.stringify(other);

const isMap = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/** How the settings say that something is not there, or not restricted. */
const isNothing = (value: unknown): boolean =>
  value === undefined || value === null || value === "none" || value === "any";

const tenants = ({ tenants: before }: Settings, { tenants: after }: Settings): readonly string[] => {
  const same = new Set(after);
  const changed = before.filter((tenant) => !same.has(tenant));
  if (changed.length === 0) return [];
  const now = new Map(after.map((tenant) => [keyOf(tenant), tenant]));
  return changed.flatMap((tenant) => {
    const successor = now.get(keyOf(tenant));
    return successor ? ofTenant(tenant, successor) : `tenant ${tenant.name}`;
  });
};

const keyOf = ({ upstream, dbid }: TenantSettings): string => `${dbid} ${upstream}`;

const ofTenant = (was: TenantSettings, is: TenantSettings): readonly string[] => {
  const lost = (what: string, before: readonly unknown[], after: readonly unknown[]): string[] =>
    before.filter((each) => !after.includes(each)).map((each) => `${what} ${String(each)} of ${was.name}`);
  return [
    ...lost("client", Object.keys(was.clients), Object.keys(is.clients)),
    ...Object.entries(was.clients).flatMap(([name, { actions }]) =>
      Object.hasOwn(is.clients, name) ? lost(`action of client ${name}`, actions, is.clients[name]!.actions) : [],
    ),
    ...Object.entries(was.clients).flatMap(([name, client]) =>
      Object.hasOwn(is.clients, name)
        ? fewer({ ...client, actions: null }, is.clients[name]).map((key) => `${key} of client ${name} of ${was.name}`)
        : [],
    ),
    ...lost("campaign", was.campaigns, is.campaigns),
    ...lost("list", was.lists, is.lists),
    ...lost(
      "campaign group",
      was.campaign_groups.map(({ dbid }) => dbid),
      is.campaign_groups.map(({ dbid }) => dbid),
    ),
    ...fewer({ limits: was.limits, fields: was.fields }, { limits: is.limits, fields: is.fields }).map(
      (key) => `${key} of ${was.name}`,
    ),
  ];
};
