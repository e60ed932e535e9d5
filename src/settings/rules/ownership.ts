/** Rules about names and DBIDs: on one OCS no object may belong to two tenants. */
import { fold, repeats, sitesOf } from "./compare.ts";
import { mayMiss, type At, type ParsedParts } from "./parsed-parts.ts";
import { suggest } from "../problems/did-you-mean.ts";
import { withHelp, type Finding, type Path, type ProblemText } from "../problems/problem.ts";
import type { Rule } from "./parsed-parts.ts";
import type { TenantSettings } from "../schema/schema.ts";

const FOLDED = "names that differ only in case, width or spaces count as equal, because OCS might confuse them";

const PROBLEMS = {
  duplicateTenant: (name: string) => ({
    code: "OCSGW-6201",
    message: `two tenants of one OCS are named ${quoted(name)}`,
    help: `use one entry for each tenant; ${FOLDED}`,
  }),
  duplicateDbid: (dbid: number) => ({
    code: "OCSGW-6202",
    message: `two tenants of one OCS have the DBID ${dbid}`,
    help: "correct one of the two DBIDs",
  }),
  nameIsDbid: (name: string, other: string) => ({
    code: "OCSGW-6211",
    message: `the name ${quoted(name)} is also the DBID of the tenant ${quoted(other)}`,
    help:
      "clients may send a tenant's name or its DBID in Ocsgw-Tenant or in a token's claim, so this value would be " +
      "ambiguous: rename the tenant",
  }),
  sharedDbid: (name: string, other: string, dbid: number) => ({
    code: "OCSGW-6317",
    severity: "warning" as const,
    message:
      `${quoted(other)} and ${quoted(name)} have the DBID ${dbid} on two different OCS, and the journal numbers ` +
      "the Do-Not-Calls of a DBID in one sequence",
    help:
      "to prove that an export is complete, export both tenants together, or run one gateway with its own journal " +
      "for each OCS",
  }),
  unknownUpstream: (name: string) => ({ code: "OCSGW-6203", message: `unknown upstream ${quoted(name)}` }),
  duplicate: (kind: Kind, shown: string) => ({
    code: KINDS[kind].code,
    message: `${KINDS[kind].noun} ${shown} is listed twice`,
    help: "remove one of the two, or correct it if it is a mistake",
  }),
  ownedTwice: (kind: Kind, shown: string) => ({
    code: KINDS[kind].code,
    message: `${KINDS[kind].noun} ${shown} belongs to two tenants of one OCS`,
    help: "remove it from the tenant that does not own it, or correct it there",
  }),
  notOwnGroup: (dbid: number, tenant: string) => ({
    code: "OCSGW-6209",
    message: `${dbid} is not a campaign group of ${quoted(tenant)}`,
  }),
  ambiguousClient: (client: string, tenant: string) => ({
    code: "OCSGW-6210",
    message:
      `the client ${client} cannot choose between two tenants ${quoted(tenant)}: both have the same name and DBID, ` +
      "on two upstreams",
    help: "use one client for each upstream",
  }),
} as const;

const KINDS = {
  dbid: { code: "OCSGW-6204", noun: "the campaign group DBID" },
  name: { code: "OCSGW-6205", noun: "the campaign group" },
  ids: { code: "OCSGW-6206", noun: "the pair of ids" },
  campaign: { code: "OCSGW-6207", noun: "the campaign" },
  list: { code: "OCSGW-6208", noun: "the calling list" },
} as const;
type Kind = keyof typeof KINDS;

type Tenant = At<TenantSettings>;
/** An object that a tenant owns. `key`: must be unique on one OCS. */
type Possession = { readonly tenant: Tenant; readonly path: Path; readonly key: string; readonly shown: string };

const onSite = (parts: ParsedParts): ((tenant: Tenant) => string) => {
  const sites = sitesOf(parts);
  return ({ value }) => sites.get(value.upstream) ?? value.upstream;
};

const tenantTwice: Rule = (parts) => {
  const site = onSite(parts);
  const byName = repeats(parts.tenants, (tenant) => JSON.stringify([site(tenant), fold(tenant.value.name)]));
  const byDbid = repeats(parts.tenants, (tenant) => JSON.stringify([site(tenant), tenant.value.dbid]));
  return [
    ...byName.map(({ first, again }): Finding => ({
      ...PROBLEMS.duplicateTenant(again.value.name),
      path: [...again.path, "name"],
      also: { path: [...first.path, "name"], message: `${quoted(first.value.name)} is here` },
    })),
    ...byDbid.map(({ first, again }): Finding => ({
      ...PROBLEMS.duplicateDbid(again.value.dbid),
      path: [...again.path, "dbid"],
      also: { path: [...first.path, "dbid"], message: `of ${quoted(first.value.name)}` },
    })),
  ];
};

/** Requests and tokens identify a tenant by name or DBID, so a name must not be the DBID of another tenant. */
const namedLikeDbid: Rule = ({ tenants }) => {
  const byDbid = new Map(tenants.map((tenant) => [String(tenant.value.dbid), tenant]));
  return tenants.flatMap((tenant): Finding | [] => {
    const other = byDbid.get(fold(tenant.value.name));
    return other === undefined || other.value.dbid === tenant.value.dbid
      ? []
      : {
          ...PROBLEMS.nameIsDbid(tenant.value.name, other.value.name),
          path: [...tenant.path, "name"],
          also: { path: [...other.path, "dbid"], message: `of ${quoted(other.value.name)}` },
        };
  });
};

/** The journal numbers Do-Not-Calls per DBID: two tenants with one DBID would show gaps in each other's exports. */
const dbidOnTwoOcs: Rule = (parts) => {
  const site = onSite(parts);
  return repeats(parts.tenants, ({ value }) => String(value.dbid))
    .filter(({ first, again }) => site(first) !== site(again) && first.value.name !== again.value.name)
    .map(({ first, again }): Finding => ({
      ...PROBLEMS.sharedDbid(again.value.name, first.value.name, again.value.dbid),
      path: [...again.path, "dbid"],
      also: { path: [...first.path, "dbid"], message: `of ${quoted(first.value.name)}` },
    }));
};

const upstreamExists: Rule = ({ tenants, upstreamNames }) =>
  tenants
    .filter(({ value }) => !upstreamNames.includes(value.upstream))
    .map(({ path, value }): Finding => ({
      ...withHelp(
        PROBLEMS.unknownUpstream(value.upstream),
        suggest(value.upstream, upstreamNames) ?? "correct the name, or add the upstream under upstreams",
      ),
      path: [...path, "upstream"],
    }));

const possessions = (tenant: Tenant): Readonly<Record<Kind, readonly Possession[]>> => {
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
            shown: `campaign_id ${group.campaign_id} with group_id ${group.group_id}`,
          },
    ),
  };
};

const ownedTwice: Rule = (parts) => {
  const site = onSite(parts);
  const owned = parts.tenants.map(possessions);
  return (Object.keys(KINDS) as Kind[]).flatMap((kind) => {
    const all = owned.flatMap((each) => each[kind]);
    return repeats(all, ({ tenant, key }) => JSON.stringify([site(tenant), key])).map(({ first, again }): Finding => {
      const same = first.tenant === again.tenant;
      const problem = same ? PROBLEMS.duplicate : PROBLEMS.ownedTwice;
      return {
        ...withFolded(problem(kind, again.shown), again.shown !== first.shown),
        path: again.path,
        also: {
          path: first.path,
          message: same ? "first listed here" : `${first.shown} of ${quoted(first.tenant.value.name)}`,
        },
      };
    });
  });
};

/** The instruction, and why two spellings count as equal. */
const withFolded = (text: ProblemText, isSpelledTwice: boolean): ProblemText =>
  isSpelledTwice ? { ...text, help: `${text.help}; ${FOLDED}` } : text;

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
                ...PROBLEMS.notOwnGroup(dbid, value.name),
                path: [...path, "clients", client, "campaign_groups", at],
                help: helpForGroup(own),
              },
        );
      }),
    );

const MOST_SHOWN = 24;

const helpForGroup = (own: readonly number[]): string => {
  if (own.length === 0) return "add the group to the tenant's campaign_groups: the tenant has none yet";
  const rest = own.length - MOST_SHOWN;
  const shown = `${own.slice(0, MOST_SHOWN).join(", ")}${rest > 0 ? ` and ${rest} more` : ""}`;
  return `correct the DBID (the tenant's groups: ${shown}), or add the group to the tenant's campaign_groups`;
};

/** A client of two tenants must be able to distinguish them by name or DBID. */
const clientCanChoose: Rule = ({ tenants }) => {
  const memberships = tenants.flatMap((tenant) =>
    Object.keys(tenant.value.clients).map((client) => ({ tenant, client })),
  );
  return repeats(memberships, ({ tenant, client }) => JSON.stringify([client, tenant.value.dbid]))
    .filter(
      ({ first, again }) =>
        first.tenant.value.upstream !== again.tenant.value.upstream &&
        first.tenant.value.name === again.tenant.value.name,
    )
    .map(({ first, again }): Finding => ({
      ...PROBLEMS.ambiguousClient(again.client, again.tenant.value.name),
      path: [...again.tenant.path, "clients", again.client],
      atKey: true,
      also: { path: [...first.tenant.path, "clients", first.client], message: "also here" },
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
  clientCanChoose,
];
