/** What separates the tenants of an OCS: by record handles, by connections, and beside the gateway. */
import type { BarrierFacts } from "../../../../admin/api/evidence/isolation.ts";
import { counted, sitesOf } from "../../../../settings/rules/compare.ts";
import type { TenantSettings } from "../../../../settings/schema/schema.ts";
import { refused, row, sharedUpstreams, type At, type Facts, type Row } from "./rows.ts";

/** `upstreams`: of the same OCS, because they have an address in common. */
type Site = { readonly upstreams: readonly string[]; readonly tenants: readonly At[] };

/** A filter that names more tenants would be long. */
const MOST_IN_FILTER = 50;

/** A record handle names no tenant: what separates them is how the gateway learns whose it is. */
export const records = (facts: Facts, tenants: readonly At[]): BarrierFacts[] => {
  const { upstreams } = facts;
  const sites = sitesIn(facts, tenants);
  const groups = sites.flatMap((site) =>
    [...Map.groupBy(site.tenants, ({ value }) => value.records)].map(([mode, of]) => ({ site, mode, of })),
  );
  return groups.map(({ site, mode, of }) => {
    const shared = site.tenants.length > 1;
    const isAnnounced = site.upstreams.some((name) => upstreams[name]?.callbacks);
    const rows: Readonly<Record<TenantSettings["records"], Pick<Row, "strength" | "by" | "gap">>> = {
      "pre-dial": {
        strength: "enforced",
        by:
          "OCS announces each record with its tenant before it dials, and a request may name a handle of its own " +
          `tenant only${isAnnounced ? "" : "; there is no listener for announcements, so every request is refused"}`,
        gap: null,
      },
      registered: {
        strength: "enforced",
        by: "a registrar names the tenant of each handle, and a request may name a handle of its own tenant only",
        gap: "a registrar that names the wrong tenant gives the record to it",
      },
      dedicated: shared
        ? {
            strength: "not-enforceable",
            by: "nothing: records is dedicated, but other tenants share the OCS",
            gap: SHARED,
          }
        : { strength: "alone", by: "the OCS serves this tenant only", gap: null },
      unscoped: shared
        ? {
            strength: "not-enforceable",
            by: "nothing: a record handle names no tenant, and records is unscoped",
            gap: SHARED,
          }
        : { strength: "alone", by: "no other tenant has this OCS; records is unscoped", gap: null },
    };
    return row({
      resource: "records",
      upstreams: site.upstreams,
      ...rows[mode],
      of,
      settings: of.map(({ at }) => ["tenants", at, "records"]),
      refusedAs: recordsRefused(of, groups.length === 1),
    });
  });
};

const SHARED = "a client of one tenant can finish, cancel or reschedule a record of another one";

const recordsRefused = (of: readonly At[], isOnlyRow: boolean): string | null => {
  const filter = refused("records", "no-such-record", "probing", "unclear", "other-tenant", "foreign-object");
  if (isOnlyRow) return filter;
  return of.length > MOST_IN_FILTER ? null : `${filter} tenant:${of.map(({ value }) => value.dbid).join(",")}`;
};

/** Connections and queues, for each upstream with several tenants. */
export const lanes = ({ upstreams }: Facts, tenants: readonly At[]): BarrierFacts[] =>
  sharedUpstreams(tenants).flatMap(([name, of]) => {
    const upstream = upstreams[name];
    if (!upstream) return [];
    const isSeparate = upstream.lane_isolation === "tenant";
    return [
      row({
        resource: "connections to OCS",
        upstreams: [name],
        strength: isSeparate ? "enforced" : "off",
        by: isSeparate
          ? "a connection serves another tenant only after it was opened again, so a late answer reaches nobody else"
          : "nothing: lane_isolation is none, so tenants take turns on the same connections",
        gap: isSeparate ? null : "if OCS mixes up its answers, a tenant can get that of another one",
        of,
        settings: [["upstreams", name, "lane_isolation"]],
      }),
      row({
        resource: "queue",
        upstreams: [name],
        strength: "enforced",
        by:
          `each tenant has a queue of its own for ${counted(upstream.connections, "lane")} (at most ` +
          `${upstream.queue.max} requests), and lanes are given in proportion to share`,
        gap: "all of them wait when OCS itself is slow",
        of,
        settings: [["upstreams", name, "queue"], ...of.map(({ at }) => ["tenants", at, "share"])],
        refusedAs: null,
      }),
    ];
  });

/** What does not pass through the gateway. */
export const directPaths = ({ upstreams }: Facts, tenants: readonly At[]): BarrierFacts[] =>
  Object.entries(upstreams).map(([name, { primary, backup, tls }]) => {
    const addresses = [primary, ...(backup === null ? [] : [backup])];
    const hasCertificate = tls.cert !== null && addresses.every((each) => each.startsWith("https:"));
    return row({
      resource: "the way past the gateway",
      upstreams: [name],
      strength: "outside",
      by: hasCertificate
        ? "the gateway shows OCS a client certificate; OCS must refuse others, or a firewall must"
        : "only a firewall: the gateway has no client certificate that OCS could ask for",
      gap: `whoever reaches ${addresses.join(" or ")} can act for every tenant, and the journal has no entry of it`,
      of: tenants.filter(({ value }) => value.upstream === name),
      settings: [["upstreams", name, hasCertificate ? "tls" : "primary"]],
    });
  });

const sitesIn = ({ upstreams }: Facts, tenants: readonly At[]): readonly Site[] => {
  const upstreamNames = Object.keys(upstreams);
  const sites = sitesOf({
    upstreams: Object.entries(upstreams).map(([name, value]) => ({ name, value })),
    upstreamNames,
  });
  return [...new Set(sites.values())].map((site) => ({
    upstreams: upstreamNames.filter((name) => sites.get(name) === site),
    tenants: tenants.filter(({ value }) => sites.get(value.upstream) === site),
  }));
};
