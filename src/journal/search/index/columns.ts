/**
 * How fields are stored in the columns of `transactions`, as small as SQLite can. Repeated texts are numbers of
 * `strings`. Times are microseconds since a day in 2028, which needs six bytes. Waits are whole microseconds if
 * possible.
 */

/** 2028-01-01: times within four years of it fit into six bytes, others take eight. */
const TIME_BASE = 1_830_297_600_000_000;

/** From microseconds since 1970; NaN becomes 1970. */
export const timeColumn = (micros: number): number => (Number.isNaN(micros) ? 0 : micros) - TIME_BASE;

/** From milliseconds, in microseconds. The order is kept. */
export const waitColumn = (ms: number | undefined): number | null => {
  if (ms === undefined) return null;
  const micros = Math.round(ms * 1000);
  return micros / 1000 === ms ? micros : ms * 1000;
};

const CANONICAL = /^(0|[1-9]\d{0,14})$/;

/** From a handle or a DBID: a number if the text is its canonical form, otherwise the text. */
export const digitsColumn = (text: string | undefined): bigint | string | null =>
  text === undefined ? null : CANONICAL.test(text) ? BigInt(text) : text;

const ALPHABET = "-0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ";
const ID_CHARACTERS = 9;

/** The beginning of an id as a number in the same order (of a ULID: its time to 32 ms). Other characters end the id. */
export const idColumn = (id: string): number => idRange(id)[0];

/** The range of numbers of all ids with this beginning, ends included. */
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
