/**
 * The last member of every line, `crc`: the CRC-32 (as in zlib) of the bytes before it. It detects damage by a crash or
 * a disk before a checkpoint covers the line. It is no protection against manipulation: anybody can compute it.
 */
import { crc32 } from "node:zlib";

const MEMBER = ',"crc":';
const MOST_DIGITS = 10;
/** Maximum number of bytes that the checksum adds to a line. */
export const CHECKSUM_BYTES = MEMBER.length + MOST_DIGITS;

const LINE_END = /^(.*),"crc":(0|[1-9][0-9]{0,9})\}$/s;

/** bytes[start, end) is a line without checksum, with CHECKSUM_BYTES free bytes after it. Returns the new end. */
export const appendChecksum = (bytes: Buffer, start: number, end: number): number => {
  const brace = end - 1;
  const checksum = crc32(bytes.subarray(start, brace));
  return brace + bytes.write(`${MEMBER}${checksum}}`, brace, "latin1");
};

/** Whether the line bytes[start, end) has a valid checksum. */
export const hasValidChecksum = (bytes: Buffer, start: number, end: number): boolean => {
  const tail = Math.max(start, end - CHECKSUM_BYTES - 1);
  const [, before, found] = LINE_END.exec(bytes.toString("latin1", tail, end)) ?? [];
  return found !== undefined && crc32(bytes.subarray(start, tail + before!.length)) === Number(found);
};
