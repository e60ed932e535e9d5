/** Finds the client address behind trusted proxies. Each proxy is trusted only for the one header listed for it. */
import { isIP, type BlockList } from "node:net";
import { isWithin, plainAddress } from "../../common/net-address.ts";
import type { HeaderLine } from "../../common/message.ts";

export type ProxyHeaderKind = "proxy-protocol" | "forwarded" | "x-forwarded-for";

export type TrustedProxies = readonly { readonly from: BlockList; readonly sends: ProxyHeaderKind }[];

/** The header in which the proxy at this address names its client; undefined if it is not a trusted proxy. */
export const headerOfProxy = (proxies: TrustedProxies, address: string): ProxyHeaderKind | undefined =>
  proxies.find(({ from }) => isWithin(from, address))?.sends;

/**
 * The client's address: the rightmost in the chain that is not a trusted proxy writing this header. Entries left of it
 * may be forged. An entry that is not an address ends the chain: the proxy that wrote it counts as the client.
 */
export const clientAddress = (proxies: TrustedProxies, peer: string, headers: readonly HeaderLine[]): string => {
  const kind = headerOfProxy(proxies, peer);
  if (kind === undefined || kind === "proxy-protocol") return peer;
  // Line by line: an unclosed quote of a client must not reach into the line that the proxy adds.
  const read = kind === "forwarded" ? forwardedFor : (value: string) => value.split(",").map((each) => each.trim());
  const chain = headers.flatMap(([name, value]) => (name.toLowerCase() === kind ? read(value) : []));
  let client = peer;
  for (const each of chain.toReversed()) {
    const address = addressIn(each);
    if (address === undefined) return client;
    client = address;
    if (headerOfProxy(proxies, address) !== kind) return client;
  }
  return client;
};

/** The `for` of each element in one line of `Forwarded` (RFC 7239); "" for an element without one. */
const forwardedFor = (line: string): readonly string[] => {
  // An unclosed quote makes the whole line invalid.
  const elements = splitOutsideQuotes(line, ",") ?? [""];
  return elements.map((element) => {
    const pair = splitOutsideQuotes(element, ";")?.find((each) => /^\s*for=/i.test(each));
    const value = pair?.slice(pair.indexOf("=") + 1).trim() ?? "";
    return value.startsWith('"') ? value.slice(1, -1).replaceAll(/\\(.)/g, "$1") : value;
  });
};

/** In one pass, because a client may have written the text. Undefined when a quote is not closed. */
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

/** An address, also with brackets or a port; undefined for `unknown`, an obfuscated name and anything else. */
const addressIn = (text: string): string | undefined => {
  const [, bracketed, plain] = /^\[([0-9A-Fa-f:.]+)\](?::\d{1,5})?$|^([0-9.]+)(?::\d{1,5})?$/.exec(text) ?? [];
  const address = bracketed ?? plain ?? text;
  return isIP(address) === 0 || address.includes("%") ? undefined : plainAddress(address);
};
