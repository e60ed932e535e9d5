/**
 * What credentials say of themselves, verified or not: for the operator who looks for the client that cannot come in.
 * Nothing of it is believed, and nothing of it may be a secret: an API key that stands in the place of a client's name
 * is not told.
 */
import type { Presented } from "./carriers.ts";

/** Texts as the client wrote them. */
export type Claimed = { readonly client?: string; readonly kid?: string };

const NAME = /^[A-Za-z0-9][A-Za-z0-9 ._@-]{0,63}$/;
/** Keys of ours, of the sandbox, and what looks like any secret: longer than names are, or a UUID. */
const SECRET = /^(?:ocsgw|sk)_|[A-Za-z0-9]{24}|[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}/i;
const KID = /^[!-~]{1,64}$/;
/** A token's header has an algorithm and a key's name; one that is longer is no header of ours. */
const MOST_HEADER = 1024;

/** `isKey`: whether a text is the key of a record. */
export const claimedIn = (presented: readonly Presented[], isKey: (text: string) => boolean): Claimed => {
  const isName = (user: string): boolean => NAME.test(user) && !SECRET.test(user) && !isKey(user);
  const client = presented.map((each) => (each.kind === "key" ? each.user : undefined)).find((user) => user !== undefined && isName(user));
  const kid = presented.map((each) => (each.kind === "jwt" ? kidIn(each.text) : undefined)).find((found) => found !== undefined);
  return { ...(client !== undefined && { client }), ...(kid !== undefined && { kid }) };
};

const kidIn = (token: string): string | undefined => {
  const end = token.indexOf(".");
  if (end < 1 || end > MOST_HEADER) return undefined;
  try {
    const { kid } = JSON.parse(Buffer.from(token.slice(0, end), "base64url").toString("utf8")) as { readonly kid?: unknown };
    return typeof kid === "string" && KID.test(kid) ? kid : undefined;
  } catch {
    return undefined;
  }
};
