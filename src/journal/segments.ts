/** The segment that is being written, and the turn to the next one. */
import { writeAll, type Disk, type DiskFile, type How } from "./disk.ts";
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

export class Segments {
  readonly #parts: Parts;
  #file: DiskFile | undefined;
  #first: number | undefined;
  #bytes = 0;

  constructor(parts: Parts, tail: Tail | undefined) {
    this.#parts = parts;
    this.#file = tail?.file;
    this.#first = tail?.first;
    this.#bytes = tail?.bytes ?? 0;
  }

  /** The index that the segment begins with; undefined before the first entry. */
  get first(): number | undefined {
    return this.#first;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** Lines of which the first has this index. Resolves when they are as durable as asked. */
  async write(lines: Uint8Array, index: number): Promise<void> {
    if (!this.#file || this.#bytes >= this.#parts.limit) await this.#turnTo(index);
    await writeAll(this.#file!, lines, this.#bytes);
    this.#bytes += lines.length;
  }

  async close(): Promise<void> {
    await this.#file?.close();
    this.#file = undefined;
  }

  async #turnTo(index: number): Promise<void> {
    const { disk, at, leaves, how } = this.#parts;
    // Where the system decides when to write, a segment must still not be torn when a later one exists.
    if (how !== "durable") await this.#file?.flush();
    const next = await disk.open(at.segment(index), how);
    const full = this.#file;
    this.#file = next;
    this.#first = index;
    this.#bytes = 0;
    await full?.close();
    await leaves.turnTo(index);
    await disk.syncDirectory(at.segments);
  }
}
