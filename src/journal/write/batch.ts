/**
 * The entries that share one write and one flush, as bytes. Two batches alternate: one is filled while the other is
 * being written.
 */
import type { Entry } from "../entry.ts";
import { CHECKSUM_BYTES, appendChecksum } from "../integrity/line-checksum.ts";
import { leafHashWithin, type Digest } from "../integrity/merkle-tree.ts";

/** Bytes. A quiet gateway needs no more, and a busy one doubles them a few times. */
const START_BYTES = 1 << 14;
const KEPT_BYTES = 1 << 20;
/** UTF-8 needs at most three bytes per UTF-16 code unit. */
const MAX_BYTES_PER_UNIT = 3;
const NEWLINE = 0x0a;

export class Batch {
  // The hash of the first line temporarily overwrites the byte in front of it.
  #buffer = Buffer.alloc(START_BYTES);
  #end = 1;
  #settled = Promise.withResolvers<void>();
  readonly entries: Entry[] = [];
  readonly leaves: Digest[] = [];
  /** Microseconds since 1970, per entry. */
  readonly times: number[] = [];
  /** The time in microseconds at which its first entry arrived. */
  since = 0;

  constructor() {
    this.#settled.promise.catch(() => undefined);
  }

  get bytes(): Uint8Array {
    return this.#buffer.subarray(1, this.#end);
  }

  get length(): number {
    return this.#end - 1;
  }

  /** One promise for all entries: resolves when the batch is on disk. */
  get done(): Promise<void> {
    return this.#settled.promise;
  }

  /** `line`: the entry's line without its checksum. */
  add(entry: Entry, line: string, micros: number): void {
    if (this.leaves.length === 0) this.since = micros;
    this.#makeRoom(line.length * MAX_BYTES_PER_UNIT + CHECKSUM_BYTES + 1);
    const start = this.#end;
    const end = appendChecksum(this.#buffer, start, start + this.#buffer.write(line, start));
    this.entries.push(entry);
    this.times.push(micros);
    this.leaves.push(leafHashWithin(this.#buffer, start, end));
    this.#buffer[end] = NEWLINE;
    this.#end = end + 1;
  }

  /** The number of lines in these first bytes. */
  linesIn(bytes: number): number {
    let lines = 0;
    for (let at = this.#buffer.indexOf(NEWLINE, 1); at >= 0 && at <= bytes; at = this.#buffer.indexOf(NEWLINE, at + 1))
      lines++;
    return lines;
  }

  resolve(): void {
    this.#settled.resolve();
  }

  reject(error: Error): void {
    this.#settled.reject(error);
  }

  empty(): void {
    if (this.#buffer.length > KEPT_BYTES) this.#buffer = Buffer.alloc(START_BYTES);
    this.#end = 1;
    this.entries.length = 0;
    this.leaves.length = 0;
    this.times.length = 0;
    this.#settled = Promise.withResolvers<void>();
    this.#settled.promise.catch(() => undefined);
  }

  #makeRoom(bytes: number): void {
    if (this.#end + bytes <= this.#buffer.length) return;
    const larger = Buffer.alloc(Math.max(2 * this.#buffer.length, this.#end + bytes));
    this.#buffer.copy(larger, 0, 0, this.#end);
    this.#buffer = larger;
  }
}
