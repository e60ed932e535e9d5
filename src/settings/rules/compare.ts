/** How rules compare: names as OCS might fold them, upstreams by the OCS they really lead to. */
import type { Facts } from "./facts.ts";

/** Two names that fold to the same text may be one and the same to OCS or to a reader: width, case and blanks do not count. */
export const fold = (name: string): string =>
  name.normalize("NFKC").toUpperCase().toLowerCase().normalize("NFKC").replaceAll(/\s+/gu, " ").trim();

/** Each item that repeats an earlier one's key, with that earlier one. */
export const repeats = <Item>(
  items: readonly Item[],
  keyOf: (item: Item) => string,
): readonly { readonly first: Item; readonly again: Item }[] => {
  const seen = new Map<string, Item>();
  return items.flatMap((item) => {
    const key = keyOf(item);
    const first = seen.get(key);
    if (first !== undefined) return { first, again: item };
    seen.set(key, item);
    return [];
  });
};

export const counted = (count: number, noun: string): string => `${count} ${noun}${count === 1 ? "" : "s"}`;

/** Upstream → the first upstream with which it shares an OCS address, directly or over others. What counts for isolation is the OCS, not our name for it. */
export const sitesOf = ({ upstreams, upstreamNames }: Facts): ReadonlyMap<string, string> => {
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

/** http and https to one port are one listener of OCS. */
export const hostAndPort = (origin: string): string => {
  const { hostname, port, protocol } = new URL(origin);
  return `${hostname}:${port || (protocol === "https:" ? 443 : 80)}`;
};
