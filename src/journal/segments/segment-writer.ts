/** The segment that is being written, the turn to the next one, and how to find one's feet again after a disk error. */
import { readAll, settle, writeAll, type Disk, type DiskFile, type How } from "./disk.ts";
import type { Leaves } from "./leaves.ts";
import type { places } from "./places.ts";
import type { Tail } from "./recover.ts";

type Parts = {
  readonly disk: Disk;
  readonly at: ReturnType<typeof places>;
  readonly leaves: Leaves;
  /** How segments are opened: with `durable` every write is on the disk before it counts. */
  readonly how: Exclude<How, "read">;
  /** A segment of at least so many bytes is the last but one. */
  readonly limit: number;
};

/** Lines that go into one segment. */
export type Lines = {
  readonly bytes: Uint8Array;
  /** Of the first one. */ readonly index: number;
  /** Of the first one, in microseconds since 1970. */ readonly time: number;
};

const NEWLINE = 0x0a;
const DAY_MICROS = 86_400_000_000;
const dayOf = (micros: number): number => Math.floor(micros / DAY_MICROS);

export class Segments {
  readonly #parts: Parts;
  #file: DiskFile | undefined;
  #first: number | undefined;
  #bytes = 0;
  #number = 0;
  /** The UTC day of its first entry; undefined where that is not known. */
  #day: number | undefined;

  constructor(parts: Parts, tail: Tail | undefined) {
    this.#parts = parts;
    this.#file = tail?.file;
    this.#first = tail?.first;
    this.#bytes = tail?.bytes ?? 0;
    this.#number = tail?.number ?? 0;
    this.#day = tail?.time === undefined ? undefined : dayOf(tail.time);
  }

  /** The index that the segment begins with; undefined before the first entry. */
  get first(): number | undefined {
    return this.#first;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** How many there were up to it, those that were deleted included. */
  get number(): number {
    return this.#number;
  }

  /** Resolves when the lines are as durable as asked. A full segment, and one of another day, is followed by a new one. */
  async write({ bytes, index, time }: Lines): Promise<void> {
    if (!this.#file || (this.#bytes > 0 && (this.#bytes >= this.#parts.limit || this.#day !== dayOf(time))))
      await this.#turnTo(index);
    this.#day ??= dayOf(time);
    await writeAll(this.#file!, bytes, this.#bytes);
  }

  /** Puts on disk what the system was left to write. */
  async flush(): Promise<void> {
    if (this.#parts.how !== "durable") await this.#file?.flush();
  }

  /** So many bytes, which were written, count: what comes next stands behind them. */
  took(bytes: number): void {
    this.#bytes += bytes;
  }

  /** Whether its name still leads to the file that is being written. */
  async isInPlace(): Promise<boolean> {
    const [file, first] = [this.#file, this.#first];
    if (!file || first === undefined) return true;
    const isThere = await file.isAt(this.#parts.at.segment(first)).catch(() => false);
    // Meanwhile it may have been closed for the next one.
    return isThere || file !== this.#file;
  }

  /**
   * After an error: how many bytes of the lines that were to be written last are on disk, whole lines only. The torn rest is cut, what is
   * there is made durable, and the next write begins a new segment.
   */
  async readBack(lines: Uint8Array): Promise<number> {
    const failed = this.#file;
    this.#file = undefined;
    await failed?.close().catch(() => undefined);
    if (this.#first === undefined) return 0;
    const kept = wholeLines(lines, await this.#readRest(lines.length));
    // Opened only now, because that would make the file if it were gone.
    const file = await this.#parts.disk.open(this.#parts.at.segment(this.#first), this.#parts.how);
    try {
      await file.truncate(this.#bytes + kept);
      await settle(file, this.#bytes + kept);
    } finally {
      await file.close();
    }
    this.#bytes += kept;
    return kept;
  }

  async close(): Promise<void> {
    const file = this.#file;
    this.#file = undefined;
    await file?.close();
  }

  async #readRest(length: number): Promise<Buffer> {
    const path = this.#parts.at.segment(this.#first!);
    const file = await this.#parts.disk.open(path, "read");
    try {
      const size = await file.size();
      if (size < this.#bytes) throw new Error(`the segment has ${size} bytes, and ${this.#bytes} were on disk already`);
      return await readAll(file, this.#bytes, length);
    } finally {
      await file.close();
    }
  }

  async #turnTo(index: number): Promise<void> {
    const { disk, at, leaves, how } = this.#parts;
    // Where the system decides when to write, a segment must still not be torn when a later one exists.
    await this.flush();
    const next = await disk.open(at.segment(index), how);
    const full = this.#file;
    this.#file = next;
    // After a disk error it may be the same one again.
    if (this.#first !== index) this.#number++;
    this.#first = index;
    this.#bytes = 0;
    this.#day = undefined;
    await full?.close();
    await leaves.turnTo(index);
    await disk.syncDirectory(at.segments);
  }
}

/** How many bytes of the whole lines that both begin with. */
const wholeLines = (lines: Uint8Array, found: Uint8Array): number => {
  let same = 0;
  while (same < found.length && found[same] === lines[same]) same++;
  return lines.subarray(0, same).lastIndexOf(NEWLINE) + 1;
};
