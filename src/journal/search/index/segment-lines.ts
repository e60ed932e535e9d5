/** Reads lines of a segment for the indexes: in batches, or one at a given byte. */
import { hash } from "node:crypto";
import { nodeDisk, readAll } from "../../disk.ts";
import type { Recorded } from "../../entry.ts";
import { isDeletedLine } from "../../segments/retention/deleted-lines.ts";
import { areDeletedLinesExplained } from "../../segments/retention/explained-deletions.ts";
import { readLine } from "../../entry-line.ts";
import { forEachLine } from "../../read/read-lines.ts";
import { segmentName } from "../../paths.ts";
import { isAsWritten, type Part } from "../../integrity/entry-proof.ts";
import { hasValidChecksum } from "../../integrity/line-checksum.ts";
import type { SegmentFile } from "../../segments/segment.ts";
import { StaleIndex } from "./stale-index.ts";
import type { LocatedEntry } from "./index-writer.ts";

const BATCH = 5000;
const LINE_BYTES = 4096;

/** The journal cannot be searched until the segment is put back from a copy or set aside. */
export class LineDamaged extends Error {
  override readonly name = "LineDamaged";
}

const WHAT_TO_DO =
  "so the journal cannot be searched. To see the damage: ocsgw audit verify -c FILE. To take the segment out of the " +
  "journal: ocsgw audit set-aside -c FILE SEGMENT";

const locationOf = (first: number, position: number): string => `${segmentName(first)}: the line at byte ${position}`;

/** The error for the line of this index in the segment that begins with `first`. */
export const damagedLine = (first: number, index: number): LineDamaged =>
  new LineDamaged(`${segmentName(first)}: the line of index ${index} is not as it was written, ${WHAT_TO_DO}`);

/** Undefined if the line is not an entry. */
export const parseEntry = (line: string): Recorded | undefined => {
  try {
    return readLine(line);
  } catch {
    return undefined;
  }
};

/** `line`: the digest of the last line; `next`: the byte after it. */
export type Batch = { readonly batch: readonly LocatedEntry[]; readonly line: Buffer; readonly next: number };

/** `first`: identifies the segment; `index`: of the line at byte `from`. */
export type Place = { readonly dir: string; readonly first: number; readonly index: number; readonly from: number };

/** Throws LineDamaged. */
export const readBatch = async (file: SegmentFile, { dir, first, index, from }: Place): Promise<Batch> => {
  const batch: LocatedEntry[] = [];
  // Without a valid checksum, the recorded leaf hash decides.
  const withoutChecksum: Part[] = [];
  let [position, expected, hasDeleted] = [from, index, false];
  let line: Buffer = Buffer.alloc(0);
  await forEachLine(
    file,
    (bytes, start, end) => {
      if (batch.length === BATCH) return false;
      if (isDeletedLine(bytes, start, end)) {
        hasDeleted = true;
        expected++;
        position += end - start + 1;
        return true;
      }
      const entry = parseEntry(bytes.toString("utf8", start, end));
      if (entry?.index !== expected) {
        const found = entry ? ` should have index ${expected}` : `, of index ${expected}, is not JSON`;
        throw new LineDamaged(`${locationOf(first, position)}${found}, ${WHAT_TO_DO}`);
      }
      if (!hasValidChecksum(bytes, start, end))
        withoutChecksum.push({
          bytes: Buffer.from(bytes.subarray(start, end)),
          start: 0,
          end: end - start,
          index: expected,
        });
      batch.push({ entry, position });
      expected++;
      position += end - start + 1;
      return true;
    },
    from,
  );
  for (const part of withoutChecksum) {
    if (!(await isAsWritten({ disk: nodeDisk, dir }, first, part))) throw damagedLine(first, part.index);
  }
  if (hasDeleted && !(await isExplained(file, dir, first)))
    throw new LineDamaged(`${segmentName(first)}: lines are deleted and no signed entry says so, ${WHAT_TO_DO}`);
  const last = batch.at(-1);
  if (last) line = digestOf((await lineAt(file, last.position))!);
  return { batch, line, next: position };
};

/** Files whose deleted lines are explained; the lines of an open file do not change. */
const explained = new WeakSet<SegmentFile>();

const isExplained = async (file: SegmentFile, dir: string, first: number): Promise<boolean> => {
  if (!explained.has(file) && (await areDeletedLinesExplained({ disk: nodeDisk, dir }, first))) explained.add(file);
  return explained.has(file);
};

/** The entry at byte `from`. Throws StaleIndex if it has another index, and LineDamaged. */
export const readEntryAt = async (file: SegmentFile, { dir, first, index, from }: Place): Promise<LocatedEntry> => {
  const line = await lineAt(file, from);
  const entry = line && parseEntry(line.toString("utf8"));
  if (!line || entry?.index !== index) throw new StaleIndex(`no line of index ${index} at byte ${from}`, [index]);
  if (!(await isAsWritten({ disk: nodeDisk, dir }, first, { bytes: line, start: 0, end: line.length, index })))
    throw damagedLine(first, index);
  return { entry, position: from };
};

export const digestOf = (line: Uint8Array): Buffer => hash("sha256", line, "buffer");

/** Undefined if the file ends before the line does. */
export const lineAt = async (file: SegmentFile, position: number): Promise<Buffer | undefined> => {
  for (let length = LINE_BYTES; ; length *= 4) {
    const bytes = await readAll(file, position, length);
    const end = bytes.indexOf("\n");
    if (end >= 0) return bytes.subarray(0, end);
    if (bytes.length < length) return undefined;
  }
};

export const endOfLine = async (file: SegmentFile, position: number): Promise<number> =>
  position + ((await lineAt(file, position))?.length ?? -1) + 1;
