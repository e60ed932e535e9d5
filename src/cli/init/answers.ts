/** What `ocsgw init` has to know, and how each part is written by a person: as an option or as an answer. */
import { hostname } from "node:os";
import { bind, cidr, dbid, isLoopback, keyName, label, name, origin } from "../../settings/schema/units.ts";

export type Tls =
  | { readonly kind: "none" }
  | { readonly kind: "development" }
  | { readonly kind: "files"; readonly cert: string; readonly key: string };

export type Records =
  | { readonly kind: "pre-dial"; readonly bind: string; readonly from: readonly string[] }
  | { readonly kind: "dedicated" | "unscoped" };

export type InitTenant = { readonly name: string; readonly dbid: number };
/** `tenants`: names. */
export type InitClient = { readonly name: string; readonly tenants: readonly string[] };

export type Answers = {
  /** Directory of the config, as given. */
  readonly dir: string;
  readonly primary: string;
  readonly backup: string | undefined;
  /** PEM file with the CA of OCS's certificate. */
  readonly upstreamCa: string | undefined;
  readonly allowPlaintext: boolean;
  readonly bind: string;
  readonly names: readonly string[];
  readonly tls: Tls;
  readonly tenants: readonly InitTenant[];
  readonly clients: readonly InitClient[];
  readonly records: Records;
  readonly admin: string;
  readonly origin: string;
};

/** What is wrong with an answer. */
export class BadAnswer extends Error {}

type Schema = {
  readonly safeParse: (text: string) => {
    readonly success: boolean;
    readonly error?: { readonly issues: readonly { readonly message: string }[] };
  };
};

const parsed = (schema: Schema, text: string): string => {
  const result = schema.safeParse(text);
  if (result.success) return text;
  throw new BadAnswer(`${result.error!.issues[0]!.message}, found ${JSON.stringify(text)}`);
};

export const parse = {
  label: (text: string): string => parsed(label, text),
  bind: (text: string): string => parsed(bind, text),
  cidr: (text: string): string => parsed(cidr, text),
  journal: (text: string): string => parsed(keyName, text),
  ocs: (text: string): string => {
    parsed(origin, text);
    return new URL(text).origin;
  },
  host: (text: string): string => {
    if (/^[A-Za-z0-9](?:[A-Za-z0-9.:-]{0,252}[A-Za-z0-9])?$/.test(text) && !/:\d{1,5}$/.test(text)) return text;
    throw new BadAnswer(`expected a host name or address without a port, found ${JSON.stringify(text)}`);
  },
  /** NAME:DBID. */
  tenant: (text: string): InitTenant => {
    const [, called, number] = /^(.+):(\d{1,10})$/s.exec(text) ?? [];
    if (called === undefined)
      throw new BadAnswer(
        `expected NAME:DBID, for example "Alpha Tenant:101", found ${JSON.stringify(text)}. The DBID of a tenant is ` +
          "shown in Genesys Administrator, and in the table cfg_tenant of the configuration database",
      );
    const id = Number(number);
    const result = dbid.safeParse(id);
    if (!result.success) throw new BadAnswer(`${result.error.issues[0]!.message}, found ${number}`);
    return { name: parsed(name, called), dbid: id };
  },
  /** NAME, a client of all tenants, or NAME:TENANT, where TENANT is a name or a DBID. */
  client: (text: string, tenants: readonly InitTenant[]): InitClient => {
    const at = text.indexOf(":");
    const called = parsed(label, at === -1 ? text : text.slice(0, at));
    if (at === -1) return { name: called, tenants: tenants.map((tenant) => tenant.name) };
    const wanted = text.slice(at + 1);
    const found = tenants.filter((tenant) => tenant.name === wanted || String(tenant.dbid) === wanted);
    if (found.length === 1) return { name: called, tenants: [found[0]!.name] };
    const known = tenants.map((tenant) => tenant.name).join(", ");
    throw new BadAnswer(
      found.length === 0
        ? `${called}: unknown tenant ${JSON.stringify(wanted)}; known: ${known}`
        : `${called}: ${wanted} is the name of one tenant and the DBID of another; use the other one of both`,
    );
  },
} as const;

/** Refuses tenants with the same name or DBID. */
export const distinct = (tenants: readonly InitTenant[]): readonly InitTenant[] => {
  for (const [at, { name: called, dbid: id }] of tenants.entries()) {
    const before = tenants.slice(0, at);
    if (before.some((other) => other.name === called)) throw new BadAnswer(`two tenants have the name ${called}`);
    if (before.some((other) => other.dbid === id)) throw new BadAnswer(`two tenants have the DBID ${id}`);
  }
  return tenants;
};

/** One entry for each client, with all its tenants. */
export const joined = (clients: readonly InitClient[]): readonly InitClient[] =>
  [...Map.groupBy(clients, (client) => client.name)].map(([called, same]) => ({
    name: called,
    tenants: [...new Set(same.flatMap(({ tenants }) => tenants))],
  }));

export const DEFAULTS = {
  dir: "config",
  bind: "127.0.0.1:8443",
  admin: "127.0.0.1:9640",
  journal: () =>
    `${hostname()
      .toLowerCase()
      .replaceAll(/[^a-z0-9.-]/g, "-")}/ocs-gateway`,
} as const;

export const hostOf = (bound: string): string => bound.slice(0, bound.lastIndexOf(":"));

/** Without TLS only on this machine. */
export const defaultTls = (bound: string): "none" | undefined => (isLoopback(hostOf(bound)) ? "none" : undefined);

/** The listener for OCS's announcements: the host of the clients' listener, on a port of its own. */
export const callbacksBind = (bound: string): string => `${hostOf(bound)}:${bound.endsWith(":8444") ? "8445" : "8444"}`;

/** The networks of the OCS hosts, when their addresses tell; undefined for host names. */
export const networksOf = (addresses: readonly string[]): readonly string[] | undefined => {
  const hosts = addresses.map((address) => new URL(address).hostname.replace(/^\[|\]$/g, ""));
  const networks = hosts.map((host) => {
    if (isLoopback(host)) return host.includes(":") ? "::1/128" : "127.0.0.0/8";
    return cidr.safeParse(host).success ? `${host}/${host.includes(":") ? 128 : 32}` : undefined;
  });
  return networks.every((each) => each !== undefined) ? [...new Set(networks)] : undefined;
};

/** Plain HTTP to an OCS on another host. */
export const isPlainOverNetwork = (address: string): boolean =>
  address.startsWith("http:") && !isLoopback(new URL(address).hostname);
