/**
 * The leaf hashes, 32 bytes for each entry, in a file beside each segment. They prove nothing by themselves: when they lead to a signed root they
 * are what was once recorded, and then tell exactly which line was changed, removed, inserted or moved. Below the last checkpoint they are
 * never written again.
 */
import { writeAll, type Disk, type DiskFile } from "./disk.ts";
import type { places } from "./places.ts";
import { DIGEST_BYTES, type Digest } from "./tree.ts";

const SPILL = 2048;

export class Leaves {
  readonly #disk: Disk;
  readonly #at: ReturnType<typeof places>;
  #file: DiskFile | undefined;
  #segment = 0;
  #waiting = Buffer.alloc(2 * SPILL * DIGEST_BYTES);
  #count = 0;
  #next = 0;
  #turn: Promise<void> = Promise.resolve();

  constructor(disk: Disk, at: ReturnType<typeof places>) {
    this.#disk = disk;
    this.#at = at;
  }

  /** Enough of them wait to be worth a write. */
  get spills(): boolean {
    return this.#count >= SPILL;
  }

  /** The index of the entry whose leaf is added next. */
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
   * Those that follow belong to the segment whose first entry is `first`; of what its file holds already, entries below `covered` stay.
   * The name in the directory is yet to be synced.
   */
  turnTo(first: number, covered = 0): Promise<void> {
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

  /** After a disk error: by another descriptor, because one whose flush failed is never flushed again. */
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
    // More may have come meanwhile; and what could not be written still waits.
    this.#waiting.copyWithin(0, bytes.length, this.#count * DIGEST_BYTES);
    this.#next += count;
    this.#count -= count;
  }

  /** A checkpoint and the next group may both want the file. */
  #after(work: () => Promise<void>): Promise<void> {
    const done = this.#turn.then(work);
    this.#turn = done.catch(() => undefined);
    return done;
  }
}
