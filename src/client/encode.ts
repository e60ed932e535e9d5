/** Writes requests. Throws TypeError for what no request can contain; the gateway judges the values. */
import { Buffer } from "node:buffer";
import { ATTRIBUTE_NAMES, type ActionRow } from "./generated/table.ts";

export type Identifier = string | number | bigint;
/** GSW_ names of the action, and `fields`: the user-defined fields of the calling list. */
export type Body = Readonly<Record<string, unknown>>;

type Head = { readonly host: string; readonly headers: readonly (readonly [name: string, value: string])[] };

/** `identifier`: undefined for a GET of the whole resource. */
export const encodeRequest = (
  row: ActionRow,
  identifier: string | undefined,
  body: string,
  { host, headers }: Head,
): Uint8Array => {
  const path = identifier === undefined ? `/${row.resource}` : `/${row.resource}/${identifier}`;
  const isGet = row.method === "GET";
  const lines = [
    `${row.method} ${isGet ? path : `${path}?req=${row.req}`} HTTP/1.1`,
    `Host: ${host}`,
    ...headers.map(([name, value]) => `${name}: ${value}`),
    "Accept: application/problem+json",
    ...(body === "" ? [] : ["Content-Type: application/json"]),
    ...(isGet ? [] : [`Content-Length: ${Buffer.byteLength(body)}`]),
  ];
  return Buffer.from(`${lines.join("\r\n")}\r\n\r\n${body}`, "utf8");
};

/** One segment of a path, percent-encoded; the + in front of a phone number stays. */
export const encodeIdentifier = (identifier: unknown, what: string): string => {
  if (typeof identifier !== "string" && typeof identifier !== "number" && typeof identifier !== "bigint")
    throw new TypeError(`${what}: expected a string or a whole number`);
  const text = wholeOrText(identifier, what);
  if (text === "" || text === "." || text === "..") throw new TypeError(`${what}: "${text}" names nothing`);
  const encoded = percentEncoded(text);
  if (encoded === undefined) throw new TypeError(`${what}: half of a surrogate pair`);
  return /^%2B[0-9]+$/.test(encoded) ? encoded.replace("%2B", "+") : encoded;
};

const percentEncoded = (text: string): string | undefined => {
  try {
    return encodeURIComponent(text);
  } catch {
    return undefined;
  }
};

const wholeOrText = (value: Identifier, what: string): string => {
  if (typeof value === "number" && !Number.isSafeInteger(value)) throw new TypeError(`${what}: not a whole number`);
  return `${value}`;
};

/** JSON with exact integers; empty if there are no attributes. */
export const encodeBody = (row: ActionRow, body: unknown): string => {
  if (body === undefined) return requireAll(row, new Map());
  if (typeof body !== "object" || body === null || Array.isArray(body))
    throw new TypeError(`${row.req}: expected an object of attributes`);
  const { fields, ...attributes } = body as { readonly fields?: unknown };
  const members = new Map<string, string>();
  for (const [name, value] of present(attributes)) {
    if (!ATTRIBUTE_NAMES.has(name)) {
      const hint = row.fields && !/^gsw_/i.test(name) ? "; a field of the calling list belongs into fields: { … }" : "";
      throw new TypeError(`${row.req}: ${name} is no attribute of OCS${hint}`);
    }
    members.set(name, encodeValue(name, value));
  }
  for (const [name, value] of present(fieldsIn(row, fields))) {
    if (/^gsw_/i.test(name)) throw new TypeError(`${name} is no field of a calling list: GSW_ names are OCS's own`);
    members.set(name, encodeScalar(name, value));
  }
  return requireAll(row, members);
};

const fieldsIn = (row: ActionRow, fields: unknown): object => {
  if (fields === undefined) return {};
  if (!row.fields) throw new TypeError(`${row.req} on ${row.resource} takes no fields of a calling list`);
  if (typeof fields !== "object" || fields === null || Array.isArray(fields))
    throw new TypeError("fields: expected an object");
  return fields;
};

/** Members with a value; null means absent, as for the gateway. */
const present = (from: object): [string, unknown][] =>
  Object.entries(from).filter(([, value]) => value !== undefined && value !== null);

const requireAll = (row: ActionRow, members: ReadonlyMap<string, string>): string => {
  const missing = row.required.filter((name) => !members.has(name));
  if (missing.length > 0) throw new TypeError(`${row.req} on ${row.resource} needs ${missing.join(", ")}`);
  const texts = [...members].map(([name, value]) => `${JSON.stringify(name)}:${value}`);
  return texts.length === 0 ? "" : `{${texts.join(",")}}`;
};

/** GSW_CM_AttrProperties is an object. */
const encodeValue = (name: string, value: unknown): string =>
  typeof value === "object" && value !== null && Object.getPrototypeOf(value) === Object.prototype
    ? JSON.stringify(value)
    : encodeScalar(name, value);

const encodeScalar = (name: string, value: unknown): string => {
  if (typeof value === "bigint") return value.toString();
  if (typeof value === "number" && Number.isSafeInteger(value)) return `${value}`;
  if (typeof value === "string") return JSON.stringify(value);
  throw new TypeError(`${name}: expected a string or a whole number`);
};
