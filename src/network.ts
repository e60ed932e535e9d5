/** Addresses as limits count them, and as they are compared. */
import { isIP, type BlockList } from "node:net";

/** One holder of IPv6 addresses has a /64 of them at least. */
export const networkOf = (source: string): string => {
  if (!source.includes(":") || source.startsWith("::ffff:")) return source;
  const [before = [], after = []] = source.split("::").map((part) => part.split(":").filter((group) => group !== ""));
  const zeros = Array.from({ length: Math.max(0, 8 - before.length - after.length) }, () => "0");
  return [...before, ...zeros, ...after].slice(0, 4).join(":");
};

/** An IPv4 address that came over IPv6 as what it is; IPv6 in one spelling (RFC 5952). */
export const plainAddress = (address: string): string => {
  const v4 = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address)?.[1];
  if (v4 !== undefined || !address.includes(":")) return v4 ?? address;
  const spelled = URL.parse(`http://[${address}]`)?.hostname.slice(1, -1);
  return spelled ?? address;
};

export const isWithin = (networks: BlockList, address: string): boolean => {
  const plain = plainAddress(address);
  return isIP(plain) !== 0 && networks.check(plain, plain.includes(":") ? "ipv6" : "ipv4");
};
