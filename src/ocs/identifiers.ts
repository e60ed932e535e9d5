/** What may stand behind /<resource>/ in a URI, once percent-decoding is done. One grammar per kind. */

const HANDLE = /^[1-9][0-9]{0,9}$/;
const PHONE = /^\+?[0-9]{3,20}$/;
const CUSTOMER_ID = /^[A-Za-z0-9@:-][A-Za-z0-9.@:-]{0,63}$/;
// A name as an administrator types it: no control, format, private or unassigned characters, nothing that breaks a line or that a path or a
// second decoding could read.
const LIST_NAME = /^[^\p{C}\p{Zl}\p{Zp}/\\%?#]{1,255}$/u;

export const CUSTOMER_ID_EXPECTED = "1 to 64 letters, digits or . @ : - and no dot in front";

const isDbid = (text: string): boolean => HANDLE.test(text) && Number(text) <= 2_147_483_647;

export const isPhone = (text: string): boolean => PHONE.test(text);
export const isCustomerId = (text: string): boolean => CUSTOMER_ID.test(text);
export const isListName = (text: string): boolean =>
  LIST_NAME.test(text) && text.trim() === text && text !== "." && text !== ".." && text.normalize("NFC") === text;

export type IdentifierKind = "record handle" | "phone number" | "customer id" | "calling list name" | "campaign group DBID";

export const IDENTIFIERS: Readonly<Record<IdentifierKind, { readonly is: (text: string) => boolean; readonly expected: string }>> = {
  "record handle": { is: isDbid, expected: "a whole number from 1, without sign or leading zero" },
  "phone number": { is: isPhone, expected: "3 to 20 digits, with an optional + in front" },
  "customer id": { is: isCustomerId, expected: CUSTOMER_ID_EXPECTED },
  "calling list name": { is: isListName, expected: "the list's name, percent-encoded, without / \\ % ? # or control characters" },
  "campaign group DBID": { is: isDbid, expected: "a whole number from 1, without sign or leading zero" },
};
