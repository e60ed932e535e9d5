/** Rules about the OpenID provider of the console (`admin.oidc`). */
import { formatValue } from "../format-value.ts";
import type { Finding } from "../problems/problem.ts";
import { isProtected } from "../schema/oidc.ts";
import { isLoopback } from "../schema/units.ts";
import type { At, ParsedParts, Rule } from "./parsed-parts.ts";
import type { Settings } from "../schema/schema.ts";

const LONGEST_SKEW_MS = 300_000;

const PROBLEMS = {
  plainIssuer: {
    code: "OCSGW-6258",
    message: "over http, an attacker on the network could log in to the console as anybody",
    help: "use https; http is accepted for a provider on this machine only",
  },
  plainAddress: {
    code: "OCSGW-6258",
    message: "over http, an attacker on the network could read the sessions of the console",
    help: "use https, or an address of this machine",
  },
  noRoles: {
    code: "OCSGW-6259",
    message: "nobody can log in through the OpenID provider, because no value of the claim gives a role",
    help: "list at least one value under viewer, operator or auditor",
  },
  unusedAll: {
    code: "OCSGW-6260",
    message: "all_tenants has no effect without claims.tenants: every user of the provider sees all tenants",
    help: "set claims.tenants, or remove all_tenants",
  },
  ambiguousAll: {
    code: "OCSGW-6260",
    message: "this value means all tenants, and is also the name or DBID of one of them",
    help: "choose a value that is no tenant's name or DBID",
  },
  longSkew: (skew: number) => ({
    code: "OCSGW-6250",
    message:
      `clock_skew is ${formatValue(["admin", "oidc", "clock_skew"], skew)}, more than 5m: ID tokens would be ` +
      "accepted long after they have expired",
    help: "set 5m or less; 30s is usual",
  }),
  unknownAddress: (host: string) => ({
    code: "OCSGW-6328",
    severity: "warning" as const,
    message: `the admin listener does not answer to the name ${host}, so the provider cannot send users back`,
    help: `add ${host} to admin.names`,
  }),
} as const;

type Oidc = NonNullable<NonNullable<Settings["admin"]>["oidc"]>;

const oidcOf = ({ admin }: ParsedParts): At<Oidc> | undefined =>
  admin?.value.oidc ? { path: [...admin.path, "oidc"], value: admin.value.oidc } : undefined;

/** A rule that is asked only where there is a provider. */
const rule =
  (findings: (oidc: At<Oidc>, parts: ParsedParts) => readonly Finding[]): Rule =>
  (parts) => {
    const oidc = oidcOf(parts);
    return oidc ? findings(oidc, parts) : [];
  };

const overTls = rule(({ path, value: { issuer, address } }) => [
  ...(isProtected(issuer) ? [] : [{ ...PROBLEMS.plainIssuer, path: [...path, "issuer"] }]),
  ...(address === null || isProtected(address) ? [] : [{ ...PROBLEMS.plainAddress, path: [...path, "address"] }]),
]);

const givesRoles = rule(({ path, value: { roles } }) =>
  Object.values(roles).some((values) => values.length > 0) ? [] : [{ ...PROBLEMS.noRoles, path: [...path, "roles"] }],
);

const allTenants = rule(({ path, value: { all_tenants: all, claims } }, { tenants }) => {
  const at = [...path, "all_tenants"];
  if (all === null) return [];
  if (claims.tenants === null) return [{ ...PROBLEMS.unusedAll, path: at }];
  return tenants.some(({ value: { name, dbid } }) => name === all || String(dbid) === all)
    ? [{ ...PROBLEMS.ambiguousAll, path: at }]
    : [];
});

const skewIsShort = rule(({ path, value: { clock_skew: skew } }) =>
  skew <= LONGEST_SKEW_MS ? [] : [{ ...PROBLEMS.longSkew(skew), path: [...path, "clock_skew"] }],
);

/** With TLS the certificate has names too, so this cannot be told here. */
const addressIsOwn = rule(({ path, value: { address } }, { admin }) => {
  const { bind, names, tls } = admin!.value;
  if (address === null || tls !== "none") return [];
  const { hostname, host } = new URL(address);
  const bare = hostname.replace(/^\[|\]$/g, "");
  const isOwn =
    bare === bind.host ||
    (isLoopback(bare) && isLoopback(bind.host)) ||
    names.some((name) => [hostname, host, `${hostname}:*`].includes(name));
  return isOwn ? [] : [{ ...PROBLEMS.unknownAddress(host), path: [...path, "address"] }];
});

export const oidcRules: readonly Rule[] = [overTls, givesRoles, allTenants, skewIsShort, addressIsOwn];
