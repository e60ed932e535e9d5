/**
 * What a change of files takes away: a file that is being written in place, with a pause, is well-formed before it is
 * whole, and what it does not name yet would be taken away and given back.
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
  ...[...(before.pieces ?? [])].flatMap(([path, count]) => {
    const now = after.pieces?.get(path) ?? 0;
    return now < count ? [`${count - now} of the ${count} certificates, lists or keys in ${path}`] : [];
  }),
];

/** An item that is the same object on both sides is there. */
const gone = <Item>(what: string, before: readonly Item[], after: readonly Item[], nameOf: (item: Item) => string): readonly string[] => {
  const same = new Set(after);
  const missing = before.filter((item) => !same.has(item));
  if (missing.length === 0) return [];
  const names = new Set(after.map(nameOf));
  return missing.map(nameOf).filter((name) => !names.has(name)).map((name) => `${what} ${name}`);
};

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
      Object.hasOwn(is.clients, name) ? lost(`action of client ${name}`, actions, is.clients[name]!.actions) : []),
    ...lost("campaign", was.campaigns, is.campaigns),
    ...lost("list", was.lists, is.lists),
    ...lost("campaign group", was.campaign_groups.map(({ dbid }) => dbid), is.campaign_groups.map(({ dbid }) => dbid)),
    ...(was.limits && !is.limits ? [`limits of ${was.name}`] : []),
  ];
};
