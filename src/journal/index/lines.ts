/** Lines of a segment for the indexes: in batches, and one by its place. */
import { hash } from "node:crypto";
import { readAll } from "../disk.ts";
import type { Recorded } from "../entry.ts";
import { readLine } from "../entry-line.ts";
import { forEachLine } from "../lines.ts";
import { segmentName } from "../places.ts";
import type { SegmentFile } from "../segment.ts";
import type { Placed } from "./write.ts";

const BATCH = 5000;
const LINE_BYTES = 4096;

/** A segment has to be put back or set aside before anything can be searched. */
export class LineDamaged extends Error {
  override readonly name = "LineDamaged";
}

const WHAT_TO_DO = "ocsgw audit verify tells what is wrong, ocsgw audit set-aside takes the segment out";

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

/** `first`: the segment; `index`: that of the line at byte `from`. Throws LineDamaged. */
export const readBatch = async (file: SegmentFile, { first, index, from }: { readonly first: number; readonly index: number; readonly from: number }): Promise<Batch> => {
  const batch: Placed[] = [];
  let position = from;
  let line: Buffer = Buffer.alloc(0);
  await forEachLine(file, (bytes, start, end) => {
    if (batch.length === BATCH) return false;
    const entry = readOrNothing(bytes.toString("utf8", start, end));
    const expected = index + batch.length;
    if (entry?.index !== expected) {
      const found = entry ? `should have index ${expected}` : `of index ${expected}, is no JSON, so the journal cannot be searched`;
      throw new LineDamaged(`${segmentName(first)}: the line at byte ${position}${entry ? " " : ", "}${found}; ${WHAT_TO_DO}`);
    }
    batch.push({ entry, position });
    position += end - start + 1;
    return true;
  }, from);
  const last = batch.at(-1);
  if (last) line = digestOf((await lineAt(file, last.position))!);
  return { batch, line, next: position };
};

export const digestOf = (line: Uint8Array): Buffer => hash("sha256", line, "buffer");

/** Undefined when the file ends before the line does. */
export const lineAt = async (file: SegmentFile, position: number): Promise<Buffer | undefined> => {
  for (let length = LINE_BYTES;; length *= 4) {
    const bytes = await readAll(file, position, length);
    const end = bytes.indexOf("\n");
    if (end >= 0) return bytes.subarray(0, end);
    if (bytes.length < length) return undefined;
  }
};

export const behindLine = async (file: SegmentFile, position: number): Promise<number> => position + ((await lineAt(file, position))?.length ?? -1) + 1;
