/**
 * Reads the journal's lines in order, from one index on, and names every entry that is not there. A file is open only
 * while a portion is read, so that a deleted segment frees its space.
 */
import { nodeDisk } from "../disk.ts";
import type { Recorded } from "../entry.ts";
import { readLine } from "../entry-line.ts";
import { numbersIn, paths } from "../paths.ts";
import { forEachLine } from "../read/read-lines.ts";
import { spansIn, type Span } from "../segments/entry-ranges.ts";
import { isDeletedLine } from "../segments/retention/deleted-lines.ts";
import { openSegment } from "../segments/segment.ts";

export type EntryLine = { readonly entry: Recorded; readonly text: string };
/** Entries from `from` on, to before `to`. */
export type Missing = { readonly from: number; readonly to: number; readonly reason: MissingReason };
export type MissingReason = "deleted by retention" | "set aside as damaged" | "damaged" | "the journal was restored";

export type Portion = {
  readonly pieces: readonly (EntryLine | Missing)[];
  /** The next index. */ readonly next: number;
};

const MOST_LINES = 2000;
const MOST_BYTES = 1 << 20;

/** `at`: the byte of the segment's lines at which the line `next` begins. */
type Place = { readonly first: number; readonly at: number; readonly next: number };

export class SegmentReader {
  readonly #dir: string;
  #place: Place | undefined;

  constructor(dir: string) {
    this.#dir = dir;
  }

  /** Entries from `next` on, below `size`; `next` must be below it. Rejects when a file cannot be read. */
  async read(next: number, size: number): Promise<Portion> {
    const spans = spansIn(await nodeDisk.list(paths(this.#dir).segments));
    const span = spans.findLast(({ first }) => first <= next);
    if (span?.isThere) return this.#readLines(span, next, size);
    const end = Math.min(span?.end ?? spans[0]?.first ?? size, size);
    const reason = span && (await this.#isSetAside(span.first)) ? "set aside as damaged" : "deleted by retention";
    return { pieces: [{ from: next, to: end, reason }], next: end };
  }

  async #isSetAside(first: number): Promise<boolean> {
    const names = await nodeDisk.list(paths(this.#dir).setAside).catch(() => []);
    return [...numbersIn(names, ".jsonl"), ...numbersIn(names, ".jsonl.zst")].includes(first);
  }

  async #readLines({ first, end }: Span, next: number, size: number): Promise<Portion> {
    const until = Math.min(end, size);
    const pieces = new Pieces();
    let index = next;
    const file = await openSegment(nodeDisk, this.#dir, first);
    try {
      const start = await this.#startOf(file, first, next);
      let bytesRead = 0;
      const at = await forEachLine(
        file,
        (bytes, from, to) => {
          if (index >= until || index - next >= MOST_LINES || bytesRead >= MOST_BYTES) return false;
          bytesRead += to - from;
          pieces.add(index++, bytes, from, to);
          return true;
        },
        start,
      );
      this.#place = { first, at, next: index };
    } finally {
      await file.close();
    }
    if (index > next) return { pieces: pieces.all, next: index };
    if (end > size) throw new Error(`entry ${next} is not in its segment yet`);
    return { pieces: [{ from: next, to: until, reason: "damaged" }], next: until };
  }

  /** The byte at which the line `next` begins. */
  async #startOf(file: Parameters<typeof forEachLine>[0], first: number, next: number): Promise<number> {
    const known = this.#place;
    if (known?.first === first && known.next === next) return known.at;
    let index = first;
    return forEachLine(file, () => index++ < next);
  }
}

/** Adjacent missing entries are one piece. */
class Pieces {
  readonly all: (EntryLine | Missing)[] = [];

  add(index: number, bytes: Buffer, from: number, to: number): void {
    if (isDeletedLine(bytes, from, to)) return this.#missing(index, "deleted by retention");
    const text = bytes.toString("utf8", from, to);
    const entry = parsed(text);
    if (entry?.index !== index) return this.#missing(index, "damaged");
    this.all.push({ entry, text });
  }

  #missing(index: number, reason: MissingReason): void {
    const last = this.all.at(-1);
    const isNext = last && "to" in last && last.to === index && last.reason === reason;
    if (isNext) this.all.splice(-1, 1, { ...last, to: index + 1 });
    else this.all.push({ from: index, to: index + 1, reason });
  }
}

/** Undefined for a line that is not an entry. */
const parsed = (text: string): Recorded | undefined => {
  try {
    const entry = readLine(text);
    return typeof entry === "object" && entry !== null && typeof entry.kind === "string" ? entry : undefined;
  } catch {
    return undefined;
  }
};
