/** Upstreams: what separates tenants on a shared OCS, how OCS is reached, and how much of it a tenant may take. */
import { counted, hostAndPort, sitesOf } from "./compare.ts";
import { mayMiss, type Facts, type TenantAt } from "./facts.ts";
import { areCiphersKnown } from "./certificates.ts";
import type { Finding } from "./problem.ts";
import type { Rule } from "./rules.ts";
import type { LimitSettings } from "./schema.ts";
import { isLoopback } from "./units.ts";

type Neighbours = { readonly tenant: TenantAt; readonly other: TenantAt | undefined };

/** Each tenant with one that shares its OCS, under whatever upstream name. */
const neighbours = (facts: Facts): readonly Neighbours[] => {
  const sites = sitesOf(facts);
  const bySite = Map.groupBy(facts.tenants, ({ value }) => sites.get(value.upstream) ?? value.upstream);
  return [...bySite.values()].flatMap((tenants) =>
    tenants.map((tenant) => ({ tenant, other: tenants[0] === tenant ? tenants[1] : tenants[0] })),
  );
};

const dedicatedAlone: Rule = (facts) =>
  neighbours(facts).flatMap(({ tenant: { path, value }, other }): Finding | [] => {
    if (value.records !== "dedicated" || !other) return [];
    const sameName = other.value.upstream === value.upstream;
    return {
      code: "OCSGW-6221",
      path: [...path, "records"],
      message: `records: dedicated, but ${JSON.stringify(value.name)} is not alone on its OCS`,
      also: {
        path: [...other.path, "upstream"],
        message: `${JSON.stringify(other.value.name)} uses ${sameName ? "the same upstream" : "another upstream with the same address"}`,
      },
      help: "give the tenant an OCS of its own, or choose pre-dial, registered or unscoped",
    };
  });

const sharedStates: Rule = (facts) =>
  neighbours(facts).flatMap(({ tenant, other }): Finding | [] =>
    other && !facts.states([...tenant.path, "records"]) && !mayMiss(tenant, "records")
      ? {
          code: "OCSGW-6222",
          path: [...tenant.path, "records"],
          message: `${JSON.stringify(tenant.value.name)} shares its OCS and must state \`records\`: OCS's record handles carry no tenant`,
          also: { path: [...other.path, "upstream"], message: `shared with ${JSON.stringify(other.value.name)}` },
          help: "state pre-dial, registered, or unscoped if you accept that nothing separates the tenants' records",
        }
      : [],
  );

const plaintextMeant: Rule = ({ upstreams }) =>
  upstreams.flatMap(({ path, value }) =>
    (["primary", "backup"] as const).flatMap((role): Finding | [] => {
      const address = value[role];
      if (
        address === null ||
        value.allow_plaintext ||
        !address.startsWith("http:") ||
        isLoopback(new URL(address).hostname)
      )
        return [];
      return {
        code: "OCSGW-6223",
        path: [...path, role],
        message: `http to another host: names, numbers and answers would cross the network readable and changeable`,
        help: "use https, or state allow_plaintext: true for this upstream",
      };
    }),
  );

const twoAddresses: Rule = ({ upstreams }) =>
  upstreams.flatMap(({ path, value }): Finding | [] =>
    value.backup !== null && hostAndPort(value.backup) === hostAndPort(value.primary)
      ? {
          code: "OCSGW-6224",
          path: [...path, "backup"],
          message: "the backup is the primary",
          also: { path: [...path, "primary"], message: "the same address" },
        }
      : [],
  );

const standbyOfPair: Rule = ({ upstreams }) =>
  upstreams.flatMap(({ path, value }): Finding | [] =>
    value.standby !== null && value.backup === null
      ? {
          code: "OCSGW-6230",
          path: [...path, "standby"],
          message: "`standby` says what a backup OCS does, and this upstream has none",
          help: "name the backup, or leave standby out",
        }
      : [],
  );

const certificateWithKey: Rule = ({ upstreams }) =>
  upstreams.flatMap(({ path, value: { tls } }): Finding | [] => {
    if ((tls.cert === null) === (tls.key === null)) return [];
    const [there, lacking] = tls.cert === null ? ["key", "cert"] : ["cert", "key"];
    return { code: "OCSGW-6225", path: [...path, "tls", there], message: `\`${there}\` stands without \`${lacking}\`` };
  });

const tlsHasHttps: Rule = ({ upstreams }) =>
  upstreams.flatMap(({ path, value }): Finding | [] => {
    const stated = (["min_version", "ciphers", "ca", "crl", "pins", "cert", "key", "server_name"] as const).find(
      (key) => value.tls[key] !== null,
    );
    if (stated === undefined || [value.primary, value.backup].some((address) => address?.startsWith("https:")))
      return [];
    return {
      code: "OCSGW-6227",
      path: [...path, "tls", stated],
      message: `\`${stated}\` protects nothing: no address of this upstream is https`,
      also: { path: [...path, "primary"], message: "http" },
      help: "use https, or take tls out",
    };
  });

const ciphersKnown: Rule = ({ upstreams }) =>
  upstreams.flatMap(({ path, value: { tls } }): Finding | [] =>
    tls.ciphers === null || areCiphersKnown(tls.ciphers)
      ? []
      : {
          code: "OCSGW-6280",
          path: [...path, "tls", "ciphers"],
          message: "OpenSSL knows no cipher suite of this list",
          help: "as in DEFAULT@SECLEVEL=0, or ECDHE-RSA-AES128-SHA:AES128-SHA; openssl ciphers -v LIST shows what one holds",
        },
  );

const oldTlsMeant: Rule = ({ upstreams }) =>
  upstreams.flatMap(({ path, value: { tls } }): Finding | [] =>
    tls.min_version !== "1.0" && tls.min_version !== "1.1"
      ? []
      : {
          code: "OCSGW-6319",
          severity: "warning",
          path: [...path, "tls", "min_version"],
          message: `TLS ${tls.min_version} is spoken with this OCS: who is in between may read and change what is sent`,
          help: "keep the way to this host short and closed, and raise min_version when the host knows TLS 1.2",
        },
  );

/** A request that came back would be judged as the gateway's own, and again, until no lane is left. */
const upstreamIsNotUs: Rule = ({ upstreams, listeners }) =>
  upstreams.flatMap(({ path, value }) =>
    (["primary", "backup"] as const).flatMap((role): Finding | [] => {
      const { hostname, port } =
        value[role] === null ? { hostname: "", port: "" } : new URL(`http://${hostAndPort(value[role])}`);
      const host = hostname.replace(/^\[|\]$/g, "");
      const own = listeners.find(
        ({ value: { bind, names } }) =>
          bind.port === Number(port || 80) &&
          bind.port !== 0 &&
          (bind.host === host ||
            (isLoopback(host) && /^[0:.]+$/.test(bind.host)) ||
            names.some((name) => name.replace(/:(?:\d+|\*)$/, "") === host)),
      );
      return own === undefined
        ? []
        : {
            code: "OCSGW-6228",
            path: [...path, role],
            message: "this is the gateway itself: a request would come back to it for ever",
            also: { path: [...own.path, "bind"], message: "its own listener" },
          };
    }),
  );

const usedByTenants: Rule = ({ upstreams, tenants, whole }) =>
  upstreams.flatMap(({ path, name }): Finding | [] =>
    !whole || tenants.some(({ value }) => value.upstream === name)
      ? []
      : {
          code: "OCSGW-6301",
          severity: "warning",
          path,
          atKey: true,
          message: `no tenant uses the upstream ${JSON.stringify(name)}`,
        },
  );

/** So many tenants may take turns on one lane before nearly every request is a new connection. */
const TENANTS_PER_LANE = 8;

const lanesForTenants: Rule = ({ upstreams, tenants }) =>
  upstreams.flatMap(({ path, name, value }): Finding | [] => {
    const count = tenants.filter((tenant) => tenant.value.upstream === name).length;
    return value.lane_isolation === "none" || count <= value.connections * TENANTS_PER_LANE
      ? []
      : {
          code: "OCSGW-6313",
          severity: "warning",
          path: [...path, "connections"],
          message: `${count} tenants take turns on ${counted(value.connections, "lane")}, and with lane_isolation: tenant each turn is a new connection`,
          help: `set connections to ${Math.ceil(count / TENANTS_PER_LANE)} or more, or state lane_isolation: none`,
        };
  });

/** A share so much smaller than another's that its tenant waits for more than a hundred turns of that one. */
const SMALLEST_OF_LARGEST = 1 / 100;

const sharesAddUp: Rule = ({ tenants }) =>
  [...Map.groupBy(tenants, ({ value }) => value.upstream).values()].flatMap((sharing) => {
    const largest = sharing.reduce((one, other) => (other.value.share > one.value.share ? other : one));
    return sharing
      .filter(({ value }) => value.share < largest.value.share * SMALLEST_OF_LARGEST)
      .map(({ path, value }): Finding => ({
        code: "OCSGW-6314",
        severity: "warning",
        path: [...path, "share"],
        message: `a share of ${value.share} beside one of ${largest.value.share}: while ${JSON.stringify(largest.value.name)} has work, ${JSON.stringify(value.name)} gets less than one turn in a hundred`,
        also: { path: [...largest.path, "share"], message: "the largest share of this upstream" },
      }));
  });

type PlacedLimit = { readonly at: Finding["path"]; readonly limit: LimitSettings };

const limitsOf = ({ path: tenant, value }: TenantAt): PlacedLimit[] =>
  [
    { path: tenant, limits: value.limits },
    ...Object.entries(value.clients).map(([client, { limits }]) => ({ path: [...tenant, "clients", client], limits })),
  ].flatMap(({ path, limits }) => [
    ...(["requests", "urgent"] as const).flatMap((key) =>
      limits?.[key] ? [{ at: [...path, "limits", key], limit: limits[key] }] : [],
    ),
    ...Object.entries(limits?.actions ?? {}).map(([action, limit]) => ({
      at: [...path, "limits", "actions", action],
      limit,
    })),
  ]);

const burstCoversRate: Rule = ({ tenants }) =>
  tenants.flatMap(limitsOf).flatMap(({ at, limit: { rate, burst } }): Finding | [] => {
    const perSecond = Math.ceil((rate.count * 1000) / rate.per_ms);
    return burst >= perSecond
      ? []
      : {
          code: "OCSGW-6226",
          path: [...at, "burst"],
          message: `a burst of ${burst} is smaller than the rate, which gives ${counted(perSecond, "request")} each second`,
          also: { path: [...at, "rate"], message: "the rate" },
          help: `set burst to ${perSecond} or more, or leave it out`,
        };
  });

/** A timer that is set for longer goes off at once, and the limit would never hold. */
const LONGEST_WINDOW_MS = 24 * 86_400_000;

const windowsEnd: Rule = ({ tenants }) =>
  tenants.flatMap(limitsOf).flatMap(({ at, limit: { rate, burst } }): Finding | [] => {
    const most = Math.floor((LONGEST_WINDOW_MS / rate.per_ms) * rate.count);
    return burst <= most
      ? []
      : {
          code: "OCSGW-6229",
          path: [...at, "burst"],
          message: `at this rate a burst of ${burst} is counted over more than 24 days, which is the longest there is`,
          also: { path: [...at, "rate"], message: "the rate" },
          help: `set burst to ${most} or less`,
        };
  });

/** Of the public authorities any could vouch for an OCS of somebody's own. */
const ownAuthority: Rule = ({ upstreams }) =>
  upstreams.flatMap(({ path, value: { primary, backup, tls } }): Finding | [] => {
    const isTls = [primary, backup].some((origin) => origin?.startsWith("https:"));
    return !isTls || tls.ca !== null || tls.pins !== null
      ? []
      : {
          code: "OCSGW-6316",
          severity: "warning",
          path,
          atKey: true,
          message: "any public authority may vouch for this OCS",
          help: "name its own with tls.ca, or its keys with tls.pins",
        };
  });

export const upstreamRules: readonly Rule[] = [
  dedicatedAlone,
  sharedStates,
  plaintextMeant,
  twoAddresses,
  standbyOfPair,
  certificateWithKey,
  tlsHasHttps,
  ciphersKnown,
  oldTlsMeant,
  upstreamIsNotUs,
  usedByTenants,
  lanesForTenants,
  sharesAddUp,
  burstCoversRate,
  windowsEnd,
  ownAuthority,
];
