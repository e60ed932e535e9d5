/**
 * The value of a phone number field: a number, or an address (e-mail, instant messaging). Of a number only the digits
 * count; of an address every letter counts, or john7@example.com and mary7@example.com would be one person.
 */

/** A number as people and systems write it, optionally with an extension or the prefix tel:. */
const NUMBER = /^(?:tel:)?[^\p{L}@]*(?:(?:x|ext\.?|extension|;ext=)[^\p{L}@]*)?$/iu;
/** The form that most requests use. */
const DIGITS = /^[0-9]+$/;

export const isNumber = (contact: string): boolean => NUMBER.test(contact);

/** The digits of a number; an address in lower case. A value without a digit is returned unchanged. */
export const canonicalContact = (contact: string): string => {
  if (DIGITS.test(contact)) return contact;
  return isNumber(contact) ? contact.replaceAll(/[^0-9]/g, "") || contact : contact.trim().toLowerCase();
};
