/**
 * Reads a token in compact form (RFC 7515) strictly: canonical base64url, no duplicate member, and no header that would
 * let the token choose its key or format. Nothing is verified here.
 */
import { scanJsonText, type JsonObject, type JsonValue } from "../../ocs/json.ts";
import { decodeJson } from "../../ocs/decode-json.ts";
import { isCanonicalBase64url } from "../base64.ts";
import { isKid } from "./jwk.ts";
import { RejectedCredential } from "../types.ts";

export type Claims = ReadonlyMap<string, JsonValue>;

export type Token = {
  readonly text: string;
  /** Undefined if the header has none. */
  readonly kid: string | undefined;
  /** The algorithm in the header; the key decides which one is used. */
  readonly algorithm: string;
  readonly claims: Claims;
};

/** Maximum length; a longer token is not even hashed. */
export const MAX_TOKEN = 16 * 1024;
const MAX_HEADER = 4 * 1024;
/** As deep and as many as a token of that length can have. */
const LIMITS = { depth: 16, members: 2048, anyKey: false } as const;

/** Headers that refer to a key, contain one, or change how the token is read. */
const FORBIDDEN = ["crit", "jku", "x5u", "x5c", "jwk", "b64", "zip", "enc"];
/** RFC 7519, section 5.1; RFC 9068, section 2.1. Media types are case-insensitive. */
const TYPES = new Set(["jwt", "application/jwt", "at+jwt", "application/at+jwt"]);

/** Throws RejectedCredential, or JsonFault for a malformed header or payload. */
export const readToken = (text: string): Token => {
  const [header, payload] = splitCompact(text);
  return { text, ...readHeader(header), claims: readObject(payload) };
};

/** Header, payload and signature in canonical base64url. Throws RejectedCredential. */
export const splitCompact = (text: string): readonly [header: string, payload: string, signature: string] => {
  const [header, payload, signature, ...more] = text.split(".", 4);
  if (signature === undefined || more.length > 0)
    throw new RejectedCredential("token-malformed", "the token does not have three parts");
  if (header!.length > MAX_HEADER) throw new RejectedCredential("token-malformed", "the token's header is too long");
  for (const part of [header, payload, signature])
    if (!isCanonicalBase64url(part))
      throw new RejectedCredential("token-malformed", "a part of the token is not canonical base64url");
  return [header!, payload!, signature];
};

/** Throws RejectedCredential or JsonFault. */
export const readHeader = (part: string): { readonly kid: string | undefined; readonly algorithm: string } => {
  const header = readObject(part);
  const forbidden = FORBIDDEN.find((name) => header.has(name));
  if (forbidden !== undefined)
    throw new RejectedCredential("token-malformed", `the token's header has the forbidden member ${forbidden}`);
  const type = header.get("typ");
  if (header.has("typ") && (typeof type !== "string" || !TYPES.has(type.toLowerCase())))
    throw new RejectedCredential("token-malformed", "the token's typ is not that of an access token");
  const kid = header.get("kid");
  if (header.has("kid") && !isKid(kid))
    throw new RejectedCredential("token-malformed", "the token's kid is not a text of 1 to 256 visible characters");
  const algorithm = header.get("alg");
  if (typeof algorithm !== "string") throw new RejectedCredential("token-algorithm", "the token names no algorithm");
  return { kid: kid as string | undefined, algorithm };
};

const readObject = (part: string): Claims => {
  const value = scanJsonText(decodeJson(Buffer.from(part, "base64url")), LIMITS);
  if (!isObject(value)) throw new RejectedCredential("token-malformed", "a part of the token is not a JSON object");
  return membersOf(value);
};

const membersOf = (object: JsonObject): Claims => {
  const members = new Map<string, JsonValue>();
  for (const { key, value } of object.members) {
    if (members.has(key)) throw new RejectedCredential("token-malformed", "the token has a duplicate member");
    refuseDuplicates(value);
    members.set(key, value);
  }
  return members;
};

const refuseDuplicates = (value: JsonValue): void => {
  if (isObject(value)) membersOf(value);
  else if (isArray(value)) for (const item of value.items) refuseDuplicates(item);
};

export const isObject = (value: JsonValue | undefined): value is JsonObject =>
  typeof value === "object" && value?.kind === "object";
export const isArray = (value: JsonValue | undefined): value is Extract<JsonValue, { kind: "array" }> =>
  typeof value === "object" && value?.kind === "array";
export const isFraction = (value: JsonValue | undefined): value is Extract<JsonValue, { kind: "fraction" }> =>
  typeof value === "object" && value?.kind === "fraction";
