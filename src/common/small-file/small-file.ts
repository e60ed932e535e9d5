/**
 * The one place that reads files which others put in their place: the config, keys, certificates, key sets, secrets.
 * Only regular files, only up to a size, and never waiting for ever, so that neither a FIFO, a device, a file without
 * an end nor a mount that hangs stops who reads.
 */
import { createHash } from "node:crypto";
import { closeSync, constants, fstatSync, openSync, readSync, type Stats } from "node:fs";
import { open } from "node:fs/promises";
import { withoutHanging } from "./small-file/hanging.ts";
import { NotRead } from "./small-file/not-read.ts";
import { inSize } from "./small-file/size.ts";

export { withoutHanging } from "./small-file/hanging.ts";

/** A config of ten thousand tenants has 5 MB, a large revocation list 30. */
export const MOST_BYTES = 64 << 20;

/** Without O_NONBLOCK the open of a FIFO waits for a writer; without O_NOCTTY a terminal becomes this process's. */
const HOW = constants.O_RDONLY | (constants.O_NONBLOCK ?? 0) | (constants.O_NOCTTY ?? 0);

const strangeness = (found: Stats): string => {
  if (found.isDirectory()) return "it is a directory";
  return `it is ${found.isFIFO() ? "a FIFO" : found.isSocket() ? "a socket" : "a device"} and not a regular file`;
};

const requireSmall = (path: string, found: Stats, most: number): void => {
  if (!found.isFile()) throw new NotRead(path, strangeness(found));
  if (found.size > most) throw new NotRead(path, `it has ${inSize(found.size)}; at most ${inSize(most)} are read`);
};

/** What grew while it was read is no small file either. */
const requireEnd = (path: string, read: number, most: number): void => {
  if (read > most) throw new NotRead(path, `it grows while it is read; at most ${inSize(most)} are read`);
};

/**
 * For a command, and for a thread that serves nobody: a mount that hangs holds it. Throws what the system says,
 * and NotRead where it is no regular file or too large.
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

/** UTF-8. */
export const readTextNow = (path: string, most: number = MOST_BYTES): string =>
  readBytesNow(path, most).toString("utf8");

type Piece = { readonly most: number; /** Bytes that are read at once, at most. */ readonly size: number };

/** Aside, and within a time. */
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

/** The same, aside, and within a time. Rejects as `readBytesNow` throws, and with NotRead when no answer comes. */
export const readBytes = async (path: string, most: number = MOST_BYTES): Promise<Buffer> => {
  const pieces: Buffer[] = [];
  await readPieces(path, { most, size: 8 << 20 }, (piece) => void pieces.push(piece));
  return Buffer.concat(pieces);
};

/** SHA-256, hexadecimal, of what `readBytes` gives. A piece at a time: a hash of megabytes would hold up every request. */
export const hashOfBytes = async (path: string, most: number = MOST_BYTES): Promise<string> => {
  const hash = createHash("sha256");
  await readPieces(path, { most, size: 256 << 10 }, (piece) => void hash.update(piece));
  return hash.digest("hex");
};

/** UTF-8. */
export const readSmallFile = async (path: string, most: number = MOST_BYTES): Promise<string> =>
  (await readBytes(path, most)).toString("utf8");
