/**
 * The entries of a journal as they were written, oldest first; deleted ones are left out. It may run beside the process
 * that writes: an incomplete line is left out.
 */
import { nodeDisk, type Disk } from "../disk.ts";
import type { Recorded } from "../entry.ts";
import { readLine } from "../entry-line.ts";
import { forEachLine } from "./read-lines.ts";
import { segmentName } from "../paths.ts";
import { isDeletedLine } from "../segments/retention/deleted-lines.ts";
import { firstsOf, openSegment } from "../segments/segment.ts";

export type Range = {
  /** The first index to read. */
  readonly from?: number;
  /** The index after the last one to read. */
  readonly to?: number;
};

/** An entry and its line, without the `\n`. */
export type Line = { readonly entry: Recorded; readonly text: string };

const BATCH = 1000;

/** Throws an error that names segment and line when a line is not valid JSON. */
export const readEntries = async function* (
  dir: string,
  range: Range = {},
  disk: Disk = nodeDisk,
): AsyncGenerator<Recorded, void, undefined> {
  for await (const { entry } of readLines(dir, range, disk)) yield entry;
};

/** The same, with the lines themselves. */
export const readLines = async function* (
  dir: string,
  { from = 0, to = Number.POSITIVE_INFINITY }: Range = {},
  disk: Disk = nodeDisk,
): AsyncGenerator<Line, void, undefined> {
  const firsts = await firstsOf(disk, dir);
  for (const [place, first] of firsts.entries()) {
    if (first >= to) return;
    if ((firsts[place + 1] ?? Number.POSITIVE_INFINITY) <= from) continue;
    yield* readSegment(disk, dir, first, { from: from - first, to: to - first });
  }
};

/** `from` and `to` count the segment's lines from 0. */
const readSegment = async function* (
  disk: Disk,
  dir: string,
  first: number,
  { from, to }: Required<Range>,
): AsyncGenerator<Line, void, undefined> {
  const file = await openSegment(disk, dir, first);
  try {
    let line = 0;
    let position = 0;
    for (let batch: { readonly text: string; readonly line: number }[] = []; ; batch = []) {
      position = await forEachLine(
        file,
        (bytes, start, end) => {
          if (batch.length === BATCH || line >= to) return false;
          if (line >= from && !isDeletedLine(bytes, start, end))
            batch.push({ text: bytes.toString("utf8", start, end), line });
          line++;
          return true;
        },
        position,
      );
      if (batch.length === 0) return;
      for (const each of batch) yield { text: each.text, entry: readOrThrow(each.text, first, each.line) };
    }
  } finally {
    await file.close();
  }
};

const readOrThrow = (text: string, first: number, line: number): Recorded => {
  try {
    return readLine(text);
  } catch (error) {
    throw new Error(`${segmentName(first)} line ${line + 1}: not JSON`, { cause: error });
  }
};
