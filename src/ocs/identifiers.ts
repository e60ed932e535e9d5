/** The valid identifiers after /<resource>/ in a URI, after percent-decoding, for each kind. */

const HANDLE = /^[1-9][0-9]{0,9}$/;
const PHONE = /^\+?[0-9]{3,20}$/;
/**
 * E-mail and instant-messaging addresses (phone types 10 and 11). Excludes blanks, and characters with a meaning in
 * paths, percent-encoding and wildcards.
 */
const ADDRESS = /^[\p{L}\p{M}\p{N}.!$&'+=^_{|}~:-]{1,64}@[\p{L}\p{M}\p{N}.-]{1,63}$/u;
const MESSENGER = /^[\p{L}\p{M}\p{N}.!$&'+=^_{|}~:-]{1,64}$/u;
// The site chooses its customer ids. Excludes quotes and wildcards, which have a meaning in databases and searches.
const CUSTOMER_ID = /^[^\p{C}\p{Zl}\p{Zp}/\\%?#*;"'`<>]{1,64}$/u;
// A name typed by an administrator. Excludes control, format, private and unassigned characters, line breaks, and
// characters with a meaning in paths and percent-encoding.
const LIST_NAME = /^[^\p{C}\p{Zl}\p{Zp}/\\%?#]{1,255}$/u;

export const CUSTOMER_ID_EXPECTED =
  "1 to 64 characters, without / \\ % ? # * ; < >, quotes, control characters or blanks at an end";
export const PHONE_EXPECTED = "3 to 20 digits, with an optional + in front";
export const CONTACT_EXPECTED = `${PHONE_EXPECTED}, or an address with @`;

/** For JSON Schema, in Unicode mode. What the pattern cannot say is in the functions below. */
export const CONTACT_PATTERN = `${PHONE.source}|${ADDRESS.source}`;
export const ANY_CONTACT_PATTERN = `${CONTACT_PATTERN}|${MESSENGER.source}`;
export const PHONE_PATTERN = PHONE.source;
export const CUSTOMER_ID_PATTERN = CUSTOMER_ID.source;

const isDbid = (text: string): boolean => HANDLE.test(text) && Number(text) <= 2_147_483_647;

export const isPhone = (text: string): boolean => PHONE.test(text);
/** True for a phone number or an address with @. */
export const isContact = (text: string): boolean => PHONE.test(text) || isSegment(text, ADDRESS);
/** As isContact, or the name of a messenger account, which only GSW_PHONE_TYPE distinguishes from a mistyped number. */
export const isAnyContact = (text: string): boolean => isContact(text) || isSegment(text, MESSENGER);
export const isCustomerId = (text: string): boolean => isSegment(text, CUSTOMER_ID);
export const isListName = (text: string): boolean => isSegment(text, LIST_NAME);

/** Also excludes `.` and `..`, surrounding blanks, and texts that are not NFC-normalized. */
const isSegment = (text: string, grammar: RegExp): boolean =>
  grammar.test(text) && text.trim() === text && text !== "." && text !== ".." && text.normalize("NFC") === text;

export type IdentifierKind =
  | "record handle"
  | "phone number"
  | "customer id"
  | "calling list name"
  | "campaign group DBID";

export const IDENTIFIERS: Readonly<
  Record<
    IdentifierKind,
    { readonly is: (text: string) => boolean; readonly expected: string; readonly pattern: string }
  >
> = {
  "record handle": {
    is: isDbid,
    expected: "a whole number from 1, without sign or leading zero",
    pattern: HANDLE.source,
  },
  "phone number": { is: isContact, expected: CONTACT_EXPECTED, pattern: CONTACT_PATTERN },
  "customer id": { is: isCustomerId, expected: CUSTOMER_ID_EXPECTED, pattern: CUSTOMER_ID_PATTERN },
  "calling list name": {
    is: isListName,
    expected: "the list's name, percent-encoded, without / \\ % ? # or control characters",
    pattern: LIST_NAME.source,
  },
  "campaign group DBID": {
    is: isDbid,
    expected: "a whole number from 1, without sign or leading zero",
    pattern: HANDLE.source,
  },
};
