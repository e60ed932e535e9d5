/** Rules about upstreams: isolation of tenants on a shared OCS, addresses, TLS and lanes. */
import { counted, hostAndPort, neighbours } from "./compare.ts";
import { mayMiss } from "./parsed-parts.ts";
import { areCiphersKnown } from "../files/certificates.ts";
import type { Finding } from "../problems/problem.ts";
import type { Rule } from "./parsed-parts.ts";
import { isLoopback } from "../schema/units.ts";
import { MOST_LANES } from "../schema/upstreams.ts";

const PROBLEMS = {
  notDedicated: (tenant: string) => ({
    code: "OCSGW-6221",
    message: `records is dedicated, but ${JSON.stringify(tenant)} shares its OCS with another tenant`,
    help:
      "give the tenant an OCS of its own, or choose pre-dial or registered; or unscoped, if you accept that nothing " +
      "separates the tenants' records",
  }),
  recordsRequired: (tenant: string) => ({
    code: "OCSGW-6222",
    message:
      `\`records\` is required for ${JSON.stringify(tenant)}, because the tenant shares its OCS, and OCS's ` +
      "record handles do not show which tenant owns them",
    help: "set pre-dial or registered; or unscoped, if you accept that nothing separates the tenants' records",
  }),
  plaintext: {
    code: "OCSGW-6223",
    message: "http to another host: others on the network could read and change names, phone numbers and answers",
    help: "use https, or set allow_plaintext: true for this upstream if http is intended",
  },
  backupIsPrimary: {
    code: "OCSGW-6224",
    message: "backup and primary have the same host and port",
    help: "correct one of them, or remove backup",
  },
  standbyWithoutBackup: {
    code: "OCSGW-6230",
    message: "`standby` describes the backup OCS, but this upstream has no backup",
    help: "set backup, or remove standby",
  },
  halfPair: (present: string, missing: string) => ({
    code: "OCSGW-6225",
    message: `\`${present}\` is set, but \`${missing}\` is missing`,
    help: `set both, or remove ${present}`,
  }),
  tlsWithoutHttps: (key: string) => ({
    code: "OCSGW-6227",
    message: `\`${key}\` has no effect: no address of this upstream is https`,
    help: "use https for primary or backup, or remove tls",
  }),
  unknownCiphers: (found: string) => ({
    code: "OCSGW-6280",
    message: `OpenSSL knows no cipher suite in the list ${JSON.stringify(found)}`,
    help:
      "for example DEFAULT@SECLEVEL=0 or ECDHE-RSA-AES128-SHA:AES128-SHA; openssl ciphers -v LIST shows what a " +
      "list contains",
  }),
  oldTls: (version: string) => ({
    code: "OCSGW-6319",
    severity: "warning" as const,
    message: `TLS ${version} is outdated: an attacker on the network may read and change what is sent to this OCS`,
    help: "keep the network to this host closed, and raise min_version once the host supports TLS 1.2",
  }),
  isGateway: {
    code: "OCSGW-6228",
    message: "this address is the gateway itself, so requests would loop",
    help: "set the address of the OCS",
  },
  unused: (upstream: string) => ({
    code: "OCSGW-6301",
    severity: "warning" as const,
    message: `no tenant uses the upstream ${JSON.stringify(upstream)}, so it gets no requests`,
    help: "remove it, or set it as the upstream of a tenant",
  }),
  fewLanes: (tenants: number, lanes: number, needed: number) => ({
    code: "OCSGW-6313",
    severity: "warning" as const,
    message:
      `${tenants} tenants share ${counted(lanes, "lane")}: with lane_isolation: tenant, nearly every request needs ` +
      "a new connection",
    help:
      needed <= MOST_LANES
        ? `set connections to ${needed} or more, or set lane_isolation: none`
        : `set lane_isolation: none, or give some tenants another upstream: connections is ${MOST_LANES} at most`,
  }),
  oneLane: {
    code: "OCSGW-6344",
    severity: "warning" as const,
    message: "gateways that share a database share this one lane too: all but one of them have none",
    help: "set connections to at least twice the number of gateways, on all of them",
  },
  publicCas: {
    code: "OCSGW-6316",
    severity: "warning" as const,
    message: "any public certificate authority can issue a certificate that the gateway accepts for this OCS",
    help: "set tls.ca to the OCS's own authority, or tls.pins to the hashes of its keys",
  },
} as const;

const dedicatedAlone: Rule = (parts) =>
  neighbours(parts).flatMap(({ tenant: { path, value }, other }): Finding | [] => {
    if (value.records !== "dedicated" || !other) return [];
    const sameName = other.value.upstream === value.upstream;
    return {
      ...PROBLEMS.notDedicated(value.name),
      path: [...path, "records"],
      also: {
        path: [...other.path, "upstream"],
        message:
          `${JSON.stringify(other.value.name)} uses ` +
          `${sameName ? "the same upstream" : "another upstream with the same address"}`,
      },
    };
  });

const sharedStatesRecords: Rule = (parts) =>
  neighbours(parts).flatMap(({ tenant, other }): Finding | [] =>
    other && !parts.states([...tenant.path, "records"]) && !mayMiss(tenant, "records")
      ? {
          ...PROBLEMS.recordsRequired(tenant.value.name),
          path: [...tenant.path, "records"],
          also: { path: [...other.path, "upstream"], message: `shared with ${JSON.stringify(other.value.name)}` },
        }
      : [],
  );

const httpIsIntended: Rule = ({ upstreams }) =>
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
      return { ...PROBLEMS.plaintext, path: [...path, role] };
    }),
  );

const twoAddresses: Rule = ({ upstreams }) =>
  upstreams.flatMap(({ path, value }): Finding | [] =>
    value.backup !== null && hostAndPort(value.backup) === hostAndPort(value.primary)
      ? {
          ...PROBLEMS.backupIsPrimary,
          path: [...path, "backup"],
          also: { path: [...path, "primary"], message: "the same address" },
        }
      : [],
  );

const standbyHasBackup: Rule = ({ upstreams }) =>
  upstreams.flatMap(({ path, value }): Finding | [] =>
    value.standby !== null && value.backup === null
      ? { ...PROBLEMS.standbyWithoutBackup, path: [...path, "standby"] }
      : [],
  );

const certificateWithKey: Rule = ({ upstreams }) =>
  upstreams.flatMap(({ path, value: { tls } }): Finding | [] => {
    if ((tls.cert === null) === (tls.key === null)) return [];
    const [present, missing] = tls.cert === null ? (["key", "cert"] as const) : (["cert", "key"] as const);
    return { ...PROBLEMS.halfPair(present, missing), path: [...path, "tls", present] };
  });

const tlsHasHttps: Rule = ({ upstreams }) =>
  upstreams.flatMap(({ path, value }): Finding | [] => {
    const stated = (["min_version", "ciphers", "ca", "crl", "pins", "cert", "key", "server_name"] as const).find(
      (key) => value.tls[key] !== null,
    );
    if (stated === undefined || [value.primary, value.backup].some((address) => address?.startsWith("https:")))
      return [];
    return {
      ...PROBLEMS.tlsWithoutHttps(stated),
      path: [...path, "tls", stated],
      also: { path: [...path, "primary"], message: "http" },
    };
  });

const ciphersKnown: Rule = ({ upstreams }) =>
  upstreams.flatMap(({ path, value: { tls } }): Finding | [] =>
    tls.ciphers === null || areCiphersKnown(tls.ciphers)
      ? []
      : { ...PROBLEMS.unknownCiphers(tls.ciphers), path: [...path, "tls", "ciphers"] },
  );

const tlsIsCurrent: Rule = ({ upstreams }) =>
  upstreams.flatMap(({ path, value: { tls } }): Finding | [] =>
    tls.min_version !== "1.0" && tls.min_version !== "1.1"
      ? []
      : { ...PROBLEMS.oldTls(tls.min_version), path: [...path, "tls", "min_version"] },
  );

/** Otherwise the gateway would forward each request to itself until no lane is free. */
const upstreamIsNotGateway: Rule = ({ upstreams, listeners }) =>
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
            ...PROBLEMS.isGateway,
            path: [...path, role],
            also: { path: [...own.path, "bind"], message: "the gateway's listener" },
          };
    }),
  );

const isUsed: Rule = ({ upstreams, tenants, whole }) =>
  upstreams.flatMap(({ path, name }): Finding | [] =>
    !whole || tenants.some(({ value }) => value.upstream === name)
      ? []
      : { ...PROBLEMS.unused(name), path, atKey: true },
  );

/** With more tenants per lane, nearly every request needs a new connection. */
const TENANTS_PER_LANE = 8;

const lanesForTenants: Rule = ({ upstreams, tenants }) =>
  upstreams.flatMap(({ path, name, value }): Finding | [] => {
    const count = tenants.filter((tenant) => tenant.value.upstream === name).length;
    return value.lane_isolation === "none" || count <= value.connections * TENANTS_PER_LANE
      ? []
      : {
          ...PROBLEMS.fewLanes(count, value.connections, Math.ceil(count / TENANTS_PER_LANE)),
          path: [...path, "connections"],
        };
  });

/** `connections` is the number of all gateways together; one that has none lets requests wait in vain. */
const lanesForNodes: Rule = ({ upstreams, shared }) =>
  upstreams.flatMap(({ path, value }): Finding | [] =>
    shared === undefined || value.connections > 1 ? [] : { ...PROBLEMS.oneLane, path: [...path, "connections"] },
  );

/** A warning if public CAs are trusted: an OCS in a company rarely has a certificate from one. */
const ownAuthority: Rule = ({ upstreams }) =>
  upstreams.flatMap(({ path, value: { primary, backup, tls } }): Finding | [] => {
    const isTls = [primary, backup].some((origin) => origin?.startsWith("https:"));
    return !isTls || tls.ca !== null || tls.pins !== null ? [] : { ...PROBLEMS.publicCas, path, atKey: true };
  });

export const upstreamRules: readonly Rule[] = [
  dedicatedAlone,
  sharedStatesRecords,
  httpIsIntended,
  twoAddresses,
  standbyHasBackup,
  certificateWithKey,
  tlsHasHttps,
  ciphersKnown,
  tlsIsCurrent,
  upstreamIsNotGateway,
  isUsed,
  lanesForTenants,
  ownAuthority,
  lanesForNodes,
];
