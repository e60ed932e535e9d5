/**
 * Decompresses a segment: Zstandard frames of at most 1 MiB of lines, then the table of the seekable format. The end of
 * a frame is read from the frame itself (RFC 8878, 3.1.1), and the table must agree.
 */
import { open, stat } from "node:fs/promises";
import { zstdDecompressSync } from "node:zlib";

const MOST_LINES = 1 << 20;
/** Incompressible data is stored unchanged, with a few more bytes. */
const MOST_PACKED = MOST_LINES + 4096;
const FRAME = 0xfd2fb528;
const SKIPPABLE = 0x184d2a5e;
const SEEKABLE = 0x8f92eab1;

export type Chunks = AsyncGenerator<Buffer, string | undefined, undefined>;

/** The path of a segment's lines: of the compressed form if there is one, as for every reader. */
export const formOf = async (path: string): Promise<string> => {
  if (path.endsWith(".zst")) return path;
  return (await stat(`${path}.zst`).catch(() => undefined)) ? `${path}.zst` : path;
};

/**
 * The lines of a compressed segment, in pieces. If the file is damaged, it yields what precedes the damage and returns
 * a description of it.
 */
export const unpacked = async function* (path: string): Chunks {
  const name = path.split(/[\\/]/).at(-1)!;
  if (!(await stat(path)).isFile()) throw new Error(`${path} is not a regular file`);
  await using file = await open(path, "r");
  const { size } = await file.stat();
  const table: number[] = [];
  let position = 0;
  const damaged = (): string =>
    `${name} cannot be unpacked from its byte ${position} on: the file was changed or cut off`;
  while (position < size) {
    const { bytesRead, buffer } = await file.read(
      Buffer.alloc(Math.min(MOST_PACKED, size - position)),
      0,
      undefined,
      position,
    );
    const bytes = buffer.subarray(0, bytesRead);
    if (bytes.length >= 4 && bytes.readUInt32LE(0) === SKIPPABLE)
      return (await isTable(file, { position, size, table })) ? undefined : damaged();
    const length = frameLength(bytes);
    const lines = length === undefined ? undefined : unpack(bytes.subarray(0, length));
    if (length === undefined || !lines) return damaged();
    table.push(length, lines.length);
    yield lines;
    position += length;
  }
  return damaged();
};

const unpack = (frame: Buffer): Buffer | undefined => {
  try {
    return zstdDecompressSync(frame, { maxOutputLength: MOST_LINES });
  } catch {
    return undefined;
  }
};

/** Undefined if no whole frame begins here. */
const frameLength = (bytes: Buffer): number | undefined => {
  if (bytes.length < 6 || bytes.readUInt32LE(0) !== FRAME) return undefined;
  const descriptor = bytes[4]!;
  const isSingle = (descriptor & 0x20) !== 0;
  const dictionary = [0, 1, 2, 4][descriptor & 3]!;
  const content = [isSingle ? 1 : 0, 2, 4, 8][descriptor >> 6]!;
  let at = 5 + (isSingle ? 0 : 1) + dictionary + content;
  for (let isLast = false; !isLast;) {
    if (at + 3 > bytes.length) return undefined;
    const head = bytes.readUIntLE(at, 3);
    isLast = (head & 1) === 1;
    // An RLE block contains only its one byte.
    at += 3 + (((head >> 1) & 3) === 1 ? 1 : head >> 3);
  }
  at += (descriptor & 4) === 0 ? 0 : 4;
  return at <= bytes.length ? at : undefined;
};

type At = { readonly position: number; readonly size: number; readonly table: readonly number[] };

/** Whether the rest is a table that agrees with the frames found. */
const isTable = async (
  file: { readonly read: (into: Buffer, offset: number, length: number, position: number) => Promise<unknown> },
  { position, size, table }: At,
): Promise<boolean> => {
  const expected = Buffer.alloc(8 + table.length * 4 + 9);
  if (size - position !== expected.length) return false;
  expected.writeUInt32LE(SKIPPABLE, 0);
  expected.writeUInt32LE(expected.length - 8, 4);
  for (const [at, each] of table.entries()) expected.writeUInt32LE(each, 8 + 4 * at);
  expected.writeUInt32LE(table.length / 2, expected.length - 9);
  expected.writeUInt32LE(SEEKABLE, expected.length - 4);
  const found = Buffer.alloc(expected.length);
  await file.read(found, 0, found.length, position);
  return found.equals(expected);
};
