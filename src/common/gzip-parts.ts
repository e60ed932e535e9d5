/**
 * A gzip stream (RFC 1952) that is put together from parts, each compressed by itself: a part that goes into several
 * streams is compressed once, perhaps on another thread.
 */
import { constants, crc32, deflateRawSync } from "node:zlib";

/** `bytes`: whole deflate blocks (RFC 1951) that refer to nothing before them. `length`, `crc`: of the plain bytes. */
export type GzipPart = { readonly bytes: Uint8Array<ArrayBuffer>; readonly length: number; readonly crc: number };

/** The quickest: rows of a journal are alike, and a better level saves little. */
const LEVEL = 1;
const MOST_STORED = 0xffff;
const HEADER = Uint8Array.of(0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0xff);

export const compressedPart = (plain: Uint8Array): GzipPart => ({
  // Copied out of a buffer that may be shared, so that it can be moved to another thread.
  bytes: new Uint8Array(deflateRawSync(plain, { level: LEVEL, finishFlush: constants.Z_FULL_FLUSH })),
  length: plain.length,
  crc: crc32(plain),
});

/** For a few bytes, which are not worth compressing. */
export const storedPart = (plain: Uint8Array): GzipPart => ({
  bytes: stored(plain),
  length: plain.length,
  crc: crc32(plain),
});

export class GzipStream {
  #crc = 0;
  #length = 0;
  #hasBegun = false;

  /** The bytes to send for this part. */
  add({ bytes, length, crc }: GzipPart): Uint8Array {
    this.#crc = joined(this.#crc, crc, length);
    this.#length += length;
    if (this.#hasBegun) return bytes;
    this.#hasBegun = true;
    return Buffer.concat([HEADER, bytes]);
  }

  /** The last bytes of the stream. */
  end(): Uint8Array {
    const trailer = Buffer.alloc(8);
    trailer.writeUInt32LE(this.#crc);
    trailer.writeUInt32LE(this.#length % 2 ** 32, 4);
    return Buffer.concat([...(this.#hasBegun ? [] : [HEADER]), storedBlock(new Uint8Array(0), true), trailer]);
  }
}

const stored = (plain: Uint8Array): Uint8Array<ArrayBuffer> => {
  const blocks: Uint8Array[] = [];
  for (let at = 0; at < plain.length; at += MOST_STORED)
    blocks.push(storedBlock(plain.subarray(at, at + MOST_STORED), false));
  return new Uint8Array(Buffer.concat(blocks));
};

const storedBlock = (plain: Uint8Array, isLast: boolean): Buffer => {
  const block = Buffer.alloc(5 + plain.length);
  block[0] = isLast ? 1 : 0;
  block.writeUInt16LE(plain.length, 1);
  block.writeUInt16LE(plain.length ^ 0xffff, 3);
  block.set(plain, 5);
  return block;
};

/** The polynomial of CRC-32, its bits reversed. */
const POLYNOMIAL = 0xedb88320;
const HIGHEST = 0x80000000;

/** The product of two polynomials over GF(2), modulo that of CRC-32. The highest bit is the coefficient of x^0. */
const product = (one: number, other: number): number => {
  let [sum, shifted] = [0, other];
  for (let bit = HIGHEST; bit !== 0; bit >>>= 1) {
    if ((one & bit) !== 0) sum ^= shifted;
    shifted = (shifted & 1) === 0 ? shifted >>> 1 : (shifted >>> 1) ^ POLYNOMIAL;
  }
  return sum >>> 0;
};

/** x^(8 · 2^n), by n: as many as a length has bits. */
const POWERS = [HIGHEST >>> 8];
while (POWERS.length < 53) POWERS.push(product(POWERS.at(-1)!, POWERS.at(-1)!));

/** The CRC-32 of bytes with the CRC `first` and then `length` bytes with the CRC `second`. */
const joined = (first: number, second: number, length: number): number => {
  let shift = HIGHEST;
  for (let [rest, at] = [length, 0]; rest > 0; rest = Math.floor(rest / 2), at++)
    if (rest % 2 === 1) shift = product(POWERS[at]!, shift);
  return (product(shift, first) ^ second) >>> 0;
};
