/** What separates the tenants by the config in force. Each row is read from settings, also those of gaps. */
import type { BarrierFacts, IsolationFacts } from "../../../../admin/api/evidence/isolation.ts";
import type { Person } from "../../../../admin/people/people.ts";
import { counted } from "../../../../settings/rules/compare.ts";
import type { TenantSettings } from "../../../../settings/schema/schema.ts";
import { directPaths, lanes, records } from "./of-upstreams.ts";
import { enforcedAmong, MOST, refused, row, sharedUpstreams, type At, type Facts } from "./rows.ts";

/** Undefined where the config names no users. */
export type Users = readonly Pick<Person, "tenants" | "disabled">[] | undefined;

/** The provider of `admin.oidc`; null where the config names none. */
type Provider = { readonly claims: { readonly tenants: unknown } } | null;

export const isolationFacts = (facts: Facts, users: Users, provider: Provider = null): IsolationFacts => {
  const tenants = facts.tenants.map((value, at) => ({ value, at }));
  return {
    tenants: tenants.length,
    observing: tenants.filter(({ value }) => value.mode === "observe").length,
    barriers: [
      ...named(tenants),
      ...records(facts, tenants),
      ...lanes(facts, tenants),
      limits(tenants),
      clients(tenants),
      journal(users, provider),
      ...directPaths(facts, tenants),
    ],
  };
};

const total = (tenants: readonly At[], of: (tenant: TenantSettings) => readonly unknown[]): number =>
  tenants.reduce((sum, { value }) => sum + of(value).length, 0);

/** Resources whose requests name what they are about. */
const named = (tenants: readonly At[]): BarrierFacts[] => {
  const groups = tenants.flatMap(({ value }) => value.campaign_groups);
  const identified = groups.filter(({ campaign_id, group_id }) => campaign_id !== null && group_id !== null).length;
  const lists = total(tenants, (tenant) => tenant.lists);
  const campaigns = total(tenants, (tenant) => tenant.campaigns);
  const common = { strength: enforcedAmong(tenants), gap: null, of: tenants };
  return [
    row({
      ...common,
      resource: "phones and customer_ids",
      by: "the gateway writes the tenant's DBID into each request, and refuses one that names another tenant",
      refusedAs: refused("phones,customer_ids", "other-tenant", "foreign-object"),
    }),
    row({
      ...common,
      resource: "lists and campaigns",
      by:
        "a request may name a list or campaign of its own tenant only: " +
        `${counted(lists, "list")} and ${counted(campaigns, "campaign")} in the config`,
      refusedAs: refused("lists", "other-tenant", "foreign-object"),
    }),
    row({
      ...common,
      resource: "campaigngroups",
      by:
        `a request may name a campaign group of its own tenant only (${groups.length} in the config), and the answer ` +
        "to GET /campaigngroups contains no others",
      gap:
        identified === groups.length
          ? null
          : `${groups.length - identified} of ${counted(groups.length, "group")} lack campaign_id or group_id, by ` +
            "which the gateway recognizes an answer of OCS that belongs to another request",
      settings: tenants.flatMap(({ value, at }) =>
        value.campaign_groups.flatMap(({ campaign_id, group_id }, place) =>
          campaign_id !== null && group_id !== null ? [] : [["tenants", at, "campaign_groups", place]],
        ),
      ),
      refusedAs: refused("campaigngroups", "other-tenant", "foreign-object"),
    }),
  ];
};

const limits = (tenants: readonly At[]): BarrierFacts => {
  const without = tenants.filter(({ value }) => value.limits?.requests == null);
  const shared = new Set(sharedUpstreams(tenants).map(([name]) => name));
  const exposed = without.filter(({ value }) => shared.has(value.upstream));
  return row({
    resource: "rate",
    strength: exposed.length > 0 ? "off" : enforcedAmong(tenants),
    by:
      without.length === 0
        ? "each tenant has a rate limit"
        : `${tenants.length - without.length} of ${counted(tenants.length, "tenant")} have a rate limit`,
    gap:
      exposed.length > 0
        ? `${counted(exposed.length, "tenant")} without one can use all free lanes of an upstream`
        : null,
    of: exposed.length > 0 ? exposed : tenants,
    settings: exposed.map(({ at }) => ["tenants", at, "limits"]),
    refusedAs: refused("", "over-limit", "queue-full", "queue-timeout"),
  });
};

const clients = (tenants: readonly At[]): BarrierFacts => {
  const of = new Map<string, At[]>();
  for (const tenant of tenants)
    for (const client of Object.keys(tenant.value.clients)) {
      const known = of.get(client);
      if (known) known.push(tenant);
      else of.set(client, [tenant]);
    }
  const several = [...of].filter(([, each]) => each.length > 1);
  const affected = new Set(several.flatMap(([, each]) => each));
  return row({
    resource: "clients",
    strength: several.length > 0 ? "off" : enforcedAmong(tenants),
    by:
      several.length === 0
        ? "each client acts for one tenant only"
        : `${of.size - several.length} of ${counted(of.size, "client")} act for one tenant only`,
    gap:
      several.length === 0
        ? null
        : `${several
            .slice(0, MOST)
            .map(([client]) => client)
            .join(", ")} ` +
          `${several.length > 1 ? "act" : "acts"} for several tenants: a request names one of them, by choice`,
    of: several.length > 0 ? [...affected] : tenants,
    settings: several.flatMap(([client, each]) => each.map(({ at }) => ["tenants", at, "clients", client])),
    refusedAs: refused("", "other-tenant"),
  });
};

const journal = (users: Users, provider: Provider): BarrierFacts => {
  const people = (users ?? []).filter(({ disabled }) => !disabled);
  const all = people.filter(({ tenants }) => tenants === "all").length;
  const isOff = users === undefined && provider === null;
  const seeOwn = [
    ...(users === undefined
      ? []
      : [`${people.length - all} of ${counted(people.length, "user")} see their own tenants only`]),
    ...(provider !== null && provider.claims.tenants !== null
      ? ["users of the OpenID provider see the tenants that its claim names"]
      : []),
  ];
  const seeAll = [
    ...(users === undefined ? [] : [counted(all, "user")]),
    ...(provider?.claims.tenants === null ? ["every user of the OpenID provider"] : []),
    "the admin token",
  ];
  return row({
    resource: "journal and console",
    strength: isOff || seeOwn.length === 0 ? "off" : "enforced",
    by: isOff
      ? "nothing: the config names no users, and the admin token sees all tenants"
      : seeOwn.join("; ") || "nothing: every user sees all tenants",
    gap: isOff
      ? "whoever has the admin token reads the requests of every tenant"
      : `${seeAll.slice(0, -1).join(", ")}${seeAll.length > 1 ? " and " : ""}${seeAll.at(-1)} see all tenants`,
    of: [],
    settings: [
      ...(users === undefined && provider !== null ? [] : [["admin", "users"]]),
      ...(provider === null ? [] : [["admin", "oidc"]]),
    ],
  });
};
