/**
 * The index of one sealed segment: a file that is made once from the segment's lines and never changed, so that nobody has to lock it. It vouches
 * for itself by a checksum over all its bytes, and belongs to the segment whose last line it names. Stories that begin or end in another segment
 * are not in it as such: it says where their lines are, and the live index has them.
 */
import { randomUUID } from "node:crypto";
import { closeSync, openSync, readSync, renameSync, rmSync, statSync, writeSync } from "node:fs";
import type { DatabaseSync } from "node:sqlite";
import { crc32 } from "node:zlib";
import { nodeDisk } from "../disk.ts";
import { places } from "../places.ts";
import { withSegment } from "../segment.ts";
import { readMicros } from "../time.ts";
import { Facets } from "./facets.ts";
import { digestOf, lineAt, readBatch } from "./lines.ts";
import {
  createSegmentDatabase,
  finishSegmentDatabase,
  isDatabaseFault,
  openUnchanged,
  VERSION,
  versionOf,
} from "./schema.ts";
import { summaryIn, type OwnSummary } from "./summary.ts";
import { Writer } from "./write.ts";

/** From its first index to the one behind its last. */
export type Extent = { readonly first: number; readonly end: number };

/** A line of a story that spans segments. */
export type Seam = { readonly at: number; readonly position: number };

export type SegmentIndex = Extent & {
  readonly database: DatabaseSync;
  readonly facets: Facets;
  /** Where the last line begins, and its digest. */
  readonly position: number;
  readonly line: Uint8Array;
  /** Of the first line, microseconds since 1970. */
  readonly time: number;
  /** Whether its file was removed, replaced or written to. */
  readonly isGone: () => boolean;
  readonly summary: () => OwnSummary;
  readonly seams: () => readonly Seam[];
  /** Lines that may be about a Do-Not-Call, in their order. */
  readonly doNotCalls: () => readonly Seam[];
};

/** Makes it at `path`, whole or not at all. Rejects when the lines are not those of the extent. */
export const buildSegmentIndex = async (dir: string, path: string, { first, end }: Extent): Promise<void> => {
  const temporary = `${path}.${randomUUID()}.tmp`;
  try {
    const database = createSegmentDatabase(temporary);
    try {
      await fill(database, dir, { first, end });
      finishSegmentDatabase(database, first);
    } finally {
      database.close();
    }
    seal(temporary);
    renameSync(temporary, path);
  } finally {
    rmSync(temporary, { force: true });
  }
};

const fill = async (database: DatabaseSync, dir: string, { first, end }: Extent): Promise<void> => {
  const writer = new Writer(database);
  const ends: number[] = [];
  let time: number | undefined;
  let [index, from, position] = [first, 0, 0];
  let line: Uint8Array = new Uint8Array();
  await withSegment(nodeDisk, dir, first, async (file) => {
    while (index < end) {
      const read = await readBatch(file, { dir, first, index, from });
      if (read.batch.length === 0) break;
      time ??= readMicros(read.batch[0]!.entry.time);
      const begunElsewhere = writer.write(read.batch);
      ends.push(...begunElsewhere);
      index += read.batch.length;
      ({ line, next: from } = read);
      ({ position } = read.batch.at(-1)!);
    }
  });
  if (index !== end)
    throw new Error(
      `the segment of index ${first} ends at ${index}, and the next one begins at ${end}: ocsgw audit verify tells what is wrong`,
    );
  const seam = database.prepare("INSERT INTO seam SELECT at, position FROM stories WHERE at = ?");
  for (const at of ends) seam.run(at);
  database.exec(
    "INSERT OR IGNORE INTO seam SELECT stories.at, position FROM open JOIN stories USING (at); DELETE FROM stories WHERE at IN (SELECT at FROM seam)",
  );
  database
    .prepare("INSERT INTO about VALUES (1, ?, ?, ?, ?, ?, ?)")
    .run(first, end, position, line, time ?? 0, JSON.stringify(summaryIn(database)));
};

/** Where SQLite keeps a number of the application, which stands for the rest of the file here. */
const SUM_AT = 68;
const SUM_BYTES = 4;

/** One for all, so that looking at many files leaves nothing to collect. */
const chunk = Buffer.alloc(1 << 20);

/** What the sum should be, and what it is; undefined of a file that has no room for it. */
const sumsIn = (file: number): { readonly is: number; readonly said: number } | undefined => {
  let [is, said, position] = [0, 0, 0];
  for (
    let got = readSync(file, chunk, 0, chunk.length, 0);
    got > 0;
    got = readSync(file, chunk, 0, chunk.length, position)
  ) {
    if (position === 0) {
      if (got < SUM_AT + SUM_BYTES) return undefined;
      said = chunk.readUInt32BE(SUM_AT);
      is = crc32(chunk.subarray(SUM_AT + SUM_BYTES, got), crc32(chunk.subarray(0, SUM_AT)));
    } else is = crc32(chunk.subarray(0, got), is);
    position += got;
  }
  return position === 0 ? undefined : { is, said };
};

const onFile = <Result>(path: string, flags: "r" | "r+", work: (file: number) => Result): Result => {
  const file = openSync(path, flags);
  try {
    return work(file);
  } finally {
    closeSync(file);
  }
};

/** It is not flushed: what a power cut takes away the sum shows. */
const seal = (path: string): void =>
  onFile(path, "r+", (file) => {
    const sum = Buffer.alloc(SUM_BYTES);
    sum.writeUInt32BE(sumsIn(file)!.is);
    writeSync(file, sum, 0, SUM_BYTES, SUM_AT);
  });

/** Files whose every byte was looked at by this process. */
const seen = new Set<string>();
const MOST_SEEN = 100_000;

/** Another one when the file was replaced or written to; undefined when there is none. */
const versionOfFile = (path: string): string | undefined => {
  const found = statSync(path, { throwIfNoEntry: false });
  return found && [path, found.dev, found.ino, found.size, found.mtimeMs].join(" ");
};

const isSound = (path: string): boolean => {
  const name = versionOfFile(path);
  if (name === undefined) return false;
  if (seen.has(name)) return true;
  const sums = onFile(path, "r", sumsIn);
  if (!sums || sums.is !== sums.said) return false;
  if (seen.size >= MOST_SEEN) seen.clear();
  seen.add(name);
  return true;
};

/** Undefined when there is none, when it is damaged, of another version, or not of these lines. */
export const openSegmentIndex = async (
  dir: string,
  path: string,
  extent: Extent,
): Promise<SegmentIndex | undefined> => {
  if (!isSound(path)) return undefined;
  let database: DatabaseSync | undefined;
  try {
    database = openUnchanged(path);
    const index = versionOf(database) === VERSION ? indexIn(database, path) : undefined;
    if (index && index.first === extent.first && index.end === extent.end && (await isOfItsLines(dir, index, path)))
      return index;
  } catch (error) {
    if (!isDatabaseFault(error)) {
      database?.close();
      throw error;
    }
  }
  database?.close();
  return undefined;
};

/** Of what spans segments only the lines tell what it is about. */
const ASKED = `SELECT at, position, closed, closed_position FROM stories
  WHERE facet IN (SELECT facet FROM facets WHERE json_extract(says, '$.action') = 'DoNotCall')`;
const DO_NOT_CALLS = `WITH asked AS (${ASKED})
  SELECT at, position FROM asked
  UNION SELECT at + closed, position + closed_position FROM asked WHERE closed IS NOT NULL
  UNION SELECT at, position FROM seam ORDER BY 1`;

const indexIn = (database: DatabaseSync, path: string): SegmentIndex => {
  const as = versionOfFile(path);
  const about = database.prepare("SELECT first, end, position, line, time FROM about").get() as unknown as Pick<
    SegmentIndex,
    "first" | "end" | "position" | "line" | "time"
  >;
  return {
    ...about,
    isGone: () => versionOfFile(path) !== as,
    database,
    facets: new Facets(database),
    summary: () => JSON.parse(String(database.prepare("SELECT summary FROM about").get()!["summary"])) as OwnSummary,
    seams: () => database.prepare("SELECT at, position FROM seam ORDER BY at").all() as unknown as Seam[],
    doNotCalls: () => database.prepare(DO_NOT_CALLS).all() as unknown as Seam[],
  };
};

/** Indexes whose last line was looked for by this process, with the files in which it was found. */
const placed = new Set<string>();

const isOfItsLines = async (dir: string, { first, position, line }: SegmentIndex, path: string): Promise<boolean> => {
  const { segment, compressed } = places(dir);
  const as = [path, segment(first), compressed(first)].map(versionOfFile).join("\n");
  if (placed.has(as)) return true;
  const found = await withSegment(nodeDisk, dir, first, (file) => lineAt(file, position));
  if (found === undefined || !digestOf(found).equals(line)) return false;
  if (placed.size >= MOST_SEEN) placed.clear();
  placed.add(as);
  return true;
};
