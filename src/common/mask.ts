/**
 * Hides digits in texts that may be a phone number. Each kind of text has its own rule, a compromise between leaking a
 * phone number and hiding a code or a case number.
 *
 * | text | may be a phone number from | rule |
 * | --- | --- | --- |
 * | any other: names, paths, details, OCS's sentences | 7 digits, in any spelling | `maskNumbers` |
 * | what an operator typed: an account, a purpose | 9 digits, as people write numbers | `hasPhoneNumber` |
 * | OCS's Warning that is a whole number | 10 digits | `maskWarning` |
 */

const HIDDEN = "······";

/**
 * Seven or more digits of any script. Between two digits there may be up to `BETWEEN` characters that are neither
 * letters nor digits: blanks, punctuation, symbols, marks, invisible characters. Clients put phone numbers, in any
 * spelling, into names of lists, time zones and fields; OCS puts them into its Warning.
 */
const BETWEEN = 5;
const NUMBERS = new RegExp(`[+(]{0,2}\\p{N}(?:[^\\p{L}\\p{N}]{0,${BETWEEN}}\\p{N}){6,}`, "gu");

/** The maximum of OCS's integers. Many messages contain it; it is not a phone number. */
const LARGEST = "2147483647";

/** Hides all but the last four characters of each number that matches NUMBERS. */
export const maskNumbers = (text: string): string =>
  text.replaceAll(NUMBERS, (number) => (number === LARGEST ? number : lastFour(number)));

/** Not matched: a staff number after a letter, and a case number of up to eight digits. */
const TYPED_NUMBER = /(?<![\p{L}\d])\+?\d(?:[\s().-]{0,2}\d){8,}/u;

/** True when the text that an operator typed contains what may be a phone number. */
export const hasPhoneNumber = (text: string): boolean => TYPED_NUMBER.test(text);

/** Masks OCS's Warning. Keeps a code of up to nine digits (the manual's format); hides numbers in all other texts. */
export const maskWarning = (warning: string): string => (/^\d{1,9}$/.test(warning) ? warning : maskNumbers(warning));

const PLAIN = /^[ -~]*$/;

/** Hides all but the last four characters; hides a value of up to four characters completely. */
export const lastFour = (value: string): string => {
  const characters = PLAIN.test(value) ? value : Array.from(value);
  if (characters.length <= 4) return HIDDEN;
  return HIDDEN + (typeof characters === "string" ? characters.slice(-4) : characters.slice(-4).join(""));
};
