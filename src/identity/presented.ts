/**
 * Reads the claims of unverified credentials, so that an operator can find the refused client. They are not trusted and
 * contain no secret: an API key in the place of a client's name is omitted.
 */
import type { PresentedCredential } from "./credential-sources.ts";
import { MAX_TOKEN } from "./jwt/token.ts";

/** As the client wrote them. */
export type PresentedClaims = {
  readonly client?: string;
  readonly kid?: string;
  /** A token's `iss`. */
  readonly issuer?: string;
};

const NAME = /^[A-Za-z0-9][A-Za-z0-9 ._@-]{0,63}$/;
/** API keys of the gateway and of the sandbox, and likely secrets: texts longer than names, or a UUID. */
const SECRET = /^(?:ocsgw|sk)_|[A-Za-z0-9]{24}|[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}/i;

/** True for text, such as a part of a path, that may be a credential. */
export const looksSecret = (text: string): boolean => SECRET.test(text);

const KID = /^[!-~]{1,64}$/;
const ISSUER = /^[!-~]{1,200}$/;
/** A token's header has an algorithm and a key id; a longer one is not read. */
const MOST_HEADER = 1024;

type Known = {
  /** True for an API key of the keys file. */
  readonly isKey: (text: string) => boolean;
  /** The claim that names the client, by `iss`. */
  readonly clientClaimOf: (issuer: string) => string | undefined;
};

export const presentedClaims = (
  presented: readonly PresentedCredential[],
  { isKey, clientClaimOf }: Known,
): PresentedClaims => {
  const isName = (text: unknown): text is string =>
    typeof text === "string" && NAME.test(text) && !SECRET.test(text) && !isKey(text);
  const tokens = presented.flatMap((each) =>
    each.kind === "jwt" && each.text.length <= MAX_TOKEN ? [claimsOf(each.text)] : [],
  );
  const users = presented.map((each) => (each.kind === "key" ? each.user : undefined));
  const clients = tokens.map(({ issuer, claims }) => claims?.[(issuer !== undefined && clientClaimOf(issuer)) || ""]);
  const client = [...users, ...clients].find(isName);
  const kid = tokens.find((token) => token.kid !== undefined)?.kid;
  const issuer = tokens.find((token) => token.issuer !== undefined)?.issuer;
  return {
    ...(client !== undefined && { client }),
    ...(kid !== undefined && { kid }),
    ...(issuer !== undefined && { issuer }),
  };
};

type Members = { readonly [name: string]: unknown };
type TokenClaims = {
  readonly kid: string | undefined;
  readonly issuer: string | undefined;
  readonly claims: Members | undefined;
};

const claimsOf = (token: string): TokenClaims => {
  const [header = "", payload = ""] = token.split(".", 2);
  const claims = objectIn(payload);
  return {
    kid: textIn(header.length > MOST_HEADER ? undefined : objectIn(header), "kid", KID),
    issuer: textIn(claims, "iss", ISSUER),
    claims,
  };
};

const textIn = (members: Members | undefined, name: string, form: RegExp): string | undefined => {
  const value = members?.[name];
  return typeof value === "string" && form.test(value) ? value : undefined;
};

/** JSON.parse takes milliseconds for thousands of nested containers. */
const MOST_CONTAINERS = 64;
const [BRACKET, BRACE] = [0x5b, 0x7b];

const isFlat = (bytes: Uint8Array): boolean => {
  let containers = 0;
  for (const byte of bytes) if ((byte === BRACKET || byte === BRACE) && ++containers > MOST_CONTAINERS) return false;
  return true;
};

const objectIn = (part: string): Members | undefined => {
  const bytes = Buffer.from(part, "base64url");
  if (!isFlat(bytes)) return undefined;
  try {
    const value: unknown = JSON.parse(bytes.toString("utf8"));
    return typeof value === "object" && value !== null ? (value as Members) : undefined;
  } catch {
    return undefined;
  }
};
