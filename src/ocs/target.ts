/**
 * Converts between request targets such as "/records/15?req=RecordReject" and Operations. A target is matched against
 * one anchored pattern, decoded once, and encoded again for OCS. It may have origin form or absolute form (RFC 9112,
 * 3.2.1 and 3.2.2); the manual's examples have absolute form.
 */
import { CATALOG, findAction, findResource, type Action, type Resource } from "./catalog.ts";
import { IDENTIFIERS } from "./identifiers.ts";
import { Violation } from "./violation.ts";

export type Operation = {
  readonly action: Action;
  /** Decoded; undefined when a GET reads the whole resource. */
  readonly identifier: string | undefined;
};

export type Target = {
  readonly path: string;
  readonly query: string | undefined;
  /** host[:port] of an absolute-form target. */
  readonly authority: string | undefined;
};

const ABSOLUTE = /^[Hh][Tt][Tt][Pp][Ss]?:\/\/([^/?#]*)(\/[^?#]*)(?:\?([^#]*))?$/;
// RFC 3986, 3.3: a segment of unreserved, percent-encoded, sub-delims, ":" and "@". The first alternative is the fast
// path for segments without percent-encoding.
const PATH = /^\/([a-z_]+)(?:\/([A-Za-z0-9._~!$&'()*+,;=:@-]+|(?:[A-Za-z0-9._~!$&'()*+,;=:@-]|%[0-9A-Fa-f]{2})+))?$/;
const QUERY = /^req=([A-Za-z]+)$/;

/** The parts of a request target in origin or absolute form; undefined for other forms. */
export const splitTarget = (raw: string): Target | undefined => {
  if (raw.startsWith("/")) return splitOrigin(raw);
  const absolute = ABSOLUTE.exec(raw);
  return absolute ? { authority: absolute[1], path: absolute[2]!, query: absolute[3] } : undefined;
};

const splitOrigin = (raw: string): Target | undefined => {
  if (raw.includes("#")) return undefined;
  const mark = raw.indexOf("?");
  return {
    authority: undefined,
    path: mark < 0 ? raw : raw.slice(0, mark),
    query: mark < 0 ? undefined : raw.slice(mark + 1),
  };
};

/** Throws Violation: resource, method or action. */
export const readTarget = (method: string, raw: string): Operation => {
  const target = splitTarget(raw);
  const path = target && PATH.exec(target.path);
  const resource = path && findResource(path[1]!);
  if (!target || !resource)
    throw new Violation(
      "resource",
      `the path names no OCS resource; the resources are ${Object.keys(CATALOG)
        .map((name) => `/${name}`)
        .join(", ")}`,
    );
  const identifier = path[2] === undefined ? undefined : readIdentifier(resource, path[2]);
  const methods = methodsFor(resource, identifier);
  if (methods.length === 0)
    throw new Violation("resource", `the path must have a ${resource.identifier} after /${resource.name}/`);
  if (!methods.includes(method as "GET"))
    throw new Violation("method", `${resource.name} allows ${methods.join(" and ")} here`, { allow: methods });
  return {
    action: method === "GET" ? readStatus(resource, target.query) : readAction(resource, target.query),
    identifier,
  };
};

/** Path and query for OCS, in canonical spelling. */
export const writeTarget = ({ action, identifier }: Operation): string => {
  const path =
    identifier === undefined
      ? `/${action.resource}`
      : `/${action.resource}/${encode(identifier, action.resource === "phones")}`;
  return action.method === "GET" ? path : `${path}?req=${action.name}`;
};

const readIdentifier = (resource: Resource, encoded: string): string => {
  const kind = IDENTIFIERS[resource.identifier];
  const identifier = decode(encoded);
  if (identifier === undefined || !kind.is(identifier))
    throw new Violation("resource", `the identifier is not a ${resource.identifier}: expected ${kind.expected}`);
  return identifier;
};

/** Segments that need no percent-encoding. */
const LITERAL = /^[A-Za-z0-9._~!*'():@-]+$/;
const NUMBER = /^\+[0-9]+$/;

/**
 * Percent-encodes one segment, except for ":", "@" and the "+" at the start of a phone number. Another "+" is encoded,
 * because form decoding would read "a+b" as "a b", which may be another customer.
 */
const encode = (identifier: string, isContact: boolean): string =>
  LITERAL.test(identifier) || (isContact && NUMBER.test(identifier))
    ? identifier
    : encodeURIComponent(identifier).replaceAll(/%3A|%40/g, decodeURIComponent);

const decode = (encoded: string): string | undefined => {
  if (!encoded.includes("%")) return encoded;
  try {
    return decodeURIComponent(encoded);
  } catch {
    return undefined;
  }
};

const methodsFor = (resource: Resource, identifier: string | undefined): readonly string[] =>
  identifier !== undefined ? resource.methods : resource.collection ? ["GET"] : [];

const readStatus = (resource: Resource, query: string | undefined): Action => {
  if (query !== undefined) throw new Violation("action", "a GET takes no parameters");
  return resource.actions.ReadStatus!;
};

const readAction = (resource: Resource, query: string | undefined): Action => {
  const req = QUERY.exec(query ?? "")?.[1];
  const action = req === undefined ? undefined : findAction(resource, req);
  if (action) return action;
  const known = Object.values(resource.actions)
    .filter(({ method }) => method === "POST")
    .map(({ name }) => name)
    .join(", ");
  throw new Violation(
    "action",
    req === undefined
      ? `expected exactly one parameter, req, with one of these actions: ${known}`
      : `req is not an action of ${resource.name}; its actions are ${known}`,
  );
};
