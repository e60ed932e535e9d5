/**
 * The claimed client, key and path of an unauthenticated request, masked for the journal. The path may contain a phone
 * number, a customer id, an address or a secret, at any position if the client misspelled it.
 */
import { maskNumbers } from "../common/mask.ts";
import type { Arrival } from "../common/message.ts";
import { looksSecret, type PresentedClaims } from "../identity/credentials.ts";
import type { PresentedBy } from "../journal/entry.ts";

export type PresentedDeps = {
  /** The unverified claims in a request's credentials. */
  readonly claimed?: (arrival: Arrival) => PresentedClaims;
};

/** `key`: the id of the API key in the request. */
export const presentedBy = (
  { claimed }: PresentedDeps,
  arrival: Arrival,
  key: string | undefined,
): { readonly presented?: PresentedBy } => {
  const { client, kid, issuer } = claimed?.(arrival) ?? {};
  const masked = (name: string, text: string | undefined) => (text === undefined ? {} : { [name]: maskNumbers(text) });
  const path = maskedPath(arrival.target);
  const presented: PresentedBy = {
    ...masked("client", client),
    ...masked("kid", kid),
    ...masked("issuer", issuer),
    ...(key !== undefined && { key }),
    ...(path !== undefined && { path }),
  };
  return Object.keys(presented).length === 0 ? {} : { presented };
};

/** Maximum characters stored. */
const MAX_PATH = 100;
/** Maximum characters read; the rest would not be stored anyway. */
const MAX_TARGET = 2048;

/** Captures the path without scheme, host and query. */
const PATH = /^(?:https?:\/\/[^/?#]*)?(\/[^?#]*)/i;
/**
 * Matches everything after a word such as "phone" or "customer", at any position and in any spelling. The length
 * between the word and the slash is limited, so that matching takes linear time.
 */
const PERSON = /((?:phone|customer|contact|e-?mail)[^/\\:=]{0,40}[/\\:=]).+/is;
const SEGMENT = /[^/\\]+/g;
/** Control characters, line ends and invisible characters; some of these reverse the text after them. */
const INVISIBLE = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu;
const ENCODED = /(?:%[0-9a-f]{2})+/gi;
const HIDDEN = "······";

const maskedPath = (target: string): string | undefined => {
  const path = PATH.exec(target.slice(0, MAX_TARGET))?.[1];
  if (path === undefined) return undefined;
  // Clients may percent-encode slashes, letters and separators too.
  const plain = decoded(path);
  const masked = maskNumbers(plain.replace(PERSON, `$1${HIDDEN}`).replaceAll(SEGMENT, withoutSecret));
  return (masked === plain ? path : masked).replaceAll(INVISIBLE, "·").slice(0, MAX_PATH);
};

/** Decodes percent-encoding up to three times, because clients may encode an encoded path again. */
const decoded = (path: string, times = 3): string => {
  const plain = path.replaceAll(ENCODED, (codes) => Buffer.from(codes.replaceAll("%", ""), "hex").toString("utf8"));
  return times > 1 && plain !== path ? decoded(plain, times - 1) : plain;
};

/** Hides e-mail addresses and credentials. */
const withoutSecret = (segment: string): string => (segment.includes("@") || looksSecret(segment) ? HIDDEN : segment);
