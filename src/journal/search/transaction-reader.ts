/** Reads transactions at the places that an index gives. */
import { nodeDisk } from "../disk.ts";
import type { Recorded } from "../entry.ts";
import { isAsWritten } from "../integrity/entry-proof.ts";
import { openSegment, type SegmentFile } from "../segments/segment.ts";
import type { SegmentList } from "../segments/segment-list.ts";
import { MOST_AHEAD } from "./read-ahead.ts";
import { damagedLine, lineAt, parseEntry } from "./index/segment-lines.ts";
import { StaleIndex, type Candidate } from "./index/search-index.ts";
import type { Transaction } from "./transaction.ts";

/**
 * Each row of a page can be in another segment, and each open segment takes a file descriptor. While a read waits, the
 * others under way use at most two segments each, so its own is not closed.
 */
const MOST_FILES = 2 * MOST_AHEAD - 1;

/** A transaction with its lines, in the order of its entries. */
export type ReadTransaction = { readonly transaction: Transaction; readonly lines: readonly Buffer[] };

/** Reads transactions by index and byte, up to MOST_AHEAD at once; keeps the last used segments open. */
export class TransactionReader {
  readonly #dir: string;
  readonly #segments: SegmentList;
  #firsts: readonly number[] | undefined;
  /** In order of their last use. */
  readonly #files = new Map<number, Promise<SegmentFile>>();

  constructor(dir: string, segments: SegmentList) {
    [this.#dir, this.#segments] = [dir, segments];
  }

  async read({ at, position, closed, closed_position }: Candidate): Promise<ReadTransaction> {
    const parts = [await this.#entry(at, position)];
    if (closed !== null && closed_position !== null) parts.push(await this.#entry(closed, closed_position));
    return {
      transaction: { at, entries: parts.map(({ entry }) => entry) },
      lines: parts.map(({ line }) => line),
    };
  }

  async close(): Promise<void> {
    for (const file of this.#files.values()) await closeIfOpen(file);
  }

  /** Throws StaleIndex if another line is there, and LineDamaged if the line was changed. */
  async #entry(index: number, position: number): Promise<{ readonly entry: Recorded; readonly line: Buffer }> {
    const { first, file } = await this.#segmentOf(index);
    const line = await lineAt(file, position);
    const entry = line && parseEntry(line.toString("utf8"));
    if (!line || entry?.index !== index) throw new StaleIndex(`no line of index ${index} at byte ${position}`, [index]);
    const part = { bytes: line, start: 0, end: line.length, index };
    if (!(await isAsWritten({ disk: nodeDisk, dir: this.#dir }, first, part))) throw damagedLine(first, index);
    return { entry, line };
  }

  async #segmentOf(index: number): Promise<{ readonly first: number; readonly file: SegmentFile }> {
    this.#firsts ??= (await this.#segments.read()).firsts;
    const first = this.#firsts.findLast((each) => each <= index);
    if (first === undefined) throw new StaleIndex(`no segment for index ${index}`, [index]);
    const file = this.#files.get(first) ?? openSegment(nodeDisk, this.#dir, first);
    this.#files.delete(first);
    this.#files.set(first, file);
    const [oldest] = this.#files;
    if (oldest && this.#files.size > MOST_FILES) {
      this.#files.delete(oldest[0]);
      await closeIfOpen(oldest[1]);
    }
    return { first, file: await file };
  }
}

/** A file that could not be opened was reported to who wanted it. */
const closeIfOpen = async (opening: Promise<SegmentFile>): Promise<void> => {
  const file = await opening.catch(() => undefined);
  await file?.close();
};
