/**
 * Bloom filters over the persons, records and campaign groups of a segment: twelve bits per name, in parts, so that a
 * lookup of one name reads a few hundred bytes per segment. No false negatives; false positives for one name in 300.
 */
import type { DatabaseSync } from "node:sqlite";
import { crc32 } from "node:zlib";
import type { Expression } from "../../filter/keys.ts";
import type { FieldName, Term } from "../../filter/keys.ts";
import { tokenNumber } from "../../../token-number.ts";
import { digitsColumn } from "../columns.ts";

export const PARTS = 256;
const BITS_PER_KEY = 12;
const PROBES = 8;
const SUM_BYTES = 4;

export const KEY_BITS = 26;

/**
 * The key of a column's value: KEY_BITS bits of a checksum. In a segment with 100,000 names about one name in a
 * thousand shares its key with another. `value`: as in `../columns.ts` and `journal/token-number.ts`.
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

/** A key, and the index of a transaction with this key. */
export type Pair = readonly [key: number, at: number];

/** The pairs of all transactions, in no order. */
export const pairsOf = function* (database: DatabaseSync): Generator<Pair, void, undefined> {
  for (const [sort, column] of SORTS) {
    for (const row of database
      .prepare(`SELECT ${column} AS value, at FROM transactions WHERE ${column} IS NOT NULL`)
      .iterate()) {
      yield [keyOf(sort, row["value"] as string | number), Number(row["at"])];
    }
  }
};

const KEYS: Partial<Record<FieldName, (value: string) => number>> = {
  phone: (value) => keyOf("token", tokenNumber(value)!),
  customer: (value) => keyOf("token", tokenNumber(value)!),
  record: (value) => keyOf("record", digitsColumn(value)!),
  group: (value) => keyOf("group", digitsColumn(value)!),
};

/** The keys of which every match of the term has one; undefined if the term does not ask for such names. */
export const keysFor = ({ field, oneOf }: Term): readonly number[] | undefined => {
  const key = KEYS[field];
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

/** A Bloom filter for each part: a checksum, then the bits. */
export const makeFilters = (keys: Iterable<number>): readonly Uint8Array[] => {
  const parts: number[][] = Array.from({ length: PARTS }, () => []);
  for (const key of new Set(keys)) parts[partOf(key)]!.push(key);
  return parts.map((some) => {
    const bytes = Buffer.alloc(SUM_BYTES + Math.max(1, Math.ceil((some.length * BITS_PER_KEY) / 8)));
    const bits = bytes.subarray(SUM_BYTES);
    for (const key of some) {
      const [one, other] = hashes(key);
      for (let probe = 0; probe < PROBES; probe++) {
        const bit = probed(one, other, probe, bits.length * 8);
        bits[bit >> 3]! |= 1 << (bit & 7);
      }
    }
    bytes.writeUInt32BE(crc32(bits));
    return bytes;
  });
};

/** True also if the filter is missing or damaged. */
export const mayHave = (bytes: Uint8Array | undefined, key: number): boolean => {
  if (!bytes || bytes.length <= SUM_BYTES) return true;
  const bits = bytes.subarray(SUM_BYTES);
  const [one, other] = hashes(key);
  for (let probe = 0; probe < PROBES; probe++) {
    const bit = probed(one, other, probe, bits.length * 8);
    if ((bits[bit >> 3]! & (1 << (bit & 7))) === 0) return !isIntact(bytes);
  }
  return true;
};

const isIntact = (bytes: Uint8Array): boolean =>
  crc32(bytes.subarray(SUM_BYTES)) === Buffer.from(bytes.buffer, bytes.byteOffset, SUM_BYTES).readUInt32BE();

/** Kirsch and Mitzenmacher: two hashes give any number of probes. */
const probed = (one: number, other: number, probe: number, bits: number): number =>
  ((one + Math.imul(probe, other)) >>> 0) % bits;

const hashes = (key: number): readonly [one: number, other: number] => [mixed(key), mixed(key ^ 0x9e3779b9) | 1];

/** MurmurHash3's last step. */
const mixed = (key: number): number => {
  const half = Math.imul(key ^ (key >>> 16), 0x85ebca6b);
  const most = Math.imul(half ^ (half >>> 13), 0xc2b2ae35);
  return most ^ (most >>> 16);
};
