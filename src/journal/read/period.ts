/**
 * The entries of a period, from a time to now, and whether they are all: a reader that proposes something from what it
 * did not see must know that nothing is missing. Segments that end before the period are not read.
 */
import { nodeDisk, type Disk } from "../disk.ts";
import type { Clock, Deleted, Gap, KeyChecks, Kind, Recorded, Start } from "../entry.ts";
import { coveredIn } from "../integrity/entry-proof.ts";
import { hasValidChecksum } from "../integrity/line-checksum.ts";
import { firstsOf } from "../segments/segment.ts";
import { readLines } from "./read-entries.ts";

/** A line is not as it was written, so the entries of the period are unknown. */
export class LineDamaged extends Error {}

export class PeriodReader {
  readonly #dir: string;
  readonly #disk: Disk;
  /** RFC 3339 up to milliseconds. */
  readonly #from: string;
  /** Ranges of indexes that were not read. */
  readonly #holes: { readonly from: number; readonly to: number }[] = [];
  readonly #stated: string[] = [];
  #next: number | undefined;
  /** Missing lines in the middle of a segment: only deletion by kind leaves such. */
  #inside = 0;
  /** Kinds about requests that were deleted within the period. */
  #kinds: readonly string[] = [];
  #firsts: ReadonlySet<number> = new Set();
  #deletedTo = 0;
  #isReadFromBeginning = false;
  #keyChecks: KeyChecks | undefined;
  #starts: Start[] = [];
  #oldest: string | undefined;

  /** `from`: RFC 3339 in UTC. */
  constructor(dir: string, from: string, disk: Disk = nodeDisk) {
    [this.#dir, this.#from, this.#disk] = [dir, from.slice(0, 23), disk];
  }

  /** Throws LineDamaged for a line whose checksum is wrong, and an error that names a line that is not JSON. */
  async *entries(): AsyncGenerator<Recorded, void, undefined> {
    const firsts = await firstsOf(this.#disk, this.#dir);
    this.#firsts = new Set(firsts);
    const place = await this.#firstPlace(firsts);
    this.#isReadFromBeginning = place === 0;
    await this.#readBefore(firsts, place);
    for await (const { entry, text } of readLines(this.#dir, { from: firsts[place] ?? 0 }, this.#disk)) {
      this.#check(entry, text);
      this.#note(entry);
      if (entry.time.slice(0, 23) < this.#from) continue;
      this.#oldest ??= entry.time;
      yield entry;
    }
  }

  /** The time of the first entry in the period; undefined without one. */
  get oldest(): string | undefined {
    return this.#oldest;
  }

  /** The newest check values of index keys among the entries that were read. */
  get keyChecks(): KeyChecks {
    return this.#keyChecks ?? {};
  }

  /** Whether every run of the period records these optional members. */
  records(...members: readonly string[]): boolean {
    return (
      this.#starts.length > 0 && this.#starts.every((start) => members.every((name) => start.records?.includes(name)))
    );
  }

  /** What is missing of the period, in sentences. Only after all entries have been read. */
  async missing(): Promise<readonly string[]> {
    const size = this.#next ?? 0;
    const covered = await coveredIn({ disk: this.#disk, dir: this.#dir });
    const oldest = Math.min(...this.#firsts);
    const holes = [
      // Without an entry that states it, nobody deleted the beginning as the config says.
      ...(this.#isReadFromBeginning && this.#firsts.size > 0 && oldest > this.#deletedTo
        ? [{ from: this.#deletedTo, to: oldest }]
        : []),
      ...this.#holes,
      ...(covered > size ? [{ from: size, to: covered }] : []),
    ];
    return [
      ...holes.map(({ from, to }) => `entries ${from} to ${to - 1} are missing; ocsgw audit verify -c FILE says more`),
      ...(this.#inside > 0 && this.#kinds.length > 0
        ? [`${this.#inside} entries of kind ${this.#kinds.join(", ")} are deleted, as audit.retention says`]
        : []),
      ...this.#stated,
    ];
  }

  /** The place of the first segment that may have entries of the period. */
  async #firstPlace(firsts: readonly number[]): Promise<number> {
    for (let place = firsts.length - 1; place > 0; place--) {
      const begun = await this.#beginOf(firsts[place]!);
      if (begun === undefined || begun >= this.#from) continue;
      // After a clock that was set back, the segments before may have entries of the period.
      const before = await this.#beginOf(firsts[place - 1]!);
      if (before === undefined || before <= begun) return place;
    }
    return 0;
  }

  /** The time of the segment's first line, up to milliseconds; undefined if that was deleted. */
  async #beginOf(first: number): Promise<string | undefined> {
    for await (const { entry } of readLines(this.#dir, { from: first, to: first + 1 }, this.#disk))
      return entry.time.slice(0, 23);
    return undefined;
  }

  /** The run that was going on when the period began: its start may lie far back. */
  async #readBefore(firsts: readonly number[], place: number): Promise<void> {
    for (let at = place - 1; at >= 0 && this.#starts.length === 0; at--) {
      for await (const { entry, text } of readLines(
        this.#dir,
        { from: firsts[at]!, to: firsts[at + 1]! },
        this.#disk,
      )) {
        if (entry.kind !== "start") continue;
        this.#check({ ...entry }, text, false);
        this.#starts = [entry];
        this.#keyChecks = entry.index_keys ?? this.#keyChecks;
      }
    }
  }

  #check({ index, crc }: Recorded, text: string, isInOrder = true): void {
    const bytes = Buffer.from(text);
    // Lines of an old gateway have no checksum; `audit verify` compares them with the tree.
    if (crc !== undefined && !hasValidChecksum(bytes, 0, bytes.length))
      throw new LineDamaged(
        `the line of entry ${index} is not as it was written; ocsgw audit verify -c FILE says which segment`,
      );
    if (!isInOrder) return;
    if (this.#next !== undefined && index !== this.#next) {
      if (this.#firsts.has(index) || this.#firsts.has(this.#next)) this.#holes.push({ from: this.#next, to: index });
      else this.#inside += index - this.#next;
    }
    this.#next = index + 1;
  }

  #note(entry: Recorded): void {
    if ("index_keys" in entry && entry.index_keys) this.#keyChecks = entry.index_keys;
    const isBefore = entry.time.slice(0, 23) < this.#from;
    if (entry.kind === "start") this.#starts = isBefore ? [entry] : [...this.#starts, entry];
    if (entry.kind === "gap" && entry.to.slice(0, 23) >= this.#from) this.#stated.push(inWords(entry));
    if (entry.kind === "deleted") this.#noteDeleted(entry);
    if (entry.kind === "clock") this.#noteClock(entry);
  }

  /** While the clock was wrong, the times of entries do not say whether they belong to the period. */
  #noteClock({ from, to }: Clock): void {
    if (from.slice(0, 23) < this.#from !== to.slice(0, 23) < this.#from)
      this.#stated.push(`the clock was set from ${from} to ${to}: entries of the period may have times before it`);
  }

  #noteDeleted({ to, youngest, kinds = {} }: Deleted): void {
    this.#deletedTo = Math.max(this.#deletedTo, to);
    if (to > 0 && youngest.slice(0, 23) >= this.#from)
      this.#stated.push(`entries up to ${youngest} are deleted, as audit.retention says`);
    this.#kinds = ABOUT_REQUESTS.filter((kind) => (kinds[kind]?.youngest ?? "").slice(0, 23) >= this.#from);
  }
}

const ABOUT_REQUESTS: readonly Kind[] = ["intent", "refusal", "flood"];

const inWords = ({ from, to, lost, reason }: Gap): string =>
  `from ${from} to ${to} ${lost === undefined ? "entries" : `${lost} entries`} were not recorded: ${reason}`;
