/**
 * The index: where in the journal a story lies, by what it can be found. It is a file beside the segments that anyone may delete: it is made
 * again from them. Whoever searches brings it up to date first, and several processes may do so at once. Writing the journal knows nothing of it.
 */
import { hash } from "node:crypto";
import type { DatabaseSync } from "node:sqlite";
import { nodeDisk, readAll } from "./disk.ts";
import { readLine } from "./entry-line.ts";
import type { Expression } from "./filter.ts";
import { candidates, type Candidate } from "./index/candidates.ts";
import { countIn, type Count } from "./index/count.ts";
import { readSnapshot } from "./index/open.ts";
import { fileAt, isDatabaseFault, openDatabase, removeDatabase } from "./index/schema.ts";
import { Writer, type Placed } from "./index/write.ts";
import { forEachLine } from "./lines.ts";
import type { Snapshot } from "./open-do-not-calls.ts";
import { places, segmentName } from "./places.ts";
import { withSegment, type SegmentFile } from "./segment.ts";
import { spansIn } from "./spans.ts";

export type { Candidate } from "./index/candidates.ts";

const BATCH = 5000;

/** Up to where the index goes: so many entries, the last of them at this byte of this segment. */
type State = { readonly size: number; readonly segment: number; readonly position: number; readonly line: Uint8Array };

/** Told how many entries were taken in; awaited before the next ones are. */
export type Progress = (size: number) => void | Promise<void>;

export type EpochSeen = { readonly epoch: string; readonly first: number; readonly last: number; readonly first_time: number; readonly last_time: number };

export class Index {
  readonly #dir: string;
  readonly #path: string;
  #database: DatabaseSync;
  #file: string | undefined;
  #writer: Writer;

  /** `path`: elsewhere than beside the segments, where those cannot be written to. */
  constructor(dir: string, path: string = places(dir).index) {
    this.#dir = dir;
    this.#path = path;
    this.#database = open(path);
    this.#file = fileAt(path);
    this.#writer = new Writer(this.#database);
  }

  /** Entries that it knows of. */
  get size(): number {
    return this.#state().size;
  }

  close(): void {
    this.#database.close();
  }

  /** All of it from the segments again. */
  rebuild(): void {
    removeDatabase(this.#path);
    this.#reopen();
  }

  #reopen(): void {
    this.#database.close();
    this.#database = open(this.#path);
    this.#file = fileAt(this.#path);
    this.#writer = new Writer(this.#database);
  }

  /** Takes in what was appended since. Tells how far it is after each batch. */
  async catchUp(onProgress?: Progress): Promise<void> {
    // SQLite goes on with a file that was deleted, and would never see the one that others made since.
    if (fileAt(this.#path) !== this.#file) this.#reopen();
    const spans = spansIn(await nodeDisk.list(places(this.#dir).segments));
    const firsts = spans.filter(({ isThere }) => isThere).map(({ first }) => first);
    if (!(await this.#continues(firsts))) this.rebuild();
    this.#forget(firsts[0] ?? 0);
    for (const { first, end, isThere } of spans) if (!isThere && first > firsts[0]! && end < Number.POSITIVE_INFINITY) this.#forgetAside(first, end);
    for (const [place, first] of firsts.entries()) {
      if ((firsts[place + 1] ?? Number.POSITIVE_INFINITY) > this.size) await this.#takeSegment(first, onProgress);
    }
  }

  /** Youngest first, those with an index below `before`. `onStep` is called now and then, and may throw. */
  candidates(expression: Expression, before: number, onStep?: () => void): Generator<Candidate, void, undefined> {
    return candidates(this.#database, this.#writer.facets, expression, before, onStep);
  }

  /** How many fit; undefined when only the lines can tell. */
  count(expression: Expression): Count | undefined {
    return countIn(this.#database, this.#writer.facets, expression);
  }

  /** Stories that began below `size`, at most `within` before it, and ended at or behind it: of the journal up to there they were open. Oldest first. */
  endedBehind(size: number, within: number): Candidate[] {
    return this.#database.prepare("SELECT at, position, closed, closed_position FROM stories WHERE at BETWEEN ? AND ? AND closed >= ? ORDER BY at").all(size - within, size - 1, size) as unknown as Candidate[];
  }

  /** Which epochs of the index key made the tokens, and from when to when. */
  epochs(): EpochSeen[] {
    return this.#database.prepare("SELECT * FROM epochs ORDER BY first").all() as unknown as EpochSeen[];
  }

  /** Do-Not-Calls that are still owed, oldest first. */
  duties(): Candidate[] {
    return this.#database.prepare("SELECT at, position, closed, closed_position FROM stories WHERE at IN (SELECT at FROM duties) ORDER BY at").all() as unknown as Candidate[];
  }

  /** How many are open, and which, unless there are more than `most`: of one moment, whatever other processes take in meanwhile. */
  openDoNotCalls(most: number): Snapshot {
    this.#database.exec("BEGIN");
    try {
      return readSnapshot(this.#database, this.#writer.facets, { size: this.size, most });
    } finally {
      this.#database.exec("COMMIT");
    }
  }

  #state(): State {
    return this.#database.prepare("SELECT size, segment, position, line FROM state").get() as unknown as State;
  }

  /** The last line that was taken in still stands where it stood. Of a segment that was retired nothing more can be said. */
  async #continues(firsts: readonly number[]): Promise<boolean> {
    const { size, segment, position, line } = this.#state();
    if (size === 0) return true;
    if (!firsts.includes(segment)) return firsts.length > 0 && firsts[0]! >= size;
    const found = await withSegment(nodeDisk, this.#dir, segment, (file) => lineAt(file, position));
    return found !== undefined && Buffer.from(line).equals(digestOf(found));
  }

  #forget(first: number): void {
    if (first > 0) this.#database.exec(`DELETE FROM stories WHERE at < ${first}; DELETE FROM duties WHERE at < ${first}`);
  }

  /** Of lines that were set aside: also a request that has lost its end has none any more. */
  #forgetAside(from: number, to: number): void {
    if (this.#database.prepare("SELECT 1 FROM stories WHERE at >= ? AND at < ? LIMIT 1").get(from, to) !== undefined) this.rebuild();
  }

  async #takeSegment(first: number, onProgress?: Progress): Promise<void> {
    await withSegment(nodeDisk, this.#dir, first, async (file) => {
      for (;;) {
        const state = this.#state();
        const from = state.segment === first && state.size > first ? await behind(file, state.position) : 0;
        const { batch, line } = await readBatch(file, { first, index: Math.max(first, state.size), from });
        if (batch.length === 0) return;
        this.#commit(state, { size: batch.at(-1)!.entry.index + 1, segment: first, position: batch.at(-1)!.position, line }, batch);
        await onProgress?.(this.size);
      }
    });
  }

  /** Leaves it when another process has gone on meanwhile. */
  #commit(before: State, after: State, batch: readonly Placed[]): void {
    this.#database.exec("BEGIN IMMEDIATE");
    try {
      if (this.#state().size === before.size) {
        this.#writer.write(batch);
        this.#database.prepare("UPDATE state SET size = ?, segment = ?, position = ?, line = ?").run(after.size, after.segment, after.position, after.line);
      }
      this.#database.exec("COMMIT");
    } catch (error) {
      this.#database.exec("ROLLBACK");
      this.#writer.facets.forget();
      throw error;
    }
  }
}

/** A file that is no database any more is made again. */
const open = (path: string): DatabaseSync => {
  try {
    return openDatabase(path);
  } catch (error) {
    if (!isDatabaseFault(error)) throw error;
    removeDatabase(path);
    return openDatabase(path);
  }
};

const digestOf = (line: Uint8Array): Buffer => hash("sha256", line, "buffer");

const readBatch = async (file: SegmentFile, { first, index, from }: { readonly first: number; readonly index: number; readonly from: number }): Promise<{ batch: Placed[]; line: Buffer }> => {
  const batch: Placed[] = [];
  let position = from;
  await forEachLine(file, (bytes, start, end) => {
    if (batch.length === BATCH) return false;
    const entry = readLine(bytes.toString("utf8", start, end));
    if (entry.index !== index + batch.length) throw new Error(`${segmentName(first)}: the line at byte ${position} should have index ${index + batch.length}; ocsgw audit verify tells what is wrong`);
    batch.push({ entry, position });
    position += end - start + 1;
    return true;
  }, from);
  const last = batch.at(-1);
  return { batch, line: last ? digestOf((await lineAt(file, last.position))!) : Buffer.alloc(0) };
};

const LINE_BYTES = 4096;

/** Undefined when the file ends before the line does. */
export const lineAt = async (file: SegmentFile, position: number): Promise<Buffer | undefined> => {
  for (let length = LINE_BYTES;; length *= 4) {
    const bytes = await readAll(file, position, length);
    const end = bytes.indexOf("\n");
    if (end >= 0) return bytes.subarray(0, end);
    if (bytes.length < length) return undefined;
  }
};

const behind = async (file: SegmentFile, position: number): Promise<number> => position + ((await lineAt(file, position))?.length ?? -1) + 1;
