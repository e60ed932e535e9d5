/** The changes of each tenant, one sentence per tenant. */
import type { Settings, TenantSettings } from "../schema/schema.ts";
import { formatValue } from "../format-value.ts";

type Tenants = Settings["tenants"];
type Client = TenantSettings["clients"][string];

export const tenantDifferences = (before: Tenants, after: Tenants): readonly string[] => {
  // Unchanged tenants are the same objects, so they need no comparison.
  const [stayed, kept] = [new Set(before), new Set(after)];
  const [left, come] = [before.filter((tenant) => !kept.has(tenant)), after.filter((tenant) => !stayed.has(tenant))];
  const old = new Map(left.map((tenant) => [idOf(tenant), tenant]));
  const now = new Set(come.map(idOf));
  return [
    ...come.flatMap((tenant) => {
      const was = old.get(idOf(tenant));
      return was ? sentence(was, tenant) : `tenant ${tenant.name} (${tenant.dbid}) added on ${tenant.upstream}`;
    }),
    ...left
      .filter((tenant) => !now.has(idOf(tenant)))
      .map((tenant) => `tenant ${tenant.name} (${tenant.dbid}) removed from ${tenant.upstream}`),
  ];
};

const idOf = ({ upstream, dbid, name }: TenantSettings): string => JSON.stringify([upstream, dbid, name]);

const sentence = (was: TenantSettings, is: TenantSettings): string | [] => {
  const parts = [
    ...clients(was, is),
    ...listChange("campaign", was.campaigns, is.campaigns),
    ...listChange("list", was.lists, is.lists),
    ...listChange("campaign group", was.campaign_groups.map(formatGroup), is.campaign_groups.map(formatGroup)),
    ...limits("limits", was.limits, is.limits),
    ...(["mode", "records", "fields", "share"] as const).flatMap((key) =>
      arrow(key, formatValue(["tenants", 0, key], was[key]), formatValue(["tenants", 0, key], is[key])),
    ),
  ];
  return parts.length === 0 ? [] : `${is.name}: ${parts.join("; ")}`;
};

const arrow = (what: string, from: string, to: string): string[] => (from === to ? [] : [`${what} ${from} -> ${to}`]);

const formatGroup = ({
  dbid,
  name,
  campaign_id: campaign,
  group_id: group,
}: TenantSettings["campaign_groups"][number]): string =>
  `${dbid} ${name}${campaign === null ? "" : ` campaign ${campaign}`}${group === null ? "" : ` group ${group}`}`;

const list = (names: readonly unknown[]): string => names.join(", ");

const listChange = (what: string, was: readonly string[], is: readonly string[]): string[] => {
  const added = is.filter((each) => !was.includes(each));
  const removed = was.filter((each) => !is.includes(each));
  const noun = (count: number): string => (count === 1 ? what : `${what}s`);
  return [
    ...(added.length > 0 ? [`${noun(added.length)} ${list(added)} added`] : []),
    ...(removed.length > 0 ? [`${noun(removed.length)} ${list(removed)} removed`] : []),
  ];
};

const clients = ({ clients: was }: TenantSettings, { clients: is }: TenantSettings): string[] => [
  ...Object.entries(is).flatMap(([name, client]) => {
    const before = Object.hasOwn(was, name) ? was[name] : undefined;
    return before ? clientChange(name, before, client) : [`client ${name} added with ${list(client.actions)}`];
  }),
  ...Object.keys(was)
    .filter((name) => !Object.hasOwn(is, name))
    .map((name) => `client ${name} removed`),
];

const clientChange = (name: string, was: Client, is: Client): string[] => {
  const added = is.actions.filter((action) => !was.actions.includes(action));
  const removed = was.actions.filter((action) => !is.actions.includes(action));
  const groups = ({ campaign_groups: some }: Client): string => (some === null ? "all" : list(some));
  return [
    ...(added.length > 0 ? [`client ${name}: ${list(added)} added`] : []),
    ...(removed.length > 0 ? [`client ${name}: ${list(removed)} removed`] : []),
    ...arrow(`client ${name} campaign groups`, groups(was), groups(is)),
    ...limits(`client ${name} limits`, was.limits, is.limits),
  ];
};

const limits = (what: string, was: TenantSettings["limits"], is: TenantSettings["limits"]): string[] => {
  const actions = new Set([...Object.keys(was?.actions ?? {}), ...Object.keys(is?.actions ?? {})]) as ReadonlySet<
    keyof NonNullable<TenantSettings["limits"]>["actions"]
  >;
  return [
    ...limitArrow(`${what}.requests`, was?.requests, is?.requests),
    ...limitArrow(`${what}.urgent`, was?.urgent, is?.urgent),
    ...[...actions].flatMap((action) =>
      limitArrow(`${what}.actions.${action}`, was?.actions[action], is?.actions[action]),
    ),
  ];
};

type Limit = NonNullable<TenantSettings["limits"]>["requests"] | undefined;

/** Shows the burst only if it differs from its default. */
const limitArrow = (what: string, was: Limit, is: Limit): string[] => {
  const short = (limit: Limit): string => (limit ? formatValue([], limit.rate) : "none");
  const long = (limit: Limit): string => (limit ? formatValue([], limit) : "none");
  if (long(was) === long(is)) return [];
  const usual = [was, is].every((limit) => !limit || limit.burst === limit.rate.count * 2);
  return usual ? arrow(what, short(was), short(is)) : arrow(what, long(was), long(is));
};
