/**
 * How facts stand in the columns of `stories`: as small as SQLite can keep them. Texts of which there are few are numbers of `words`; times are
 * microseconds since a day of this decade, so that six bytes are enough; waits are whole microseconds where they are that.
 */

/** 2028-01-01: times within four years of it fit into six bytes, others take eight. */
const TIME_BASE = 1_830_297_600_000_000;

/** Of microseconds since 1970; what is no time is 1970. */
export const timeColumn = (micros: number): number => (Number.isNaN(micros) ? 0 : micros) - TIME_BASE;

/** Of milliseconds: a whole number of microseconds stays one, and the order is kept. */
export const waitColumn = (ms: number | undefined): number | null => {
  if (ms === undefined) return null;
  const micros = Math.round(ms * 1000);
  return micros / 1000 === ms ? micros : ms * 1000;
};

const CANONICAL = /^(0|[1-9]\d{0,14})$/;

/** Of a handle or a DBID: a number where its digits are just that number's. */
export const digitsColumn = (text: string | undefined): bigint | string | null =>
  text === undefined ? null : CANONICAL.test(text) ? BigInt(text) : text;

const ALPHABET = "-0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ";
const ID_CHARACTERS = 9;

/** The beginning of an id as a number in its order: of a ULID, its time to 32 ms. From a character on that no filter can ask for it is as if it ended. */
export const idColumn = (id: string): number => idRange(id)[0];

/** Between which numbers those lie that begin so, ends included. */
export const idRange = (beginning: string): readonly [from: number, to: number] => {
  let number = 0;
  let length = 0;
  for (const character of beginning.toUpperCase().slice(0, ID_CHARACTERS)) {
    const digit = ALPHABET.indexOf(character);
    if (digit < 0) break;
    number = number * ALPHABET.length + digit;
    length++;
  }
  const rest = ALPHABET.length ** (ID_CHARACTERS - length);
  return [number * rest, (number + 1) * rest - 1];
};
