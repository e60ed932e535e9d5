/**
 * Which people, records and campaign groups a segment may name: Bloom filters of twelve bits a name, in parts, so that one name is looked for in a
 * few hundred bytes of each segment. It never says no to a name that is there, and yes to one in three hundred that are not.
 */
import type { DatabaseSync } from "node:sqlite";
import { crc32 } from "node:zlib";
import type { Expression } from "../filter.ts";
import type { Known, Term } from "../filter/keys.ts";
import { tokenNumber } from "../token.ts";
import { digitsColumn } from "./columns.ts";

export const PARTS = 256;
const BITS_PER_KEY = 12;
const PROBES = 8;
const SUM_BYTES = 4;

export const KEY_BITS = 26;

/**
 * What stands in a column, with the name of its sort, as so many bits: of another name in a segment's hundred thousand
 * one in a thousand has the same. `value`: as `columns.ts` and `token.ts` have it.
 */
const keyOf = (sort: "token" | "record" | "group", value: string | number | bigint): number =>
  crc32(`${sort} ${value}`) >>> (32 - KEY_BITS);

const SORTS = [
  ["token", "phone"],
  ["token", "customer"],
  ["token", "announced_phone"],
  ["token", "announced_customer"],
  ["record", "record"],
  ["group", "grouped"],
] as const;

/** A key, and the index of a story that names it. */
export type Pair = readonly [key: number, at: number];

/** Of all stories, in no order. */
export const pairsOf = function* (database: DatabaseSync): Generator<Pair, void, undefined> {
  for (const [sort, column] of SORTS) {
    for (const row of database
      .prepare(`SELECT ${column} AS value, at FROM stories WHERE ${column} IS NOT NULL`)
      .iterate()) {
      yield [keyOf(sort, row["value"] as string | number), Number(row["at"])];
    }
  }
};

const KEYS: Partial<Record<Known, (value: string) => number>> = {
  phone: (value) => keyOf("token", tokenNumber(value)!),
  customer: (value) => keyOf("token", tokenNumber(value)!),
  record: (value) => keyOf("record", digitsColumn(value)!),
  group: (value) => keyOf("group", digitsColumn(value)!),
};

/** One of which each story has that the term holds for; undefined where the term asks for no such names. */
export const keysFor = ({ fact, oneOf }: Term): readonly number[] | undefined => {
  const key = KEYS[fact];
  return key && oneOf?.map(key);
};

/** The same for a whole filter. */
export const keysNeeded = (expression: Expression): readonly number[] | undefined => {
  switch (expression.kind) {
    case "term":
      return keysFor(expression.term);
    case "all":
      return expression.of.map(keysNeeded).find((keys) => keys !== undefined);
    case "any": {
      const each = expression.of.map(keysNeeded);
      return each.length === 0 || each.includes(undefined) ? undefined : each.flatMap((keys) => keys!);
    }
    default:
      return undefined;
  }
};

export const partOf = (key: number): number => key % PARTS;

/** A filter for each part: a checksum, then the bits. */
export const sealKeys = (keys: Iterable<number>): readonly Uint8Array[] => {
  const parts: number[][] = Array.from({ length: PARTS }, () => []);
  for (const key of new Set(keys)) parts[partOf(key)]!.push(key);
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
