/** What a URL with unknown parts says: its host, whether it leads to OCS, and the target of the request. */
import { CATALOG, findAction, findResource, type Resource } from "../ocs/catalog.ts";
import { IDENTIFIERS } from "../ocs/identifiers.ts";
import type { Part } from "./calls.ts";
import { isMarked, MARK, URI_MARK, withMarks } from "./holes.ts";
import { nearestName } from "./names.ts";

export type Url = {
  /** host[:port] in lower case; undefined if the address is unknown or not written. */
  readonly authority: string | undefined;
  readonly scheme: "http" | "https" | undefined;
  /** user:password of the address, as written. */
  readonly user: string | undefined;
  /** The running program knows where the address leads. */
  readonly isOpen: boolean;
  /** The address is the one in GSW_RECORD_URI. */
  readonly fromRecordUri: boolean;
  /** The path without what an unknown address may bring; begins with "/", or is empty. */
  readonly path: string;
  readonly query: string | undefined;
};

/** What may stand before the path: nothing, a host without a scheme, or what the running program knows. */
const HOST_OR_UNKNOWN = /^[\w.:@\uF8FE\uF8FF[\]-]*$/;
const NO_URL: Url = {
  authority: "",
  scheme: undefined,
  user: undefined,
  isOpen: false,
  fromRecordUri: false,
  path: "",
  query: undefined,
};

export const readUrl = (parts: readonly Part[]): Url => {
  const whole = withMarks(parts).trim();
  const [beforeHash = ""] = whole.split("#", 1);
  const mark = beforeHash.indexOf("?");
  const before = mark < 0 ? beforeHash : beforeHash.slice(0, mark);
  const query = mark < 0 ? undefined : beforeHash.slice(mark + 1);
  const absolute = /^(https?):\/\/([^/]*)/i.exec(before);
  if (absolute) {
    const [all, scheme, authority = ""] = absolute;
    const at = authority.lastIndexOf("@");
    const host = authority.slice(at + 1).toLowerCase();
    return {
      authority: isMarked(host) ? undefined : host,
      scheme: scheme!.toLowerCase() as "http" | "https",
      user: at < 0 ? undefined : authority.slice(0, at),
      isOpen: isMarked(host),
      fromRecordUri: authority.startsWith(URI_MARK),
      path: before.slice(all.length),
      query,
    };
  }
  const slash = before.indexOf("/");
  const head = slash < 0 ? before : before.slice(0, slash);
  if (!HOST_OR_UNKNOWN.test(head)) return NO_URL;
  const isHost = head !== "" && !isMarked(head) && head.includes(":");
  return {
    authority: isHost ? head.toLowerCase() : undefined,
    scheme: undefined,
    user: undefined,
    isOpen: isMarked(head),
    fromRecordUri: head.startsWith(URI_MARK),
    path: slash < 0 ? "" : before.slice(slash),
    query,
  };
};

/** `isOcs`: the call goes to OCS or the gateway. `maybe`: only the running program knows. */
export type Destination = "ocs" | "maybe" | "elsewhere";

/** Ports that an address has when it names none. */
const PORTS = { http: "80", https: "443" } as const;

/** The address with its port, as the lists of addresses have it. */
export const withPort = (authority: string, scheme: "http" | "https" | undefined): string =>
  /:\d+$/.test(authority) ? authority : `${authority}:${PORTS[scheme ?? "http"]}`;

const REQ = /(?:^|&)req=/i;

/** Where a call goes: by its address, else by a path and a `req` that only OCS has. */
export const destinationOf = (url: Url, isKnownAddress: (url: Url) => boolean): Destination => {
  if (url.fromRecordUri || isKnownAddress(url)) return "ocs";
  const { path, query } = url;
  const resource = resourceIn(path);
  const hasReq = query !== undefined && REQ.test(query);
  if (resource && hasReq && (url.isOpen || isLikeOcs(path, query))) return "ocs";
  if (resource?.name === "campaigngroups") return "ocs";
  if (hasReq && isActionOfOcs(query)) return "ocs";
  if (!url.isOpen || (query !== undefined && !isMarked(query))) return "elsewhere";
  // The address and the rest are unknown, or an unknown address is followed by a name that OCS has too.
  return path === "" || path.startsWith(`/${MARK}`) || resource ? "maybe" : "elsewhere";
};

/** The resource that the path names, in its first segment or behind a prefix. */
export const resourceIn = (path: string): Resource | undefined =>
  path
    .split("/")
    .slice(1, 6)
    .map((segment) => findResource(segment))
    .find((found) => found !== undefined);

/** At a written address that nobody named, other services have lists and records too, and a parameter req. */
const isLikeOcs = (path: string, query: string): boolean => {
  const [, first = "", identifier] = path.split("/");
  const resource = findResource(first);
  if (resource && (identifier === undefined || identifier === "" || isMarked(identifier))) return true;
  if (resource && isIdentifier(resource, identifier!)) return true;
  const req = new URLSearchParams(query).get("req") ?? "";
  // Two edits make another word of a short one.
  return isMarked(req) || nearestName(req, ACTIONS, req.length < 8 ? 1 : 2) !== undefined;
};

const ACTIONS: readonly string[] = Object.values(CATALOG).flatMap(({ actions }) => Object.keys(actions));

const isIdentifier = ({ identifier: kind }: Resource, written: string): boolean => {
  try {
    return IDENTIFIERS[kind].is(decodeURIComponent(written));
  } catch {
    return false;
  }
};

const isActionOfOcs = (query: string): boolean => {
  const req = new URLSearchParams(query).get("req") ?? "";
  return req.length > 3 && Object.values(CATALOG).some((resource) => findAction(resource, req) !== undefined);
};
