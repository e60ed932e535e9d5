/** What may stand behind /<resource>/ in a URI, once percent-decoding is done. One grammar per kind. */

const HANDLE = /^[1-9][0-9]{0,9}$/;
const PHONE = /^\+?[0-9]{3,20}$/;
/**
 * E-mail and instant-messaging addresses (phone types 10 and 11). Without blanks, and without what a path, a second
 * decoding or a wildcard could read.
 */
const ADDRESS = /^[\p{L}\p{M}\p{N}.!$&'+=^_{|}~:-]{1,64}@[\p{L}\p{M}\p{N}.-]{1,63}$/u;
const MESSENGER = /^[\p{L}\p{M}\p{N}.!$&'+=^_{|}~:-]{1,64}$/u;
// A customer id is the site's own word; no quotes and wildcards, which a database or a search could read.
const CUSTOMER_ID = /^[^\p{C}\p{Zl}\p{Zp}/\\%?#*;"'`<>]{1,64}$/u;
// A name as an administrator types it: no control, format, private or unassigned characters, nothing that breaks a line or that a path or a
// second decoding could read.
const LIST_NAME = /^[^\p{C}\p{Zl}\p{Zp}/\\%?#]{1,255}$/u;

export const CUSTOMER_ID_EXPECTED =
  "1 to 64 characters, without / \\ % ? # * ; < >, quotes, control characters or blanks at an end";
export const PHONE_EXPECTED = "3 to 20 digits, with an optional + in front";
export const CONTACT_EXPECTED = `${PHONE_EXPECTED}, or an address with @`;

const isDbid = (text: string): boolean => HANDLE.test(text) && Number(text) <= 2_147_483_647;

export const isPhone = (text: string): boolean => PHONE.test(text);
/** What a record can be contacted by: a phone number, or an address with @. */
export const isContact = (text: string): boolean => PHONE.test(text) || isSegment(text, ADDRESS);
/** The same, or the name of an instant messenger's account, which only its type tells from a misspelt number. */
export const isAnyContact = (text: string): boolean => isContact(text) || isSegment(text, MESSENGER);
export const isCustomerId = (text: string): boolean => isSegment(text, CUSTOMER_ID);
export const isListName = (text: string): boolean => isSegment(text, LIST_NAME);

/** Nothing that a path would take for a step, and one spelling only. */
const isSegment = (text: string, grammar: RegExp): boolean =>
  grammar.test(text) && text.trim() === text && text !== "." && text !== ".." && text.normalize("NFC") === text;

export type IdentifierKind =
  | "record handle"
  | "phone number"
  | "customer id"
  | "calling list name"
  | "campaign group DBID";

export const IDENTIFIERS: Readonly<
  Record<IdentifierKind, { readonly is: (text: string) => boolean; readonly expected: string }>
> = {
  "record handle": { is: isDbid, expected: "a whole number from 1, without sign or leading zero" },
  "phone number": { is: isContact, expected: CONTACT_EXPECTED },
  "customer id": { is: isCustomerId, expected: CUSTOMER_ID_EXPECTED },
  "calling list name": {
    is: isListName,
    expected: "the list's name, percent-encoded, without / \\ % ? # or control characters",
  },
  "campaign group DBID": { is: isDbid, expected: "a whole number from 1, without sign or leading zero" },
};
