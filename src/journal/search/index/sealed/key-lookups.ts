/**
 * The transactions of a sealed segment by person, record or campaign group: a table of keys (`bloom-filters.ts`) and
 * places, in parts of a few hundred bytes. It takes less than half the space of SQLite's indexes. Different names can
 * have the same key, so the caller reads the lines and evaluates the filter again.
 *
 * A part has pairs ordered by key and place, each as two varints (LEB128): the difference of the key to the previous
 * key (to 0 for the first), and the place, counted from the segment's first index; for an equal key, the difference of
 * the place to the previous place.
 */
import type { DatabaseSync } from "node:sqlite";
import { KEY_BITS, pairsOf, type Pair } from "./bloom-filters.ts";

export const LOOKUPS = "CREATE TABLE lookups (part INTEGER PRIMARY KEY, pairs BLOB NOT NULL) STRICT;";

const PAIRS_IN_PART = 48;

/** Keys are checksums, so the parts are of similar size. */
const partOf = (key: number, parts: number): number => Math.floor((key * parts) / 2 ** KEY_BITS);

/** Writes the lookups of all rows of `transactions`. `first`: the first index of the segment. */
export const writeLookups = (database: DatabaseSync, first: number): void => {
  const pairs = [...pairsOf(database)].toSorted(([key, at], [other, otherAt]) => key - other || at - otherAt);
  const parts = Math.max(1, Math.ceil(pairs.length / PAIRS_IN_PART));
  const insert = database.prepare("INSERT INTO lookups VALUES (?, ?)");
  let next = 0;
  for (let part = 0; part < parts; part++) {
    const some: Pair[] = [];
    while (next < pairs.length && partOf(pairs[next]![0], parts) === part) some.push(pairs[next++]!);
    insert.run(part, packed(some, first));
  }
};

const packed = (pairs: readonly Pair[], first: number): Uint8Array => {
  const bytes: number[] = [];
  let [last, lastAt] = [0, -1];
  for (const [key, at] of pairs) {
    const isSame = key === last && lastAt >= 0;
    // A transaction may contain the same person twice.
    if (isSame && at === lastAt) continue;
    put(bytes, key - last);
    put(bytes, isSame ? at - lastAt : at - first);
    [last, lastAt] = [key, at];
  }
  return Uint8Array.from(bytes);
};

const put = (bytes: number[], number: number): void => {
  let rest = number;
  for (; rest >= 0x80; rest = Math.floor(rest / 0x80)) bytes.push((rest % 0x80) | 0x80);
  bytes.push(rest);
};

const unpacked = function* (bytes: Uint8Array, first: number): Generator<Pair, void, undefined> {
  let position = 0;
  const take = (): number => {
    let [number, scale] = [0, 1];
    for (;;) {
      const byte = bytes[position++] ?? 0;
      number += (byte & 0x7f) * scale;
      if (byte < 0x80) return number;
      scale *= 0x80;
    }
  };
  for (let [key, at] = [0, -1]; position < bytes.length;) {
    const further = take();
    const isSame = further === 0 && at >= 0;
    key += further;
    at = take() + (isSame ? at : first);
    yield [key, at];
  }
};

/** Indexes of transactions that may have one of the keys, newest first. `first`: the first index of the segment. */
export const transactionsWith = (database: DatabaseSync, first: number, keys: readonly number[]): readonly number[] => {
  const parts = Number(database.prepare("SELECT max(part) + 1 AS parts FROM lookups").get()!["parts"]);
  const find = database.prepare("SELECT pairs FROM lookups WHERE part = ?");
  const found = new Set<number>();
  for (const wanted of keys) {
    for (const [key, at] of unpacked(find.get(partOf(wanted, parts))!["pairs"] as Uint8Array, first)) {
      if (key === wanted) found.add(at);
    }
  }
  return [...found].toSorted((one, other) => other - one);
};

/** The keys of all transactions; a key can occur more than once. */
export const keysIn = function* (database: DatabaseSync): Generator<number, void, undefined> {
  for (const row of database.prepare("SELECT pairs FROM lookups").iterate()) {
    for (const [key] of unpacked(row["pairs"] as Uint8Array, 0)) yield key;
  }
};
