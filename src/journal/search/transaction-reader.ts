/** Reads transactions at the places that an index gives. */
import { nodeDisk } from "../disk.ts";
import type { Recorded } from "../entry.ts";
import { isAsWritten } from "../integrity/entry-proof.ts";
import { openSegment, type SegmentFile } from "../segments/segment.ts";
import type { SegmentList } from "../segments/segment-list.ts";
import { damagedLine, lineAt, parseEntry } from "./index/segment-lines.ts";
import { StaleIndex, type Candidate } from "./index/search-index.ts";
import type { Transaction } from "./transaction.ts";

/** Each row of a page can be in another segment, and each open segment takes a file descriptor. */
const MOST_FILES = 8;

/** Reads transactions by index and byte; keeps the last used segments open. */
export class TransactionReader {
  readonly #dir: string;
  readonly #segments: SegmentList;
  #firsts: readonly number[] | undefined;
  /** In order of their last use. */
  readonly #files = new Map<number, SegmentFile>();

  constructor(dir: string, segments: SegmentList) {
    [this.#dir, this.#segments] = [dir, segments];
  }

  /** The lines of the last transaction. */
  lines: Buffer[] = [];

  get bytes(): number {
    return this.lines.reduce((sum, { length }) => sum + length, 0);
  }

  async transaction({ at, position, closed, closed_position }: Candidate): Promise<Transaction> {
    this.lines = [];
    const entries = [await this.#entry(at, position)];
    if (closed !== null && closed_position !== null) entries.push(await this.#entry(closed, closed_position));
    return { at, entries };
  }

  async close(): Promise<void> {
    for (const file of this.#files.values()) await file.close();
  }

  /** Throws StaleIndex if another line is there, and LineDamaged if the line was changed. */
  async #entry(index: number, position: number): Promise<Recorded> {
    const { first, file } = await this.#segmentOf(index);
    const line = await lineAt(file, position);
    const entry = line && parseEntry(line.toString("utf8"));
    if (!line || entry?.index !== index) throw new StaleIndex(`no line of index ${index} at byte ${position}`, [index]);
    const part = { bytes: line, start: 0, end: line.length, index };
    if (!(await isAsWritten({ disk: nodeDisk, dir: this.#dir }, first, part))) throw damagedLine(first, index);
    this.lines.push(line);
    return entry;
  }

  async #segmentOf(index: number): Promise<{ readonly first: number; readonly file: SegmentFile }> {
    this.#firsts ??= (await this.#segments.read()).firsts;
    const first = this.#firsts.findLast((each) => each <= index);
    if (first === undefined) throw new StaleIndex(`no segment for index ${index}`, [index]);
    const file = this.#files.get(first) ?? (await openSegment(nodeDisk, this.#dir, first));
    this.#files.delete(first);
    this.#files.set(first, file);
    const [oldest] = this.#files.keys();
    if (this.#files.size > MOST_FILES) {
      await this.#files.get(oldest!)!.close();
      this.#files.delete(oldest!);
    }
    return { first, file };
  }
}
