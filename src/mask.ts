/**
 * What may be a phone number in a text is not written down. Whoever takes a list, a time zone or the name of a field for
 * the place of a phone number writes it there, in any spelling; so does OCS, in its Warning.
 */

const HIDDEN = "······";

/**
 * Seven or more digits, of whatever script, with up to `BETWEEN` characters between two of them that are neither letters
 * nor digits: blanks, any punctuation and symbols, marks, and characters that nobody sees.
 */
const BETWEEN = 5;
const NUMBERS = new RegExp(`[+(]{0,2}\\p{N}(?:[^\\p{L}\\p{N}]{0,${BETWEEN}}\\p{N}){6,}`, "gu");

/** The largest value that OCS's integers take stands in many an explanation, and is nobody's number. */
const LARGEST = "2147483647";

/** The text with all but the last four characters of each such number hidden. */
export const maskNumbers = (text: string): string =>
  text.replaceAll(NUMBERS, (number) => (number === LARGEST ? number : lastFour(number)));

const PLAIN = /^[ -~]*$/;

/** The last four characters of a value; nothing of one that has no more. */
export const lastFour = (value: string): string => {
  const characters = PLAIN.test(value) ? value : Array.from(value);
  if (characters.length <= 4) return HIDDEN;
  return HIDDEN + (typeof characters === "string" ? characters.slice(-4) : characters.slice(-4).join(""));
};
