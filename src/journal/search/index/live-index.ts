/**
 * The index that changes: `index.sqlite`. It has the stories of the segment that is being written and of those that have no index of their own yet,
 * besides every story that spans segments, and the open Do-Not-Calls of the whole journal. Several processes may bring it up to date at once.
 */
import type { DatabaseSync } from "node:sqlite";
import type { Candidate } from "./candidates.ts";
import { Duties } from "./duties.ts";
import { Facets } from "./facets.ts";
import type { Extent, Seam } from "./segment.ts";
import { copyDatabase, fileAt, isDatabaseFault, openDatabase, removeDatabase, within } from "./schema.ts";
import { Writer, type Placed } from "./write.ts";

/** Up to where it goes: so many entries, the last of them at this byte of this segment, with this digest. */
export type State = {
  readonly size: number;
  readonly segment: number;
  readonly position: number;
  readonly line: Uint8Array;
};

/** What is in it at one moment, whatever others take in or away meanwhile. `taken`: segments of which every story is in it. */
export type View = {
  readonly database: DatabaseSync;
  readonly facets: Facets;
  readonly size: number;
  readonly taken: ReadonlySet<number>;
  readonly release: () => void;
};

const STATE = "SELECT size, segment, position, line FROM state";

export class Live {
  readonly #path: string;
  #database: DatabaseSync;
  #reader: DatabaseSync;
  #facets: Facets;
  #file: string | undefined;
  #writer: Writer;
  #duties: Duties;
  #readers = 0;

  constructor(path: string) {
    this.#path = path;
    this.#database = open(path);
    this.#reader = openDatabase(path);
    this.#file = fileAt(path);
    this.#facets = new Facets(this.#reader);
    this.#writer = new Writer(this.#database);
    this.#duties = new Duties(this.#database);
  }

  get state(): State {
    return this.#database.prepare(STATE).get() as unknown as State;
  }

  /** Segments whose lines are set aside, as this index knows it: what began or ended in them is in it, or is not, accordingly. */
  get holes(): readonly number[] {
    return this.#database
      .prepare("SELECT first FROM holes ORDER BY first")
      .all()
      .map(({ first }) => Number(first));
  }

  /** Of an index that is empty. */
  setHoles(holes: readonly number[]): void {
    this.#within(() => {
      this.#database.exec("DELETE FROM holes");
      for (const first of holes) this.#database.prepare("INSERT INTO holes VALUES (?)").run(first);
    });
  }

  /** Whether its file was removed, or replaced: SQLite goes on with the old one, and would never see what others do. */
  get isGone(): boolean {
    return fileAt(this.#path) !== this.#file;
  }

  /** Opens what is there now. */
  reopen(): void {
    this.close();
    this.#open();
  }

  /** Empty again. */
  clear(): void {
    removeDatabase(this.#path);
    this.reopen();
  }

  /** What the live index at `path` has at this moment, instead of what this one has. */
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

  /** To be released. Those that overlap are of the same moment. */
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
        taken: new Set(
          database
            .prepare("SELECT first FROM taken")
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

  /** Lines of a segment of which it then has every story. Does nothing when another process has gone on meanwhile. */
  take(before: State, after: State, batch: readonly Placed[]): void {
    this.#change(before, () => {
      this.#writer.write(batch);
      this.#database.prepare("INSERT OR IGNORE INTO taken VALUES (?)").run(after.segment);
      if (this.dutiesSize === before.size) {
        this.#duties.write(batch);
        this.#setDuties(after.size);
      }
      this.#go(after);
    });
  }

  /** Of a segment that has an index of its own, the lines whose stories span segments. */
  absorb(before: State, after: State, seams: readonly Placed[]): void {
    this.#change(before, () => {
      this.#writer.write(seams);
      this.#go(after);
    });
  }

  /** The segment has an index of its own now: only its seams stay. */
  leave({ first, end }: Extent, seams: readonly Seam[]): void {
    this.#within(() => {
      if (this.state.size < end) return;
      this.#database
        .prepare("DELETE FROM stories WHERE at BETWEEN ? AND ? AND at NOT IN (SELECT value FROM json_each(?))")
        .run(first, end - 1, JSON.stringify(seams.map(({ at }) => at)));
      this.#database.prepare("DELETE FROM taken WHERE first = ?").run(first);
    });
    this.#database.exec("PRAGMA incremental_vacuum");
  }

  /** Ends at or behind `first` of what began before it. */
  endsBeyond(first: number): readonly Seam[] {
    return this.#database
      .prepare(
        "SELECT at + closed AS at, position + closed_position AS position FROM stories WHERE at < ? AND at + closed >= ? ORDER BY 1",
      )
      .all(first, first) as unknown as Seam[];
  }

  hasBelow(first: number): boolean {
    return (
      this.#database
        .prepare(
          "SELECT EXISTS (SELECT 1 FROM stories WHERE at < ?) OR EXISTS (SELECT 1 FROM duties WHERE at < ?) AS found",
        )
        .get(first, first)!["found"] === 1
    );
  }

  /** The segments before it are deleted; of what ended behind it the end stays, as a story by itself. */
  forget(first: number, ends: readonly Placed[]): void {
    this.#within(() => {
      for (const table of ["stories", "open", "duties"])
        this.#database.exec(`DELETE FROM ${table} WHERE at < ${first}`);
      this.#database.exec(`DELETE FROM taken WHERE first < ${first}`);
      this.#writer.write(ends);
    });
  }

  /** Up to where the open Do-Not-Calls go. */
  get dutiesSize(): number {
    return Number(this.#database.prepare("SELECT size FROM duties_state").get()!["size"]);
  }

  /** Of the entries from `from` to before `to` those that matter, in their order. Does nothing where another process has gone on meanwhile. */
  takeDuties(from: number, batch: readonly Placed[], to: number): void {
    this.#within(() => {
      if (this.dutiesSize > from || from > this.state.size) return;
      this.#duties.write(batch);
      this.#setDuties(to);
    });
  }

  /** Do-Not-Calls that are still owed, oldest first. */
  duties(): Candidate[] {
    return this.#database
      .prepare("SELECT at, position, closed, closed_position FROM duties ORDER BY at")
      .all() as unknown as Candidate[];
  }

  /** Runs `read` on one moment's state. */
  atOnce<Found>(read: (database: DatabaseSync) => Found): Found {
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
    this.#writer = new Writer(this.#database);
    this.#duties = new Duties(this.#database);
  }

  #setDuties(size: number): void {
    this.#database.prepare("UPDATE duties_state SET size = ?").run(size);
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
      within(this.#database, work);
    } catch (error) {
      this.#writer.forget();
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
