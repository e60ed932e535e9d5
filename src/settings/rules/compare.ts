/** Comparisons for the rules: names as OCS might compare them, and upstreams by the addresses of their OCS. */
import type { ParsedParts, TenantAt } from "./parsed-parts.ts";

/** Removes differences of width, case and blanks: names with equal results might be confused by OCS or by a reader. */
export const fold = (name: string): string =>
  name.normalize("NFKC").toUpperCase().toLowerCase().normalize("NFKC").replaceAll(/\s+/gu, " ").trim();

/** All items with the key of an earlier item, each with the first item of that key. */
export const repeats = <Item>(
  items: readonly Item[],
  keyOf: (item: Item) => string,
): readonly { readonly first: Item; readonly again: Item }[] => {
  const firsts = new Map<string, Item>();
  return items.flatMap((item) => {
    const key = keyOf(item);
    const first = firsts.get(key);
    if (first !== undefined) return { first, again: item };
    firsts.set(key, item);
    return [];
  });
};

export const counted = (count: number, noun: string): string => `${count} ${noun}${count === 1 ? "" : "s"}`;

type Sites = {
  readonly upstreams: readonly { readonly name: string; readonly value: Addresses }[];
  readonly upstreamNames: readonly string[];
};
type Addresses = { readonly primary: string; readonly backup: string | null };

/** Upstream → the first upstream of the same OCS: upstreams that share an address, also indirectly, are one OCS. */
export const sitesOf = ({ upstreams, upstreamNames }: Sites): ReadonlyMap<string, string> => {
  const site = new Map(upstreamNames.map((name) => [name, name]));
  const holder = new Map<string, string>();
  for (const { name, value } of upstreams) {
    for (const address of [value.primary, value.backup]) {
      if (address === null) continue;
      const other = holder.get(hostAndPort(address));
      if (other === undefined) holder.set(hostAndPort(address), name);
      else merge(site, name, other);
    }
  }
  return site;
};

const merge = (site: Map<string, string>, name: string, other: string): void => {
  const [from, into] = [site.get(name), site.get(other)];
  for (const [each, of] of site) if (of === from && into !== undefined) site.set(each, into);
};

/** host:port of an origin; equal for http and https, because one port is one OCS. */
export const hostAndPort = (origin: string): string => {
  const { hostname, port, protocol } = new URL(origin);
  return `${hostname}:${port || (protocol === "https:" ? 443 : 80)}`;
};

type Neighbours = { readonly tenant: TenantAt; readonly other: TenantAt | undefined };

/** Each tenant with another tenant of the same OCS, also if their upstreams have different names. */
export const neighbours = (parts: ParsedParts): readonly Neighbours[] => {
  const sites = sitesOf(parts);
  const bySite = Map.groupBy(parts.tenants, ({ value }) => sites.get(value.upstream) ?? value.upstream);
  return [...bySite.values()].flatMap((tenants) =>
    tenants.map((tenant) => ({ tenant, other: tenants[0] === tenant ? tenants[1] : tenants[0] })),
  );
};
