/**
 * The cookie of a session. Browsers send a cookie to every port of a host, so its name has the port of the listener.
 * Over TLS the prefix `__Host-` keeps other hosts of the domain, and plain HTTP, from setting it; so a listener with
 * TLS reads no cookie without it.
 */
import type { HeaderLine } from "../../common/message.ts";

/** `port`: of the admin listener. `isSecure`: the browser uses https. */
export type CookiePlace = { readonly port: number; readonly isSecure: boolean };

/** `isTls`: whether it uses TLS itself. Without, it may be behind a proxy that does. */
export type Listener = { readonly port: number; readonly isTls: boolean };

type Kind = "ocsgw" | "ocsgw-known" | "ocsgw-login";

const nameOf = ({ port, isSecure }: CookiePlace, kind: Kind = "ocsgw"): string =>
  `${isSecure ? "__Host-" : ""}${kind}-${port}`;

const cookie = (value: string, place: CookiePlace, kind: Kind, site: "Strict" | "Lax" = "Strict"): HeaderLine => [
  "Set-Cookie",
  `${nameOf(place, kind)}=${value}; Path=/; HttpOnly; SameSite=${site}${place.isSecure ? "; Secure" : ""}`,
];

export const sessionCookie = (id: string, place: CookiePlace): HeaderLine => cookie(id, place, "ocsgw");

const KNOWN_S = 90 * 86_400;

/** Marks the browser as one in which this user logged in. It stays after logout. */
export const knownCookie = (mark: string, place: CookiePlace): HeaderLine => {
  const [name, value] = cookie(mark, place, "ocsgw-known");
  return [name, `${value}; Max-Age=${KNOWN_S}`];
};

/**
 * Binds a login through an OpenID provider to the browser that began it. It is sent when the provider sends the browser
 * back, which `SameSite=Strict` prevents; it opens nothing. `seconds`: how long the login may take.
 */
export const loginCookie = (id: string, place: CookiePlace, seconds: number): HeaderLine => {
  const [name, value] = cookie(id, place, "ocsgw-login", "Lax");
  return [name, `${value}; Max-Age=${seconds}`];
};

/** Removes the cookie, with either name. */
export const noCookies = (port: number): readonly HeaderLine[] =>
  [true, false].map((isSecure): HeaderLine => {
    const [name, value] = sessionCookie("", { port, isSecure });
    return [name, `${value}; Max-Age=0`];
  });

/** More than this many were not set by this console. */
const MOST_IDS = 8;

/**
 * The ids in the request. Where there are several, another port of the host may have set one of them: at most one can
 * be a session's.
 */
export const idsInCookies = (headers: readonly HeaderLine[], { port, isTls }: Listener): readonly string[] => {
  for (const isSecure of isTls ? [true] : [true, false]) {
    const ids = new Set(valuesOf(headers, nameOf({ port, isSecure })));
    if (ids.size > 0) return [...ids].slice(0, MOST_IDS);
  }
  return [];
};

/** The ids of a browser in which a login through the provider began; several if another port of the host set some. */
export const idsOfLogins = (headers: readonly HeaderLine[], { port, isTls }: Listener): readonly string[] =>
  (isTls ? [true] : [true, false])
    .flatMap((isSecure) => valuesOf(headers, nameOf({ port, isSecure }, "ocsgw-login")))
    .filter((id) => /^[\w-]{43}$/.test(id))
    .slice(0, MOST_IDS);

/** All marks in the request: each must prove itself. */
export const marksInCookies = (headers: readonly HeaderLine[], { port, isTls }: Listener): readonly string[] =>
  (isTls ? [true] : [true, false]).flatMap((isSecure) => valuesOf(headers, nameOf({ port, isSecure }, "ocsgw-known")));

const valuesOf = (headers: readonly HeaderLine[], name: string): readonly string[] =>
  headers
    .filter(([key]) => key.toLowerCase() === "cookie")
    .flatMap(([, value]) => value.split(";"))
    .map((pair) => pair.trim())
    .filter((pair) => pair.startsWith(`${name}=`))
    .map((pair) => pair.slice(name.length + 1));
