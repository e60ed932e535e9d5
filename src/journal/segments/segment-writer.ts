/** The segment that is being written, the switch to the next one, and the recovery after a disk error. */
import { readAll, settle, writeAll, type Disk, type DiskFile, type OpenMode } from "../disk.ts";
import type { LeafHashes } from "../integrity/leaf-hashes.ts";
import type { paths } from "../paths.ts";
import type { Tail } from "../write/recovery/recover.ts";

type Parts = {
  readonly disk: Disk;
  readonly at: ReturnType<typeof paths>;
  readonly leaves: LeafHashes;
  /** How segments are opened: with `durable`, a write resolves only when it is on the disk. */
  readonly how: Exclude<OpenMode, "read">;
  /** A segment with at least this many bytes is followed by a new one. */
  readonly limit: number;
};

/** Lines for one segment. */
export type Lines = {
  readonly bytes: Uint8Array;
  /** The index of the first line. */
  readonly index: number;
  /** Of the first line, in microseconds since 1970. */
  readonly time: number;
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
  /** The UTC day of its first entry; undefined if unknown. */
  #day: number | undefined;

  constructor(parts: Parts, tail: Tail | undefined) {
    this.#parts = parts;
    this.#file = tail?.file;
    this.#first = tail?.first;
    this.#bytes = tail?.bytes ?? 0;
    this.#number = tail?.number ?? 0;
    this.#day = tail?.time === undefined ? undefined : dayOf(tail.time);
  }

  /** The first index of the segment; undefined before the first entry. */
  get first(): number | undefined {
    return this.#first;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** The number of segments so far, including deleted ones. */
  get number(): number {
    return this.#number;
  }

  /**
   * Resolves when the lines are as durable as configured. Begins a new segment when the current one is full or of
   * another day.
   */
  async write({ bytes, index, time }: Lines): Promise<void> {
    if (!this.#file || (this.#bytes > 0 && (this.#bytes >= this.#parts.limit || this.#day !== dayOf(time))))
      await this.#turnTo(index);
    this.#day ??= dayOf(time);
    await writeAll(this.#file!, bytes, this.#bytes);
  }

  /** Flushes what the system may not have written yet. */
  async flush(): Promise<void> {
    if (this.#parts.how !== "durable") await this.#file?.flush();
  }

  /** Confirms this many written bytes: the next lines follow them. */
  took(bytes: number): void {
    this.#bytes += bytes;
  }

  /** Whether its name still leads to the file that is being written. */
  async isInPlace(): Promise<boolean> {
    const [file, first] = [this.#file, this.#first];
    if (!file || first === undefined) return true;
    const isThere = await file.isAt(this.#parts.at.segment(first)).catch(() => false);
    // It may have been closed meanwhile for the next one.
    return isThere || file !== this.#file;
  }

  /**
   * After an error: resolves with how many bytes of the last lines are on disk, whole lines only. It cuts the torn end,
   * makes the rest durable, and the next write begins a new segment.
   */
  async readBack(lines: Uint8Array): Promise<number> {
    const failed = this.#file;
    this.#file = undefined;
    await failed?.close().catch(() => undefined);
    if (this.#first === undefined) return 0;
    const kept = wholeLines(lines, await this.#readRest(lines.length));
    // Opened only after the check above, because opening would create a missing file.
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
    // Even without a flush per write, a segment must not be torn when a later one exists.
    await this.flush();
    const next = await disk.open(at.segment(index), how);
    const full = this.#file;
    this.#file = next;
    // After a disk error it may be the same segment.
    if (this.#first !== index) this.#number++;
    this.#first = index;
    this.#bytes = 0;
    this.#day = undefined;
    await full?.close();
    await leaves.openSegment(index);
    await disk.syncDirectory(at.segments);
  }
}

/** The number of bytes of the whole lines that both begin with. */
const wholeLines = (lines: Uint8Array, found: Uint8Array): number => {
  let same = 0;
  while (same < found.length && found[same] === lines[same]) same++;
  return lines.subarray(0, same).lastIndexOf(NEWLINE) + 1;
};
