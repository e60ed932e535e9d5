/**
 * Recognizes a browser in which a user logged in before, so that failures elsewhere do not keep that user out (OWASP's
 * device cookie). The proof is keyed with the hash of the user's password: it survives a restart, ends with the
 * password, and opens nothing by itself.
 */
import { createHmac, randomBytes, timingSafeEqual } from "node:crypto";

type User = { readonly name: string; readonly hash: string };

/** Beyond this many cookies of the name, somebody else set them. */
const MOST = 4;
const FORM = /^([\w-]{22})\.([\w-]{43})$/;

/** The id of the browser, if one of these cookie values proves that the user logged in there. */
export const knownBrowser = (values: readonly string[], user: User): string | undefined => {
  for (const value of values.slice(0, MOST)) {
    const [, id, proof] = FORM.exec(value) ?? [];
    if (id !== undefined && timingSafeEqual(Buffer.from(proof!), Buffer.from(proofOf(id, user)))) return id;
  }
  return undefined;
};

/** The value of the cookie: with the browser's id if it has one, else a new one. */
export const markOf = (user: User, id: string = randomBytes(16).toString("base64url")): string =>
  `${id}.${proofOf(id, user)}`;

const proofOf = (id: string, { name, hash }: User): string =>
  createHmac("sha256", hash)
    .update(JSON.stringify(["known browser", name.toLowerCase(), id]))
    .digest("base64url");
