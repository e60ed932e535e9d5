/**
 * The leaf hashes, 32 bytes per entry, in a file beside each segment. Alone they prove nothing. If they lead to a
 * signed root, they show exactly which line was changed, removed, inserted or moved. Below the last checkpoint they are
 * never written again.
 */
import { writeAll, type Disk, type DiskFile } from "../disk.ts";
import type { paths } from "../paths.ts";
import { DIGEST_BYTES, type Digest } from "./merkle-tree.ts";
import { SerialQueue } from "../../common/serial-queue.ts";

/** Hashes that there is room for at first; the room doubles. */
const FIRST = 64;
const SPILL = 2048;

export class LeafHashes {
  readonly #disk: Disk;
  readonly #at: ReturnType<typeof paths>;
  #file: DiskFile | undefined;
  #segment = 0;
  #waiting = Buffer.alloc(FIRST * DIGEST_BYTES);
  #count = 0;
  #next = 0;
  readonly #queue = new SerialQueue();

  constructor(disk: Disk, at: ReturnType<typeof paths>) {
    this.#disk = disk;
    this.#at = at;
  }

  /** Whether enough hashes wait to be written. */
  get spills(): boolean {
    return this.#count >= SPILL;
  }

  /** The index of the next entry. */
  get next(): number {
    return this.#next + this.#count;
  }

  add(leaf: Digest): void {
    const offset = this.#count * DIGEST_BYTES;
    if (offset === this.#waiting.length) this.#waiting = Buffer.concat([this.#waiting, Buffer.alloc(offset)]);
    this.#waiting.write(leaf, offset, "latin1");
    this.#count++;
  }

  /**
   * Continues with the segment whose first entry is `first`. Hashes in its file below `covered` stay. The caller syncs
   * the directory.
   */
  openSegment(first: number, covered = 0): Promise<void> {
    return this.#after(async () => {
      await this.#write();
      await this.#leave();
      this.#file = await this.#disk.open(this.#at.leaves(first), "create");
      this.#segment = first;
      this.#next = first + Math.min(Math.floor((await this.#file.size()) / DIGEST_BYTES), Math.max(0, covered - first));
    });
  }

  write(): Promise<void> {
    return this.#after(() => this.#write());
  }

  flush(): Promise<void> {
    return this.#after(async () => {
      await this.#write();
      await this.#file?.flush();
    });
  }

  /** After a disk error: opens the file again, because a descriptor whose flush failed must not be used again. */
  reopen(): Promise<void> {
    return this.#after(async () => {
      if (!this.#file) return;
      const failed = this.#file;
      this.#file = undefined;
      await failed.close().catch(() => undefined);
      this.#file = await this.#disk.open(this.#at.leaves(this.#segment), "create");
    });
  }

  close(): Promise<void> {
    return this.#after(async () => {
      await this.#file?.close();
      this.#file = undefined;
    });
  }

  async #leave(): Promise<void> {
    const file = this.#file;
    await file?.flush();
    this.#file = undefined;
    await file?.close();
  }

  async #write(): Promise<void> {
    if (this.#count === 0 || !this.#file) return;
    const count = this.#count;
    const bytes = Buffer.from(this.#waiting.subarray(0, count * DIGEST_BYTES));
    await writeAll(this.#file, bytes, (this.#next - this.#segment) * DIGEST_BYTES);
    // Hashes may have been added meanwhile; those that could not be written still wait.
    this.#waiting.copyWithin(0, bytes.length, this.#count * DIGEST_BYTES);
    this.#next += count;
    this.#count -= count;
  }

  /** A checkpoint and the next group may both want the file. */
  #after(work: () => Promise<void>): Promise<void> {
    return this.#queue.run(work);
  }
}
