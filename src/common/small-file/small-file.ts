/**
 * Reads all files that operators provide: the config, keys, certificates, key sets, secrets. Reads only regular files
 * up to a size and within a time limit, so that a FIFO, a device, a growing file or a hanging mount cannot block the
 * reader.
 */
import { createHash } from "node:crypto";
import { closeSync, constants, fstatSync, openSync, readSync, type Stats } from "node:fs";
import { open } from "node:fs/promises";
import { withoutHanging } from "./hanging.ts";
import { NotRead } from "./not-read.ts";
import { inSize } from "./size.ts";

export { withoutHanging } from "./hanging.ts";

/** A config with ten thousand tenants has 5 MB, a large revocation list 30 MB. */
export const MOST_BYTES = 64 << 20;

/** O_NONBLOCK: do not wait for the writer of a FIFO. O_NOCTTY: do not make a terminal the controlling one. */
const HOW = constants.O_RDONLY | (constants.O_NONBLOCK ?? 0) | (constants.O_NOCTTY ?? 0);

const strangeness = (found: Stats): string => {
  if (found.isDirectory()) return "it is a directory";
  return `it is ${found.isFIFO() ? "a FIFO" : found.isSocket() ? "a socket" : "a device"} and not a regular file`;
};

const requireSmall = (path: string, found: Stats, most: number): void => {
  if (!found.isFile()) throw new NotRead(path, strangeness(found));
  if (found.size > most) throw new NotRead(path, `it has ${inSize(found.size)}; at most ${inSize(most)} are read`);
};

/** Rejects a file that has grown beyond the limit since its size was checked. */
const requireEnd = (path: string, read: number, most: number): void => {
  if (read > most) throw new NotRead(path, `it grows while it is read; at most ${inSize(most)} are read`);
};

/**
 * Reads synchronously, without a time limit: only for commands and for threads that serve no requests. Throws the
 * system error, or NotRead when the file is not regular or larger than `most` bytes.
 */
export const readBytesNow = (path: string, most: number = MOST_BYTES): Buffer => {
  const descriptor = openSync(path, HOW);
  try {
    requireSmall(path, fstatSync(descriptor), most);
    const parts: Buffer[] = [];
    let length = 0;
    for (;;) {
      const part = Buffer.allocUnsafe(64 << 10);
      const got = readSync(descriptor, part);
      if (got === 0) return Buffer.concat(parts, length);
      parts.push(part.subarray(0, got));
      requireEnd(path, (length += got), most);
    }
  } finally {
    closeSync(descriptor);
  }
};

/** As readBytesNow, decoded as UTF-8. */
export const readTextNow = (path: string, most: number = MOST_BYTES): string =>
  readBytesNow(path, most).toString("utf8");

type Piece = { readonly most: number; /** Maximum bytes per read. */ readonly size: number };

/** Reads asynchronously, with the time limit of `withoutHanging`. */
const readPieces = (path: string, { most, size }: Piece, take: (piece: Buffer) => void): Promise<void> =>
  withoutHanging(path, async () => {
    const handle = await open(path, HOW);
    try {
      const found = await handle.stat();
      requireSmall(path, found, most);
      let length = 0;
      for (;;) {
        const piece = Buffer.allocUnsafe(Math.max(64 << 10, Math.min(found.size + 1 - length, size)));
        const { bytesRead } = await handle.read(piece, 0, piece.length, null);
        if (bytesRead === 0) return;
        take(piece.subarray(0, bytesRead));
        requireEnd(path, (length += bytesRead), most);
      }
    } finally {
      await handle.close();
    }
  });

/** Asynchronous readBytesNow with a time limit. Rejects with the same errors, and with NotRead after the limit. */
export const readBytes = async (path: string, most: number = MOST_BYTES): Promise<Buffer> => {
  const pieces: Buffer[] = [];
  await readPieces(path, { most, size: 8 << 20 }, (piece) => void pieces.push(piece));
  return Buffer.concat(pieces);
};

/** SHA-256, hexadecimal, of a file. Hashes in pieces: hashing megabytes at once would delay all requests. */
export const hashOfBytes = async (path: string, most: number = MOST_BYTES): Promise<string> => {
  const hash = createHash("sha256");
  await readPieces(path, { most, size: 256 << 10 }, (piece) => void hash.update(piece));
  return hash.digest("hex");
};

/** As readBytes, decoded as UTF-8. */
export const readSmallFile = async (path: string, most: number = MOST_BYTES): Promise<string> =>
  (await readBytes(path, most)).toString("utf8");
