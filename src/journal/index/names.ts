/**
 * Which people, records and campaign groups a segment may name: Bloom filters of twelve bits a name, in parts, so that one name is looked for in a
 * few hundred bytes of each segment. It never says no to a name that is there, and yes to one in three hundred that are not.
 */
import type { DatabaseSync } from "node:sqlite";
import { crc32 } from "node:zlib";

export const PARTS = 64;
const BITS_PER_KEY = 12;
const PROBES = 8;
const SUM_BYTES = 4;

/** What stands in a column, with the name of its sort, as 32 bits. `value`: as `columns.ts` and `token.ts` have it. */
export const keyOf = (sort: "token" | "record" | "group", value: string | number | bigint): number => crc32(`${sort} ${value}`);

const SORTS = [
  ["token", "phone"], ["token", "customer"], ["token", "announced_phone"], ["token", "announced_customer"], ["record", "record"], ["group", "grouped"],
] as const;

/** Of all stories of a segment's index. */
export const keysOf = function* (database: DatabaseSync): Generator<number, void, undefined> {
  for (const [sort, column] of SORTS) {
    for (const row of database.prepare(`SELECT DISTINCT ${column} AS value FROM stories WHERE ${column} IS NOT NULL`).iterate()) yield keyOf(sort, row["value"] as string | number);
  }
};

export const partOf = (key: number): number => key % PARTS;

/** A filter for each part: a checksum, then the bits. */
export const sealKeys = (keys: Iterable<number>): readonly Uint8Array[] => {
  const parts: number[][] = Array.from({ length: PARTS }, () => []);
  for (const key of keys) parts[partOf(key)]!.push(key);
  return parts.map((some) => {
    const bytes = Buffer.alloc(SUM_BYTES + Math.max(1, Math.ceil((some.length * BITS_PER_KEY) / 8)));
    const bits = bytes.subarray(SUM_BYTES);
    for (const key of some) for (const bit of probes(key, bits.length * 8)) bits[bit >> 3]! |= 1 << (bit & 7);
    bytes.writeUInt32BE(crc32(bits));
    return bytes;
  });
};

/** True where there is no filter, or a damaged one. */
export const mayHave = (bytes: Uint8Array | undefined, key: number): boolean => {
  if (!bytes || bytes.length <= SUM_BYTES) return true;
  const bits = bytes.subarray(SUM_BYTES);
  if (crc32(bits) !== Buffer.from(bytes.buffer, bytes.byteOffset, SUM_BYTES).readUInt32BE()) return true;
  for (const bit of probes(key, bits.length * 8)) if ((bits[bit >> 3]! & (1 << (bit & 7))) === 0) return false;
  return true;
};

/** Kirsch and Mitzenmacher: two hashes make as many as are wanted. */
const probes = function* (key: number, bits: number): Generator<number, void, undefined> {
  const [one, other] = [mixed(key), mixed(key ^ 0x9e3779b9) | 1];
  for (let probe = 0; probe < PROBES; probe++) yield ((one + Math.imul(probe, other)) >>> 0) % bits;
};

/** MurmurHash3's last step. */
const mixed = (key: number): number => {
  const half = Math.imul(key ^ (key >>> 16), 0x85ebca6b);
  const most = Math.imul(half ^ (half >>> 13), 0xc2b2ae35);
  return most ^ (most >>> 16);
};
