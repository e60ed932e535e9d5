/** Names and DBIDs: on one OCS, nothing may belong to two tenants. */
import { fold, repeats, sitesOf } from "./compare.ts";
import { mayMiss, type At, type Facts } from "./facts.ts";
import { suggest } from "./nearest.ts";
import type { Finding, Path } from "./problem.ts";
import type { Rule } from "./rules.ts";
import type { TenantSettings } from "./schema.ts";

type Tenant = At<TenantSettings>;
/** One thing that a tenant owns. `key` is what may not be there twice on one OCS. */
type Possession = { readonly tenant: Tenant; readonly path: Path; readonly key: string; readonly shown: string };

const onSite = (facts: Facts): ((tenant: Tenant) => string) => {
  const sites = sitesOf(facts);
  return ({ value }) => sites.get(value.upstream) ?? value.upstream;
};

const tenantTwice: Rule = (facts) => {
  const site = onSite(facts);
  const byName = repeats(facts.tenants, (tenant) => JSON.stringify([site(tenant), fold(tenant.value.name)]));
  const byDbid = repeats(facts.tenants, (tenant) => JSON.stringify([site(tenant), tenant.value.dbid]));
  return [
    ...byName.map(({ first, again }): Finding => ({
      code: "OCSGW-6201",
      path: [...again.path, "name"],
      message: `two tenants of one OCS are named ${quoted(again.value.name)}`,
      also: { path: [...first.path, "name"], message: `${quoted(first.value.name)} here` },
      help: "give one tenant one entry; names that differ only in case, width or blanks count as equal",
    })),
    ...byDbid.map(({ first, again }): Finding => ({
      code: "OCSGW-6202",
      path: [...again.path, "dbid"],
      message: `two tenants of one OCS have the DBID ${again.value.dbid}`,
      also: { path: [...first.path, "dbid"], message: `of ${quoted(first.value.name)}` },
    })),
  ];
};

/** Headers, claims and lists say a name or a DBID as text, of tenants of every OCS. A tenant may be named like its own DBID. */
const namedLikeDbid: Rule = ({ tenants }) => {
  const byDbid = new Map(tenants.map((tenant) => [String(tenant.value.dbid), tenant]));
  return tenants.flatMap((tenant): Finding | [] => {
    const other = byDbid.get(fold(tenant.value.name));
    return other === undefined || other.value.dbid === tenant.value.dbid
      ? []
      : {
          code: "OCSGW-6211",
          path: [...tenant.path, "name"],
          message: `the tenant named ${quoted(tenant.value.name)} could be taken for ${quoted(other.value.name)}, which has that DBID`,
          also: { path: [...other.path, "dbid"], message: `of ${quoted(other.value.name)}` },
          help: "where a client says a tenant as text (Ocsgw-Tenant, a token's claim), it may be a name or a DBID: rename one of them",
        };
  });
};

/** The journal numbers Do-Not-Calls by DBID: a tenant's alone would seem to lack those of the other. */
const dbidOnTwoOcs: Rule = (facts) => {
  const site = onSite(facts);
  return repeats(facts.tenants, ({ value }) => String(value.dbid))
    .filter(({ first, again }) => site(first) !== site(again) && first.value.name !== again.value.name)
    .map(({ first, again }): Finding => ({
      code: "OCSGW-6317",
      severity: "warning",
      path: [...again.path, "dbid"],
      message: `${quoted(first.value.name)} and ${quoted(again.value.name)} have the DBID ${again.value.dbid} on two OCS: the journal numbers their Do-Not-Calls in one sequence`,
      also: { path: [...first.path, "dbid"], message: `of ${quoted(first.value.name)}` },
      help: "an export that is to prove completeness must take both; or give each OCS a gateway with a journal of its own",
    }));
};

const upstreamExists: Rule = ({ tenants, upstreamNames }) =>
  tenants
    .filter(({ value }) => !upstreamNames.includes(value.upstream))
    .map(({ path, value }): Finding => {
      const help = suggest(value.upstream, upstreamNames);
      return {
        code: "OCSGW-6203",
        path: [...path, "upstream"],
        message: `there is no upstream ${quoted(value.upstream)}`,
        ...(help !== undefined && { help }),
      };
    });

const possessions = (
  tenant: Tenant,
): Readonly<Record<"campaign" | "list" | "name" | "dbid" | "ids", readonly Possession[]>> => {
  const { path, value } = tenant;
  const named = (key: "campaigns" | "lists"): Possession[] =>
    value[key].map((name, at) => ({ tenant, path: [...path, key, at], key: fold(name), shown: quoted(name) }));
  const groups = value.campaign_groups.map((group, at) => ({ group, path: [...path, "campaign_groups", at] }));
  return {
    campaign: named("campaigns"),
    list: named("lists"),
    name: groups.map(({ group, path: at }) => ({
      tenant,
      path: [...at, "name"],
      key: fold(group.name),
      shown: quoted(group.name),
    })),
    dbid: groups.map(({ group, path: at }) => ({
      tenant,
      path: [...at, "dbid"],
      key: String(group.dbid),
      shown: String(group.dbid),
    })),
    ids: groups.flatMap(({ group, path: at }) =>
      group.campaign_id === null || group.group_id === null
        ? []
        : {
            tenant,
            path: [...at, "campaign_id"],
            key: `${group.campaign_id} ${group.group_id}`,
            shown: `campaign ${group.campaign_id} with group ${group.group_id}`,
          },
    ),
  };
};

const KINDS = {
  dbid: { code: "OCSGW-6204", says: "the campaign group DBID" },
  name: { code: "OCSGW-6205", says: "the campaign group" },
  ids: { code: "OCSGW-6206", says: "the pair of ids" },
  campaign: { code: "OCSGW-6207", says: "the campaign" },
  list: { code: "OCSGW-6208", says: "the calling list" },
} as const;

const ownedTwice: Rule = (facts) => {
  const site = onSite(facts);
  const owned = facts.tenants.map(possessions);
  return (Object.keys(KINDS) as (keyof typeof KINDS)[]).flatMap((kind) => {
    const { code, says } = KINDS[kind];
    const all = owned.flatMap((each) => each[kind]);
    return repeats(all, ({ tenant, key }) => JSON.stringify([site(tenant), key])).map(({ first, again }): Finding => {
      const same = first.tenant === again.tenant;
      return {
        code,
        path: again.path,
        message: same
          ? `${says} ${again.shown} stands twice`
          : `${says} ${again.shown} belongs to two tenants of one OCS`,
        also: {
          path: first.path,
          message: same ? "first here" : `${first.shown} of ${quoted(first.tenant.value.name)}`,
        },
        ...(again.shown !== first.shown && {
          help: "names that differ only in case, width or blanks count as equal: OCS might take one for the other",
        }),
      };
    });
  });
};

const grantsWithin: Rule = ({ tenants }) =>
  tenants
    .filter((tenant) => !mayMiss(tenant, "campaign_groups"))
    .flatMap(({ path, value }) =>
      Object.entries(value.clients).flatMap(([client, grant]) => {
        const own = value.campaign_groups.map(({ dbid }) => dbid);
        return (grant.campaign_groups ?? []).flatMap((dbid, at): Finding | [] =>
          own.includes(dbid)
            ? []
            : {
                code: "OCSGW-6209",
                path: [...path, "clients", client, "campaign_groups", at],
                message: `${dbid} is no campaign group of ${quoted(value.name)}`,
                help: own.length === 0 ? "the tenant has no campaign groups" : `its groups: ${own.join(", ")}`,
              },
        );
      }),
    );

/** By header or token a client says name or DBID: of two tenants that share it, it could never say which. */
const clientCanSayWhich: Rule = ({ tenants }) => {
  const standing = tenants.flatMap((tenant) => Object.keys(tenant.value.clients).map((client) => ({ tenant, client })));
  return repeats(standing, ({ tenant, client }) => JSON.stringify([client, tenant.value.dbid]))
    .filter(
      ({ first, again }) =>
        first.tenant.value.upstream !== again.tenant.value.upstream &&
        first.tenant.value.name === again.tenant.value.name,
    )
    .map(({ first, again }): Finding => ({
      code: "OCSGW-6210",
      path: [...again.tenant.path, "clients", again.client],
      atKey: true,
      message: `${again.client} cannot say which ${quoted(again.tenant.value.name)} it means: name and DBID are the same on two upstreams`,
      also: { path: [...first.tenant.path, "clients", first.client], message: "also here" },
      help: "use one client for each upstream",
    }));
};

const quoted = (name: string): string => JSON.stringify(name);

export const ownershipRules: readonly Rule[] = [
  tenantTwice,
  namedLikeDbid,
  dbidOnTwoOcs,
  upstreamExists,
  ownedTwice,
  grantsWithin,
  clientCanSayWhich,
];
