/**
 * Finds the intents of requests that ended in lines already read, in the lines before those: reads backward, as far as
 * needed, and keeps the intents on the way whose requests have not ended yet.
 */
import { timeOfUlid } from "../../common/ulid.ts";
import { nodeDisk, readAll } from "../disk.ts";
import type { Recorded } from "../entry.ts";
import { readLine } from "../entry-line.ts";
import { hasValidChecksum } from "../integrity/line-checksum.ts";
import { firstsOf, openSegment } from "../segments/segment.ts";

/** A byte of the segment that begins with the index `first`: the start of a line. */
export type LineStart = { readonly first: number; readonly at: number };

const CHUNK = 1 << 20;
const MOST_BYTES = 256 << 20;
/** The clocks of a request's id and of its intent differ by less than this, unless the clock is set. */
const SLACK_MS = 60_000;
const NEWLINE = 0x0a;
const HEAD_BYTES = 128;
const HEAD = /^\{"index":\d+,"time":"([^"]{27})","kind":"([a-z-]+)","id":"([0-9A-Z]{26})"/;

export class EarlierIntents {
  readonly #dir: string;
  /** Everything from here on was read. */
  #low: LineStart;
  #left = MOST_BYTES;
  readonly #found = new Map<string, Recorded>();
  readonly #ended = new Set<string>();

  constructor(dir: string, low: LineStart) {
    this.#dir = dir;
    this.#low = low;
  }

  /** Their intents by request id. An intent that is gone, or too far back, is missing. */
  async find(ids: readonly string[]): Promise<ReadonlyMap<string, Recorded>> {
    const wanted = new Set(ids.filter((id) => !this.#found.has(id)));
    for (const id of wanted) this.#ended.add(id);
    if (wanted.size > 0) await this.#readBack(wanted, floorOf([...wanted])).catch(unlessGone);
    const found = new Map<string, Recorded>();
    for (const id of ids) {
      const intent = this.#found.get(id);
      if (intent) found.set(id, intent);
      this.#found.delete(id);
    }
    return found;
  }

  async #readBack(wanted: Set<string>, floor: string): Promise<void> {
    const firsts = await firstsOf(nodeDisk, this.#dir);
    for (;;) {
      const { first, at } = this.#low;
      if (at === 0) {
        const before = firsts.findLast((each) => each < first);
        if (before === undefined) return;
        this.#low = { first: before, at: await sizeOf(this.#dir, before) };
        if (this.#low.at === 0) return;
      } else if (!(await this.#readSegment(wanted, floor))) return;
    }
  }

  /** Reads to the start of one segment. Resolves to false when no earlier line is needed. */
  async #readSegment(wanted: Set<string>, floor: string): Promise<boolean> {
    const { first } = this.#low;
    const file = await openSegment(nodeDisk, this.#dir, first);
    try {
      for (let chunk = CHUNK; this.#low.at > 0;) {
        if (wanted.size === 0 || this.#left <= 0) return false;
        const start = Math.max(0, this.#low.at - chunk);
        const bytes = await readAll(file, start, this.#low.at - start);
        const from = start === 0 ? 0 : bytes.indexOf(NEWLINE) + 1;
        if (from === bytes.length) {
          // One line fills the chunk.
          chunk *= 4;
          continue;
        }
        this.#left -= bytes.length;
        const isFloor = this.#readLines(bytes, from, { wanted, floor });
        this.#low = { first, at: start + from };
        if (isFloor) return false;
      }
      return wanted.size > 0;
    } finally {
      await file.close();
    }
  }

  /** Reads the lines of bytes[from, end), the last one first. Returns true at a line that is older than `floor`. */
  #readLines(bytes: Buffer, from: number, { wanted, floor }: { wanted: Set<string>; floor: string }): boolean {
    let isFloor = false;
    for (let end = bytes.length - 1; end > from;) {
      const start = Math.max(from, bytes.lastIndexOf(NEWLINE, end - 1) + 1);
      const [, time, kind, id] = HEAD.exec(bytes.toString("latin1", start, Math.min(end, start + HEAD_BYTES))) ?? [];
      if (id !== undefined) {
        isFloor = time! < floor;
        if (kind !== "intent") this.#ended.add(id);
        else if (wanted.has(id) || !this.#ended.has(id)) {
          if (hasValidChecksum(bytes, start, end)) this.#found.set(id, readLine(bytes.toString("utf8", start, end)));
          wanted.delete(id);
        }
      }
      end = start - 1;
    }
    return isFloor;
  }
}

/** A segment may be deleted or set aside while it is read. */
const unlessGone = (error: unknown): void => {
  if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
};

const sizeOf = async (dir: string, first: number): Promise<number> => {
  const file = await openSegment(nodeDisk, dir, first);
  try {
    return await file.size();
  } finally {
    await file.close();
  }
};

/** No intent of these requests is older. */
const floorOf = (ids: readonly string[]): string => {
  const oldest = Math.min(...ids.map(timeOfUlid));
  return oldest > SLACK_MS ? new Date(oldest - SLACK_MS).toISOString() : "";
};
