/**
 * From whom a request is that came through a proxy of ours: only what listed proxies say counts, in the one way that each
 * is listed for.
 */
import { isIP, type BlockList } from "node:net";
import { isWithin, plainAddress } from "../network.ts";
import type { HeaderLine } from "../message.ts";

export type ProxyWay = "proxy-protocol" | "forwarded" | "x-forwarded-for";

export type TrustedProxies = readonly { readonly from: BlockList; readonly sends: ProxyWay }[];

/** How the proxy at this address says whom it speaks for; undefined for who is no proxy of ours. */
export const wayOf = (proxies: TrustedProxies, address: string): ProxyWay | undefined =>
  proxies.find(({ from }) => isWithin(from, address))?.sends;

/**
 * The client's address: the last one in the chain that is no proxy of ours, or one of ours that does not write this
 * header. What stands before it is the client's own word. Where the chain ends in what is no address, its last proxy
 * stands for the client.
 */
export const clientBehind = (proxies: TrustedProxies, peer: string, headers: readonly HeaderLine[]): string => {
  const way = wayOf(proxies, peer);
  if (way === undefined || way === "proxy-protocol") return peer;
  // Line by line: a quote that a client does not end must not reach into the line that the proxy adds.
  const read = way === "forwarded" ? forwardedFor : (value: string) => value.split(",").map((each) => each.trim());
  const chain = headers.flatMap(([name, value]) => (name.toLowerCase() === way ? read(value) : []));
  let client = peer;
  for (const each of chain.toReversed()) {
    const address = addressIn(each);
    if (address === undefined) return client;
    client = address;
    if (wayOf(proxies, address) !== way) return client;
  }
  return client;
};

/** `for` of each element in one line of RFC 7239's header; an element without one names nobody. */
const forwardedFor = (value: string): readonly string[] => {
  // Quotes that do not end make all of the line unreadable, which is for whoever wrote it.
  const elements = splitOutsideQuotes(value, ",") ?? [""];
  return elements.map((element) => {
    const pair = splitOutsideQuotes(element, ";")?.find((each) => /^\s*for=/i.test(each));
    const said = pair?.slice(pair.indexOf("=") + 1).trim() ?? "";
    return said.startsWith('"') ? said.slice(1, -1).replaceAll(/\\(.)/g, "$1") : said;
  });
};

/** In one pass, because a client may have written it. Undefined where quotes do not end. */
const splitOutsideQuotes = (text: string, separator: "," | ";"): string[] | undefined => {
  const parts: string[] = [];
  let [start, isQuoted] = [0, false];
  for (let at = 0; at < text.length; at++) {
    const character = text[at];
    if (character === '"') isQuoted = !isQuoted;
    else if (character === "\\" && isQuoted) at++;
    else if (character === separator && !isQuoted) {
      parts.push(text.slice(start, at));
      start = at + 1;
    }
  }
  return isQuoted ? undefined : [...parts, text.slice(start)];
};

/** An address, with a port or brackets or without; undefined for `unknown`, an obfuscated name, and all else. */
const addressIn = (text: string): string | undefined => {
  const [, bracketed, plain] = /^\[([0-9A-Fa-f:.]+)\](?::\d{1,5})?$|^([0-9.]+)(?::\d{1,5})?$/.exec(text) ?? [];
  const address = bracketed ?? plain ?? text;
  return isIP(address) === 0 || address.includes("%") ? undefined : plainAddress(address);
};
