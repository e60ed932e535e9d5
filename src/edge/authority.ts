/** Which authorities (host or host:port) a listener answers to. Names are compared without case; a port must match. */
import { isIP } from "node:net";

export type AuthorityRules = {
  /** host or host:port: configured, from the certificate, or an alias of an upstream. */
  readonly names: readonly string[];
  readonly port: number;
  /** True if the client is connected to a loopback address: then localhost and its addresses are accepted too. */
  readonly loopback: boolean;
};

const AUTHORITY = /^(\[[0-9A-Fa-f:.]+\]|[^:@[\]\s/?#]+)(?::([0-9]{1,5}|\*)?)?$/;
/** `name:*` accepts any port, because the published port may be known to a proxy or a container's host only. */
const ANY_PORT = "*";
const LOOPBACK = ["localhost", "127.0.0.1", "[::1]"];

export const ownAuthorities = ({ names, port, loopback }: AuthorityRules): ((authority: string) => boolean) => {
  const exact = new Set<string>();
  const anyPort = new Set<string>();
  const wildcards: string[] = [];
  for (const name of [...names.map(bracketed), ...(loopback ? LOOPBACK : [])]) {
    const [, host, stated] = AUTHORITY.exec(name.toLowerCase()) ?? [];
    if (host === undefined) continue;
    if (host.startsWith("*.")) wildcards.push(host.slice(1));
    if (stated === ANY_PORT) {
      anyPort.add(host);
      continue;
    }
    for (const form of stated === undefined
      ? [host, `${host}:${port}`]
      : [`${host}:${stated}`, ...(isStandard(stated) ? [host] : [])])
      exact.add(form);
  }
  return (authority) => {
    const lower = authority.toLowerCase();
    if (exact.has(lower)) return true;
    const parsed = canonical(lower);
    if (parsed === undefined) return false;
    const { host, stated } = parsed;
    return (
      exact.has(stated === undefined ? host : `${host}:${stated}`) ||
      anyPort.has(host) ||
      matchesWildcard(parsed, wildcards, port)
    );
  };
};

type Authority = { readonly host: string; readonly stated: string | undefined };

/** Without the trailing dot of a fully qualified name (RFC 1034, 3.1) and a colon without a port (RFC 3986, 3.2.3). */
const canonical = (authority: string): Authority | undefined => {
  const [, host = "", stated] = AUTHORITY.exec(authority) ?? [];
  const name = host.endsWith(".") ? host.slice(0, -1) : host;
  return name === "" || name.endsWith(".") || stated === ANY_PORT || (host !== name && isIP(name) !== 0)
    ? undefined
    : { host: name, stated };
};

const isStandard = (port: string): boolean => port === "80" || port === "443";

const bracketed = (name: string): string => (isIP(name) === 6 ? `[${name}]` : name);

/** A certificate's wildcard matches one label (RFC 6125). */
const matchesWildcard = ({ host, stated }: Authority, wildcards: readonly string[], port: number): boolean => {
  if (wildcards.length === 0) return false;
  if (stated !== undefined && Number(stated) !== port) return false;
  const dot = host.indexOf(".");
  return dot > 0 && wildcards.includes(host.slice(dot));
};
