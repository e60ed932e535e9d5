/**
 * What stands in the place of a phone number: a number, or an address (e-mail, instant messaging). Of a number only the
 * digits count; of an address every letter does, or john7@example.com and mary7@example.com would be one person.
 */

/** A number as people and systems write it, with an extension or a tel: in front. */
const NUMBER = /^(?:tel:)?[^\p{L}@]*(?:(?:x|ext\.?|extension|;ext=)[^\p{L}@]*)?$/iu;
/** As most requests have it. */
const DIGITS = /^[0-9]+$/;

export const isNumber = (contact: string): boolean => NUMBER.test(contact);

/** Digits of a number; an address in small letters. What has no digit stays as it is. */
export const canonicalContact = (contact: string): string => {
  if (DIGITS.test(contact)) return contact;
  return isNumber(contact) ? contact.replaceAll(/[^0-9]/g, "") || contact : contact.trim().toLowerCase();
};
