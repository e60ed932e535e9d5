/** ULID: 48 bits of milliseconds and 80 random bits in Crockford's base32, 26 characters; sorts by time. */
import { randomFillSync } from "node:crypto";

const ALPHABET = Buffer.from("0123456789ABCDEFGHJKMNPQRSTVWXYZ", "latin1");
const TIME_DIGITS = 10;
const RANDOM_DIGITS = 16;
const pool = new Uint8Array(RANDOM_DIGITS * 256);
let used = pool.length;
/** The digits of the last id; the time's digits are reused within a millisecond. */
const digits = Buffer.alloc(TIME_DIGITS + RANDOM_DIGITS);
let written = Number.NaN;

export const ulid = (now = Date.now()): string => {
  if (now !== written) writeTime(now);
  if (used === pool.length) {
    randomFillSync(pool);
    used = 0;
  }
  for (let at = TIME_DIGITS; at < digits.length; at++) digits[at] = ALPHABET[pool[used++]! & 31]!;
  return digits.toString("latin1");
};

/** True for a ULID in upper case, as `ulid` makes it. */
export const isUlid = (text: string): boolean => /^[0-7][0-9A-HJKMNP-TV-Z]{25}$/.test(text);

/** The time of a ULID, in milliseconds since 1970. A character outside the alphabet counts as 0. */
export const timeOfUlid = (id: string): number =>
  Array.from(id.slice(0, TIME_DIGITS)).reduce((ms, digit) => ms * 32 + Math.max(0, ALPHABET.indexOf(digit)), 0);

const writeTime = (now: number): void => {
  for (let at = TIME_DIGITS - 1, time = now; at >= 0; at--, time = Math.floor(time / 32))
    digits[at] = ALPHABET[time % 32]!;
  written = now;
};
