/**
 * Which stories of a sealed segment name a person, a record or a campaign group: by key (`names.ts`) the places of the
 * stories, in parts of a few hundred bytes. A table of keys and places instead of SQLite's indexes, which take more than
 * twice as much. A key may be that of another name too: who takes a story reads its lines and asks the filter again.
 *
 * A part holds pairs in the order of keys and places, each as two varints (LEB128): how much larger the key is than the
 * one before it (the first: than 0), and the story's place, counted from the segment's first index; of a key that is the
 * same as before, how much further the place is.
 */
import type { DatabaseSync } from "node:sqlite";
import { KEY_BITS, pairsOf, type Pair } from "./names.ts";

export const LOOKUPS = "CREATE TABLE lookups (part INTEGER PRIMARY KEY, pairs BLOB NOT NULL) STRICT;";

const PAIRS_IN_PART = 48;

/** Parts have about as many keys each, because keys are checksums. */
const partOf = (key: number, parts: number): number => Math.floor((key * parts) / 2 ** KEY_BITS);

/** Of all stories of the segment that begins with `first`, whose names are in the columns of `stories`. */
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
    // A story may name the same person twice.
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

/** Indexes of stories that may have one of the keys, the youngest first. `first`: that of the segment. */
export const storiesWith = (database: DatabaseSync, first: number, keys: readonly number[]): readonly number[] => {
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

/** Of all stories; a key may come more than once. */
export const keysIn = function* (database: DatabaseSync): Generator<number, void, undefined> {
  for (const row of database.prepare("SELECT pairs FROM lookups").iterate()) {
    for (const [key] of unpacked(row["pairs"] as Uint8Array, 0)) yield key;
  }
};
