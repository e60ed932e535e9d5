/**
 * HMAC-SHA-256 (RFC 2104) from two one-shot hashes: half the cost of the platform's own HMAC object for a short text.
 */
import { hash } from "node:crypto";

const BLOCK = 64;
const DIGEST = 32;
const START_BYTES = 512;

/** Returns a function from a text to its HMAC, in hexadecimal. */
export const hmacWith = (key: Uint8Array): ((text: string) => string) => {
  const block = Buffer.alloc(BLOCK);
  block.set(key.length > BLOCK ? hash("sha256", key, "buffer") : key);
  let inner = Buffer.alloc(BLOCK + START_BYTES);
  inner.set(block.map((byte) => byte ^ 0x36));
  const outer = Buffer.alloc(BLOCK + DIGEST);
  outer.set(block.map((byte) => byte ^ 0x5c));
  return (text) => {
    // UTF-8 needs at most three bytes per UTF-16 code unit.
    if (BLOCK + 3 * text.length > inner.length)
      inner = Buffer.concat([inner.subarray(0, BLOCK)], BLOCK + 3 * text.length);
    const end = BLOCK + inner.write(text, BLOCK);
    outer.write(hash("sha256", inner.subarray(0, end), "binary"), BLOCK, "latin1");
    return hash("sha256", outer, "hex");
  };
};
