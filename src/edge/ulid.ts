/** ULID: 48 bits of milliseconds and 80 random bits in Crockford's base32, 26 characters; sorts by time, tells nothing else. */
import { randomFillSync } from "node:crypto";

const ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
const pool = new Uint8Array(16 * 256);
let used = pool.length;

export const ulid = (now = Date.now()): string => {
  let id = "";
  for (let time = now, digit = 0; digit < 10; digit++, time = Math.floor(time / 32)) id = ALPHABET[time % 32] + id;
  if (used === pool.length) {
    randomFillSync(pool);
    used = 0;
  }
  for (const end = used + 16; used < end; used++) id += ALPHABET[pool[used]! & 31];
  return id;
};
