/**
 * What a change of files removes. A file that is written in place, with a pause, can be well-formed before it is
 * complete: entries that it does not name yet would be removed and added again. A missing restriction (the groups of a
 * client, the networks of a listener, the expiry of a key) would even allow what neither the old nor the new file
 * allows.
 */
import type { AdminRecord } from "../../settings/files/admins-file.ts";
import type { KeyRecord } from "../../settings/files/keys-rows.ts";
import type { Settings, TenantSettings } from "../../settings/schema/schema.ts";

export type Compared = {
  readonly settings: Settings;
  readonly keys?: readonly KeyRecord[] | undefined;
  readonly admins?: readonly AdminRecord[] | undefined;
  readonly pieces?: ReadonlyMap<string, number> | undefined;
};

/** One phrase for each removal, for example `tenant acme`; empty when nothing is removed. */
export const removalsIn = (before: Compared, after: Compared): readonly string[] => [
  ...tenants(before.settings, after.settings),
  ...removedItems("key", before.keys ?? [], after.keys ?? [], ({ id }) => id),
  ...removedItems("console user", before.admins ?? [], after.admins ?? [], ({ name }) => name),
  ...removedInside("console user", limitsOf(before), limitsOf(after)),
  ...removedItems("listener", before.settings.listeners, after.settings.listeners, ({ name }) => name),
  ...removedItems("issuer", before.settings.identity.jwt, after.settings.identity.jwt, ({ name }) => name),
  ...removedItems("certificate rule", before.settings.identity.mtls, after.settings.identity.mtls, ({ name }) => name),
  ...removedItems(
    "upstream",
    Object.keys(before.settings.upstreams),
    Object.keys(after.settings.upstreams),
    (name) => name,
  ),
  ...removedInside("listener", before.settings.listeners, after.settings.listeners),
  ...removedInside("issuer", before.settings.identity.jwt, after.settings.identity.jwt),
  ...removedInside("certificate rule", before.settings.identity.mtls, after.settings.identity.mtls),
  ...ofKeys(before.keys ?? [], after.keys ?? []),
  ...Object.entries(before.settings.upstreams).flatMap(([name, was]) =>
    missingPaths(was, after.settings.upstreams[name]).map((key) => `${key} of upstream ${name}`),
  ),
  ...["admin" as const, "audit" as const].flatMap((key) =>
    missingPaths(before.settings[key], after.settings[key]).map((path) => `${key}.${path}`),
  ),
  // Any change counts: the default for a missing key may store more personal data, or delete it earlier, and neither
  // can be undone.
  ...(["redact", "retention"] as const)
    .filter((key) => !isAlike(before.settings.audit[key], after.settings.audit[key]))
    .map((key) => `audit.${key} as it was`),
  ...[...(before.pieces ?? [])].flatMap(([path, count]) => {
    const now = after.pieces?.get(path) ?? 0;
    return now < count ? [`${count - now} of the ${count} certificates, lists or keys in ${path}`] : [];
  }),
];

/** What a half-written file could take away from a user's limits; a role that is taken away is gone at once. */
const limitsOf = ({ admins = [] }: Compared) =>
  admins.map(({ name, tenants, disabled }) => ({ name, tenants, disabled }));

/** Items that `after` does not name. An item that is the same object in both lists needs no comparison. */
const removedItems = <Item>(
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

/** Values removed inside items that keep their name. */
const removedInside = (
  what: string,
  before: readonly { readonly name: string }[],
  after: readonly { readonly name: string }[],
): readonly string[] => {
  const now = new Map(after.map((item) => [item.name, item]));
  return before.flatMap((was) => {
    const is = now.get(was.name);
    return is ? missingPaths(was, is).map((key) => `${key} of ${what} ${was.name}`) : [];
  });
};

const ofKeys = (before: readonly KeyRecord[], after: readonly KeyRecord[]): readonly string[] => {
  const same = new Set(after);
  const changed = before.filter((key) => !same.has(key));
  if (changed.length === 0) return [];
  const now = new Map(after.map((key) => [key.id, key]));
  return changed.flatMap((was) => {
    const is = now.get(was.id);
    return is ? missingPaths(was, is).map((key) => `${key} of key ${was.id}`) : [];
  });
};

/** Paths of values that are missing, and of lists that lost an element. A changed value is not a removal. */
const missingPaths = (was: unknown, is: unknown): readonly string[] => {
  if (isNothing(was) || was === is) return [];
  if (isNothing(is)) return [""];
  if (Array.isArray(was) && Array.isArray(is)) {
    const now = new Set(is.map((each) => JSON.stringify(each)));
    return was.every((each) => now.has(JSON.stringify(each))) ? [] : [""];
  }
  if (!isMap(was) || !isMap(is)) return [];
  return Object.entries(was).flatMap(([key, value]) =>
    missingPaths(value, is[key]).map((path) => (path === "" ? key : `${key}.${path}`)),
  );
};

const isAlike = (one: unknown, other: unknown): boolean => JSON.stringify(one) === JSON.stringify(other);

const isMap = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/** The values by which the settings say that something is absent or unrestricted. */
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
        ? missingPaths({ ...client, actions: null }, is.clients[name]).map(
            (key) => `${key} of client ${name} of ${was.name}`,
          )
        : [],
    ),
    ...lost("campaign", was.campaigns, is.campaigns),
    ...lost("list", was.lists, is.lists),
    ...lost(
      "campaign group",
      was.campaign_groups.map(({ dbid }) => dbid),
      is.campaign_groups.map(({ dbid }) => dbid),
    ),
    ...missingPaths({ limits: was.limits, fields: was.fields }, { limits: is.limits, fields: is.fields }).map(
      (key) => `${key} of ${was.name}`,
    ),
  ];
};
