/** A file's lines as positions in a buffer, chunk by chunk: a million lines without a million strings. */
import type { DiskFile } from "../disk.ts";

/** Bytes. Most files are small, and allocating a large buffer takes longer than reading them. */
const FIRST_CHUNK = 1 << 16;
const CHUNK = 1 << 20;
const NEWLINE = 0x0a;

/**
 * Called with bytes[start, end) of each line, without its `\n`. There is always a byte before `start` that may be
 * overwritten temporarily. Returning false stops the reading.
 */
export type OnLine = (bytes: Buffer, start: number, end: number) => boolean | undefined;

/**
 * Resolves with the number of bytes of the lines that were read, `\n` included: after them comes an incomplete line, or
 * the line at which reading stopped.
 */
export const forEachLine = async (file: Pick<DiskFile, "read">, onLine: OnLine, from = 0): Promise<number> => {
  let buffer = Buffer.alloc(1 + FIRST_CHUNK);
  let filled = 1;
  let position = from;
  for (;;) {
    const got = await file.read(buffer.subarray(filled), position + filled - 1);
    if (got === 0) return position;
    filled += got;
    const end = eachIn(buffer.subarray(0, filled), onLine);
    position += Math.abs(end) - 1;
    if (end < 0) return position;
    const isTooSmall = filled === buffer.length && (end === 1 || buffer.length < CHUNK);
    const next = isTooSmall ? Buffer.alloc(4 * buffer.length) : buffer;
    buffer.copy(next, 1, end, filled);
    filled -= end - 1;
    buffer = next;
  }
};

/**
 * Where the first incomplete line begins; negative (the complement) when reading stops before the line that begins
 * there.
 */
const eachIn = (buffer: Buffer, onLine: OnLine): number => {
  let start = 1;
  for (let end = buffer.indexOf(NEWLINE, start); end >= 0; end = buffer.indexOf(NEWLINE, start)) {
    if (onLine(buffer, start, end) === false) return -start;
    start = end + 1;
  }
  return start;
};
