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

/** bytes[start, end) is a line without its seal, and there is room behind it. Gives the line's new end. */
export const sealLine = (bytes: Buffer, start: number, end: number): number => {
  const brace = end - 1;
  return brace + bytes.write(`${MEMBER}${crc32(bytes.subarray(start, brace))}}`, brace, "latin1");
};

/** Whether bytes[start, end) is a line as it was sealed. */
export const isSealed = (bytes: Buffer, start: number, end: number): boolean => {
  const tail = Math.max(start, end - SEAL_BYTES - 1);
  const [, before, found] = SEAL.exec(bytes.toString("latin1", tail, end)) ?? [];
  return found !== undefined && crc32(bytes.subarray(start, tail + before!.length)) === Number(found);
};
