/** Lines of a segment for the indexes: in batches, and one by its place. */
import { hash } from "node:crypto";
import { nodeDisk, readAll } from "../disk.ts";
import type { Recorded } from "../entry.ts";
import { readLine } from "../entry-line.ts";
import { forEachLine } from "../lines.ts";
import { segmentName } from "../places.ts";
import { isAsWritten, type Part } from "../proof.ts";
import { isSealed } from "../seal.ts";
import type { SegmentFile } from "../segment.ts";
import { Misplaced } from "./misplaced.ts";
import type { Placed } from "./write.ts";

const BATCH = 5000;
const LINE_BYTES = 4096;

/** A segment has to be put back or set aside before anything can be searched. */
export class LineDamaged extends Error {
  override readonly name = "LineDamaged";
}

const WHAT_TO_DO =
  "so the journal cannot be searched; ocsgw audit verify tells what is wrong, ocsgw audit set-aside takes the segment out";

const saysWhere = (first: number, position: number): string => `${segmentName(first)}: the line at byte ${position}`;

/** The line of this index, of the segment that begins with `first`. */
export const damagedLine = (first: number, index: number): LineDamaged =>
  new LineDamaged(`${segmentName(first)}: the line of index ${index} is not as it was written, ${WHAT_TO_DO}`);

/** Undefined when it is no entry. */
export const readOrNothing = (line: string): Recorded | undefined => {
  try {
    return readLine(line);
  } catch {
    return undefined;
  }
};

/** `line`: the digest of the batch's last one; `next`: the byte behind it. */
export type Batch = { readonly batch: readonly Placed[]; readonly line: Buffer; readonly next: number };

/** `first`: the segment; `index`: that of the line at byte `from`. */
export type Place = { readonly dir: string; readonly first: number; readonly index: number; readonly from: number };

/** Throws LineDamaged. */
export const readBatch = async (file: SegmentFile, { dir, first, index, from }: Place): Promise<Batch> => {
  const batch: Placed[] = [];
  // Written without a checksum, or damaged: the recorded leaf hash tells.
  const unsealed: Part[] = [];
  let position = from;
  let line: Buffer = Buffer.alloc(0);
  await forEachLine(
    file,
    (bytes, start, end) => {
      if (batch.length === BATCH) return false;
      const entry = readOrNothing(bytes.toString("utf8", start, end));
      const expected = index + batch.length;
      if (entry?.index !== expected) {
        const found = entry ? ` should have index ${expected}` : `, of index ${expected}, is no JSON`;
        throw new LineDamaged(`${saysWhere(first, position)}${found}, ${WHAT_TO_DO}`);
      }
      if (!isSealed(bytes, start, end))
        unsealed.push({ bytes: Buffer.from(bytes.subarray(start, end)), start: 0, end: end - start, index: expected });
      batch.push({ entry, position });
      position += end - start + 1;
      return true;
    },
    from,
  );
  for (const part of unsealed) {
    if (!(await isAsWritten({ disk: nodeDisk, dir }, first, part))) throw damagedLine(first, part.index);
  }
  const last = batch.at(-1);
  if (last) line = digestOf((await lineAt(file, last.position))!);
  return { batch, line, next: position };
};

/** The line of this index at byte `from`. Throws Misplaced where another one is there, and LineDamaged. */
export const readPlaced = async (file: SegmentFile, { dir, first, index, from }: Place): Promise<Placed> => {
  const line = await lineAt(file, from);
  const entry = line && readOrNothing(line.toString("utf8"));
  if (!line || entry?.index !== index) throw new Misplaced(`no line of index ${index} at byte ${from}`, [index]);
  if (!(await isAsWritten({ disk: nodeDisk, dir }, first, { bytes: line, start: 0, end: line.length, index })))
    throw damagedLine(first, index);
  return { entry, position: from };
};

export const digestOf = (line: Uint8Array): Buffer => hash("sha256", line, "buffer");

/** Undefined when the file ends before the line does. */
export const lineAt = async (file: SegmentFile, position: number): Promise<Buffer | undefined> => {
  for (let length = LINE_BYTES; ; length *= 4) {
    const bytes = await readAll(file, position, length);
    const end = bytes.indexOf("\n");
    if (end >= 0) return bytes.subarray(0, end);
    if (bytes.length < length) return undefined;
  }
};

export const behindLine = async (file: SegmentFile, position: number): Promise<number> =>
  position + ((await lineAt(file, position))?.length ?? -1) + 1;
