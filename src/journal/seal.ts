/**
 * The last member of every line, `crc`: the CRC-32 (as in zlib) of the line's bytes before it. A line that a crash tore or a disk altered is seen
 * by it before any checkpoint covers the line. It proves nothing against a person, who can compute it again.
 */
import { crc32 } from "node:zlib";

const MEMBER = ',"crc":';
const MOST_DIGITS = 10;
/** The most that a line grows by. */
export const SEAL_BYTES = MEMBER.length + MOST_DIGITS;

const SEAL = /^(.*),"crc":(0|[1-9][0-9]{0,9})\}$/s;

const MEMBER_BYTES = Buffer.from(MEMBER);
const CLOSING_BRACE = 0x7d;
const ZERO = 0x30;

/** bytes[start, end) is a line without its seal, and there is room behind it. Gives the line's new end. */
export const sealLine = (bytes: Buffer, start: number, end: number): number => {
  const brace = end - 1;
  let left = crc32(bytes.subarray(start, brace));
  // Digit by digit: a text made for it would cost as much as the sum.
  let at = brace;
  for (let place = 0; place < MEMBER_BYTES.length; place++) bytes[at++] = MEMBER_BYTES[place]!;
  const sealed = at + digitsOf(left);
  for (at = sealed - 1; at >= brace + MEMBER_BYTES.length; at--) {
    bytes[at] = ZERO + (left % 10);
    left = Math.floor(left / 10);
  }
  bytes[sealed] = CLOSING_BRACE;
  return sealed + 1;
};

const digitsOf = (number: number): number => {
  let digits = 1;
  for (let most = 10; number >= most; most *= 10) digits++;
  return digits;
};

/** Whether bytes[start, end) is a line as it was sealed. */
export const isSealed = (bytes: Buffer, start: number, end: number): boolean => {
  const tail = Math.max(start, end - SEAL_BYTES - 1);
  const [, before, found] = SEAL.exec(bytes.toString("latin1", tail, end)) ?? [];
  return found !== undefined && crc32(bytes.subarray(start, tail + before!.length)) === Number(found);
};
