/**
 * Refuses requests that a browser sends for another site. The listener has checked Host against its names before: that
 * is what stops DNS rebinding. This check is for sites that a browser lets send requests here under the right name. A
 * program that is no browser sends none of these headers.
 */
import { headerOf, type Arrival, type HeaderLine } from "../../common/message.ts";

type Asked = Pick<Arrival, "method" | "headers">;

/** `isTls`: whether the listener uses TLS. `isPage`: a page without data, to which other sites may link. */
type How = { readonly isTls: boolean; readonly isPage: boolean };

/** Why the request is refused; undefined if it is not. */
export const crossSiteFault = (asked: Asked, { isTls, isPage }: How): string | undefined => {
  const { headers } = asked;
  const origins = valuesOf(headers, "Origin");
  if (origins.length > 1) return "several Origin headers";
  if (origins.length === 1 && !isOwn(origins[0]!, headerOf(headers, "Host"), isTls))
    return "another site sent this request (Origin)";
  const site = headerOf(headers, "Sec-Fetch-Site");
  if (site === undefined || site === "same-origin" || site === "none") return undefined;
  return isPage && isNavigation(asked) ? undefined : "another site sent this request (Sec-Fetch-Site)";
};

const valuesOf = (headers: readonly HeaderLine[], name: string): readonly string[] =>
  headers.filter(([key]) => key.toLowerCase() === name.toLowerCase()).map(([, value]) => value);

const isNavigation = ({ method, headers }: Asked): boolean =>
  method === "GET" &&
  headerOf(headers, "Sec-Fetch-Mode") === "navigate" &&
  headerOf(headers, "Sec-Fetch-Dest") === "document";

/** Without TLS of its own, the listener may be behind a proxy that has. */
const isOwn = (origin: string, host: string | undefined, isTls: boolean): boolean => {
  const schemes = isTls ? ["https"] : ["http", "https"];
  return host !== undefined && schemes.some((scheme) => originOf(`${scheme}://${host}`) === origin.toLowerCase());
};

/** As a browser writes it: without the port that the scheme has anyway. */
const originOf = (url: string): string | undefined => (URL.canParse(url) ? new URL(url).origin : undefined);

/** Whether the browser uses https: it says so in Origin, which it sends with every POST. */
export const usesHttps = ({ headers }: Pick<Arrival, "headers">, isTls: boolean): boolean =>
  isTls || headerOf(headers, "Origin")?.toLowerCase().startsWith("https:") === true;
