/**
 * The index that changes, `index.sqlite`. It has the transactions of the segment that is being written and of segments
 * without an index of their own, all transactions that span segments, and the open Do-Not-Calls of the whole journal.
 * Several processes may update it at the same time.
 */
import type { DatabaseSync } from "node:sqlite";
import type { Candidate } from "./candidates.ts";
import { OpenDncTable } from "./open-dnc.ts";
import { Facets } from "./facets.ts";
import type { Extent } from "../../segments/segment-list.ts";
import type { SpanningLine } from "./sealed/segment-index.ts";
import { copyDatabase, fileAt, isDatabaseFault, openDatabase, removeDatabase, inTransaction } from "./schema.ts";
import { IndexWriter, type LocatedEntry } from "./index-writer.ts";

/** How far the index goes: the number of entries, and segment, byte and digest of the last line. */
export type State = {
  readonly size: number;
  readonly segment: number;
  readonly position: number;
  readonly line: Uint8Array;
};

/** A consistent view of one moment. `liveSegments`: segments of which the live index has every transaction. */
export type View = {
  readonly database: DatabaseSync;
  readonly facets: Facets;
  readonly size: number;
  readonly liveSegments: ReadonlySet<number>;
  readonly release: () => void;
};

const STATE = "SELECT size, segment, position, line FROM state";

export class LiveIndex {
  readonly #path: string;
  #database: DatabaseSync;
  #reader: DatabaseSync;
  #facets: Facets;
  #file: string | undefined;
  #writer: IndexWriter;
  #openDnc: OpenDncTable;
  #readers = 0;

  constructor(path: string) {
    this.#path = path;
    this.#database = open(path);
    this.#reader = openDatabase(path);
    this.#file = fileAt(path);
    this.#facets = new Facets(this.#reader);
    this.#writer = new IndexWriter(this.#database);
    this.#openDnc = new OpenDncTable(this.#database);
  }

  get state(): State {
    return this.#database.prepare(STATE).get() as unknown as State;
  }

  /** First indexes of the segments whose lines were set aside when this index was built. */
  get holes(): readonly number[] {
    return this.#database
      .prepare("SELECT first FROM holes ORDER BY first")
      .all()
      .map(({ first }) => Number(first));
  }

  /** Only for an empty index. */
  setHoles(holes: readonly number[]): void {
    this.#within(() => {
      this.#database.exec("DELETE FROM holes");
      for (const first of holes) this.#database.prepare("INSERT INTO holes VALUES (?)").run(first);
    });
  }

  /** Whether its file was removed or replaced. SQLite would continue with the old file and miss what others write. */
  get isGone(): boolean {
    return fileAt(this.#path) !== this.#file;
  }

  /** Opens the file that is there now. */
  reopen(): void {
    this.close();
    this.#open();
  }

  /** Starts with an empty index. */
  clear(): void {
    removeDatabase(this.#path);
    this.reopen();
  }

  /** Replaces the content by a copy of the live index at `path`. */
  async copyFrom(path: string): Promise<void> {
    this.close();
    removeDatabase(this.#path);
    await copyDatabase(path, this.#path);
    this.#open();
  }

  close(): void {
    this.#readers = 0;
    this.#reader.close();
    this.#database.close();
  }

  /** Release it after use. Overlapping views show the same moment. */
  view(): View {
    const database = this.#reader;
    if (this.#readers++ === 0) database.exec("BEGIN");
    const release = (): void => {
      if (database === this.#reader && --this.#readers === 0) database.exec("COMMIT");
    };
    try {
      const { size } = database.prepare(STATE).get() as unknown as State;
      return {
        database,
        facets: this.#facets,
        size,
        liveSegments: new Set(
          database
            .prepare("SELECT first FROM live_segments")
            .all()
            .map(({ first }) => Number(first)),
        ),
        release,
      };
    } catch (error) {
      release();
      throw error;
    }
  }

  /** Adds lines of a live segment. Does nothing if another process has added them meanwhile. */
  addBatch(before: State, after: State, batch: readonly LocatedEntry[]): void {
    this.#change(before, () => {
      this.#writer.write(batch);
      this.#database.prepare("INSERT OR IGNORE INTO live_segments VALUES (?)").run(after.segment);
      if (this.openDncSize === before.size) {
        this.#openDnc.write(batch);
        this.#setOpenDncSize(after.size);
      }
      this.#go(after);
    });
  }

  /** Adds the spanning lines of a segment with an index of its own. */
  addSpanning(before: State, after: State, spanningLines: readonly LocatedEntry[]): void {
    this.#change(before, () => {
      this.#writer.write(spanningLines);
      this.#go(after);
    });
  }

  /** The segment has an index of its own now: only its spanning lines stay here. */
  removeSealed({ first, end }: Extent, spanningLines: readonly SpanningLine[]): void {
    this.#within(() => {
      if (this.state.size < end) return;
      this.#database
        .prepare("DELETE FROM transactions WHERE at BETWEEN ? AND ? AND at NOT IN (SELECT value FROM json_each(?))")
        .run(first, end - 1, JSON.stringify(spanningLines.map(({ at }) => at)));
      this.#database.prepare("DELETE FROM live_segments WHERE first = ?").run(first);
    });
    this.#database.exec("PRAGMA incremental_vacuum");
  }

  /** Outcomes from `first` on whose intents come before it. */
  closingLinesFrom(first: number): readonly SpanningLine[] {
    return this.#database
      .prepare(
        "SELECT at + closed AS at, position + closed_position AS position FROM transactions WHERE at < ? AND at " +
          "+ closed >= ? ORDER BY 1",
      )
      .all(first, first) as unknown as SpanningLine[];
  }

  hasBelow(first: number): boolean {
    return (
      this.#database
        .prepare(
          "SELECT EXISTS (SELECT 1 FROM transactions WHERE at < ?) OR EXISTS (SELECT 1 FROM open_dnc WHERE at < " +
            "?) AS found",
        )
        .get(first, first)!["found"] === 1
    );
  }

  /**
   * Removes deleted segments. `ends`: outcomes after `first` of removed intents; they stay as transactions of their
   * own.
   */
  removeBefore(first: number, ends: readonly LocatedEntry[]): void {
    this.#within(() => {
      for (const table of ["transactions", "open", "open_dnc"])
        this.#database.exec(`DELETE FROM ${table} WHERE at < ${first}`);
      this.#database.exec(`DELETE FROM live_segments WHERE first < ${first}`);
      this.#writer.write(ends);
    });
  }

  /** How many entries the open Do-Not-Calls take into account. */
  get openDncSize(): number {
    return Number(this.#database.prepare("SELECT size FROM open_dnc_state").get()!["size"]);
  }

  /** `batch`: the relevant entries from `from` to before `to`, in order. Does nothing if another process added them. */
  addOpenDnc(from: number, batch: readonly LocatedEntry[], to: number): void {
    this.#within(() => {
      if (this.openDncSize > from || from > this.state.size) return;
      this.#openDnc.write(batch);
      this.#setOpenDncSize(to);
    });
  }

  /** Open Do-Not-Calls, oldest first. */
  openDnc(): Candidate[] {
    return this.#database
      .prepare("SELECT at, position, closed, closed_position FROM open_dnc ORDER BY at")
      .all() as unknown as Candidate[];
  }

  /** Runs `read` on a consistent state. */
  readConsistently<Found>(read: (database: DatabaseSync) => Found): Found {
    const { database, release } = this.view();
    try {
      return read(database);
    } finally {
      release();
    }
  }

  #open(): void {
    this.#database = open(this.#path);
    this.#reader = openDatabase(this.#path);
    this.#file = fileAt(this.#path);
    this.#facets = new Facets(this.#reader);
    this.#writer = new IndexWriter(this.#database);
    this.#openDnc = new OpenDncTable(this.#database);
  }

  #setOpenDncSize(size: number): void {
    this.#database.prepare("UPDATE open_dnc_state SET size = ?").run(size);
  }

  #go({ size, segment, position, line }: State): void {
    this.#database
      .prepare("UPDATE state SET size = ?, segment = ?, position = ?, line = ?")
      .run(size, segment, position, line);
  }

  #change(before: State, work: () => void): void {
    this.#within(() => {
      if (this.state.size === before.size) work();
    });
  }

  #within(work: () => void): void {
    try {
      inTransaction(this.#database, work);
    } catch (error) {
      this.#writer.forget();
      throw error;
    }
  }
}

/** Replaces a file that is not a database. */
const open = (path: string): DatabaseSync => {
  try {
    return openDatabase(path);
  } catch (error) {
    if (!isDatabaseFault(error)) throw error;
    removeDatabase(path);
    return openDatabase(path);
  }
};
