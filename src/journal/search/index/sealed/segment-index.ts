/**
 * The index of one sealed segment: a file that is built once and never changed, so it needs no lock. A checksum over
 * all bytes protects it, and the digest of the segment's last line ties it to the segment. For transactions that begin
 * or end in another segment it only has the places of their lines; the live index has these transactions.
 */
import { randomUUID } from "node:crypto";
import { closeSync, openSync, readSync, renameSync, rmSync, statSync, writeSync } from "node:fs";
import type { DatabaseSync } from "node:sqlite";
import { crc32 } from "node:zlib";
import { nodeDisk } from "../../../disk.ts";
import { paths } from "../../../paths.ts";
import { withSegment } from "../../../segments/segment.ts";
import { readMicros } from "../../../time.ts";
import { Facets } from "../facets.ts";
import { digestOf, lineAt, readBatch } from "../segment-lines.ts";
import {
  createSegmentDatabase,
  finishSegmentDatabase,
  isDatabaseFault,
  openUnchanged,
  VERSION,
  versionOf,
} from "../schema.ts";
import type { Extent } from "../../../segments/segment-list.ts";
import { summaryIn, type OwnSummary } from "./segment-summary.ts";
import { IndexWriter } from "../index-writer.ts";

/** The place of a line whose transaction spans segments. */
export type SpanningLine = { readonly at: number; readonly position: number };

export type SegmentIndex = Extent & {
  readonly database: DatabaseSync;
  readonly facets: Facets;
  /** The byte where the last line begins, and the digest of that line. */
  readonly position: number;
  readonly line: Uint8Array;
  /** The time of the first line, microseconds since 1970. */
  readonly time: number;
  /** Whether the file was removed, replaced or changed. */
  readonly isGone: () => boolean;
  readonly summary: () => OwnSummary;
  readonly spanningLines: () => readonly SpanningLine[];
  /** Lines that may concern a Do-Not-Call, in order. */
  readonly doNotCalls: () => readonly SpanningLine[];
};

/** Builds the index at `path` atomically. Rejects if the lines do not match the extent. */
export const buildSegmentIndex = async (dir: string, path: string, { first, end }: Extent): Promise<void> => {
  const temporary = `${path}.${randomUUID()}.tmp`;
  const { segment, compressed } = paths(dir);
  const versions = (): string => [segment(first), compressed(first)].map(versionOfFile).join("\n");
  const of = versions();
  try {
    const database = createSegmentDatabase(temporary);
    try {
      await fill(database, dir, { first, end });
      finishSegmentDatabase(database, first);
    } finally {
      database.close();
    }
    writeChecksum(temporary);
    // The segment may have been rewritten meanwhile without deleted lines that this index still has.
    if (versions() === of) return renameSync(temporary, path);
  } finally {
    rmSync(temporary, { force: true });
  }
  return buildSegmentIndex(dir, path, { first, end });
};

const fill = async (database: DatabaseSync, dir: string, { first, end }: Extent): Promise<void> => {
  const writer = new IndexWriter(database);
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
      index = read.batch.at(-1)!.entry.index + 1;
      ({ line, next: from } = read);
      ({ position } = read.batch.at(-1)!);
    }
  });
  if (index !== end)
    throw new Error(
      `the segment of index ${first} ends at ${index}, but the next one begins at ${end}. To find out why: ` +
        "ocsgw audit verify -c FILE",
    );
  const spanning = database.prepare("INSERT INTO spanning SELECT at, position FROM transactions WHERE at = ?");
  for (const at of ends) spanning.run(at);
  database.exec(
    "INSERT OR IGNORE INTO spanning SELECT transactions.at, position FROM open JOIN transactions USING (at); " +
      "DELETE FROM transactions WHERE at IN (SELECT at FROM spanning)",
  );
  database
    .prepare("INSERT INTO about VALUES (1, ?, ?, ?, ?, ?, ?)")
    .run(first, end, position, line, time ?? 0, JSON.stringify(summaryIn(database)));
};

/** The byte of SQLite's application id, which holds the checksum of the rest of the file. */
const SUM_AT = 68;
const SUM_BYTES = 4;

/** One buffer for all files, to avoid garbage. */
const chunk = Buffer.alloc(1 << 20);

/** The computed and the stored checksum; undefined if the file is too short. */
const readChecksums = (file: number): { readonly is: number; readonly said: number } | undefined => {
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

/** Without a flush: the checksum shows damage by a power cut. */
const writeChecksum = (path: string): void =>
  onFile(path, "r+", (file) => {
    const sum = Buffer.alloc(SUM_BYTES);
    sum.writeUInt32BE(readChecksums(file)!.is);
    writeSync(file, sum, 0, SUM_BYTES, SUM_AT);
  });

/** Files whose checksum this process has verified. */
const checkedFiles = new Set<string>();
const MOST_CHECKED = 100_000;

/** Identifies the content of a file: it changes when the file is replaced or written. Undefined if there is no file. */
const versionOfFile = (path: string): string | undefined => {
  const found = statSync(path, { throwIfNoEntry: false });
  return found && [path, found.dev, found.ino, found.size, found.mtimeMs].join(" ");
};

const isIntact = (path: string): boolean => {
  const name = versionOfFile(path);
  if (name === undefined) return false;
  if (checkedFiles.has(name)) return true;
  const sums = onFile(path, "r", readChecksums);
  if (!sums || sums.is !== sums.said) return false;
  if (checkedFiles.size >= MOST_CHECKED) checkedFiles.clear();
  checkedFiles.add(name);
  return true;
};

/** Undefined if the index is missing, damaged, of another version, or does not match the segment. */
export const openSegmentIndex = async (
  dir: string,
  path: string,
  extent: Extent,
): Promise<SegmentIndex | undefined> => {
  if (!isIntact(path)) return undefined;
  let database: DatabaseSync | undefined;
  try {
    database = openUnchanged(path);
    const index = versionOf(database) === VERSION ? indexIn(database, path) : undefined;
    if (index && index.first === extent.first && index.end === extent.end && (await matchesSegment(dir, index, path)))
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

/** For spanning lines only the lines themselves tell whether they concern a Do-Not-Call. */
const ASKED = `SELECT at, position, closed, closed_position FROM transactions
  WHERE facet IN (SELECT facet FROM facets WHERE json_extract(text, '$.action') = 'DoNotCall')`;
const DO_NOT_CALLS = `WITH asked AS (${ASKED})
  SELECT at, position FROM asked
  UNION SELECT at + closed, position + closed_position FROM asked WHERE closed IS NOT NULL
  UNION SELECT at, position FROM spanning ORDER BY 1`;

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
    spanningLines: () =>
      database.prepare("SELECT at, position FROM spanning ORDER BY at").all() as unknown as SpanningLine[],
    doNotCalls: () => database.prepare(DO_NOT_CALLS).all() as unknown as SpanningLine[],
  };
};

/** Indexes that this process has compared with their segment, with the files of both. */
const matchedFiles = new Set<string>();

const matchesSegment = async (dir: string, { first, position, line }: SegmentIndex, path: string): Promise<boolean> => {
  const { segment, compressed } = paths(dir);
  const as = [path, segment(first), compressed(first)].map(versionOfFile).join("\n");
  if (matchedFiles.has(as)) return true;
  const found = await withSegment(nodeDisk, dir, first, (file) => lineAt(file, position));
  if (found === undefined || !digestOf(found).equals(line)) return false;
  if (matchedFiles.size >= MOST_CHECKED) matchedFiles.clear();
  matchedFiles.add(as);
  return true;
};
