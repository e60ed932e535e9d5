/** IP addresses: canonical form, and the network to which per-client limits apply. */
import { isIP, type BlockList } from "node:net";

/** The network to which limits apply: an IPv4 address itself, or the /64 of an IPv6 address. */
export const networkOf = (address: string): string => {
  if (!address.includes(":")) return address;
  const ipv4 = mappedIpv4(address);
  if (ipv4 !== undefined) return ipv4;
  const [before = [], after = []] = address.split("::").map((part) => part.split(":").filter((group) => group !== ""));
  const zeros = Array.from({ length: Math.max(0, 8 - before.length - after.length) }, () => "0");
  return [...before, ...zeros, ...after].slice(0, 4).join(":");
};

/** Canonical form: an IPv4-mapped IPv6 address becomes IPv4; other IPv6 addresses follow RFC 5952. */
export const plainAddress = (address: string): string => {
  if (!address.includes(":")) return address;
  const ipv4 = mappedIpv4(address);
  if (ipv4 !== undefined) return ipv4;
  const spelled = URL.parse(`http://[${address}]`)?.hostname.slice(1, -1) ?? address;
  return mappedIpv4(spelled) ?? spelled;
};

export const isWithin = (networks: BlockList, address: string): boolean => {
  const plain = plainAddress(address);
  return isIP(plain) !== 0 && networks.check(plain, plain.includes(":") ? "ipv6" : "ipv4");
};

/** RFC 4291, 2.5.5.2. A socket writes the last 32 bits as IPv4, a URL parser as two groups. */
const MAPPED = /^::ffff:(?:(\d+\.\d+\.\d+\.\d+)|([0-9a-f]{1,4}):([0-9a-f]{1,4}))$/i;

const mappedIpv4 = (address: string): string | undefined => {
  const [, dotted, high, low] = MAPPED.exec(address) ?? [];
  if (high === undefined || low === undefined) return dotted;
  const groups = [high, low].map((group) => Number.parseInt(group, 16));
  return groups.flatMap((group) => [group >> 8, group & 0xff]).join(".");
};
