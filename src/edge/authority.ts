/** Which authorities, host or host:port, a listener answers to. Names are compared without case; a port, where one stands, must be right. */
import { isIP } from "node:net";

export type AuthorityRules = {
  /** host or host:port, as configured, from the certificate, or an upstream's alias. */
  readonly names: readonly string[];
  readonly port: number;
  /** The scheme's own port, which may be left out. */
  readonly loopback: boolean;
};

const AUTHORITY = /^(\[[0-9A-Fa-f:.]+\]|[^:@[\]\s/?#]+)(?::([0-9]{1,5}))?$/;
const LOOPBACK = ["localhost", "127.0.0.1", "[::1]"];

export const ownAuthorities = ({ names, port, loopback }: AuthorityRules): ((authority: string) => boolean) => {
  const exact = new Set<string>();
  const wildcards: string[] = [];
  for (const name of [...names.map(bracketed), ...(loopback ? LOOPBACK : [])]) {
    const [, host, stated] = AUTHORITY.exec(name.toLowerCase()) ?? [];
    if (host === undefined) continue;
    if (host.startsWith("*.")) wildcards.push(host.slice(1));
    for (const form of stated === undefined ? [host, `${host}:${port}`] : [`${host}:${stated}`, ...(isStandard(stated) ? [host] : [])]) exact.add(form);
  }
  return (authority) => {
    const lower = authority.toLowerCase();
    return exact.has(lower) || (wildcards.length > 0 && matchesWildcard(lower, wildcards, port));
  };
};

const isStandard = (port: string): boolean => port === "80" || port === "443";

const bracketed = (name: string): string => (isIP(name) === 6 ? `[${name}]` : name);

/** A certificate's wildcard stands for one label (RFC 6125). */
const matchesWildcard = (authority: string, wildcards: readonly string[], port: number): boolean => {
  const [, host = "", stated] = AUTHORITY.exec(authority) ?? [];
  if (stated !== undefined && Number(stated) !== port) return false;
  const dot = host.indexOf(".");
  return dot > 0 && wildcards.includes(host.slice(dot));
};
