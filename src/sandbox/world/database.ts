/** The sandbox's SQLite database: caches prepared statements and returns rows as plain objects. */
import { DatabaseSync, type SQLInputValue, type StatementSync } from "node:sqlite";

export type Column = SQLInputValue;

export class Database {
  readonly #sqlite: DatabaseSync;
  readonly #statements = new Map<string, StatementSync>();

  /** A file path, or ":memory:". */
  constructor(path: string) {
    this.#sqlite = new DatabaseSync(path);
    // The state may be lost in a power failure, so do not wait for the disk.
    this.#sqlite.exec("PRAGMA journal_mode = WAL; PRAGMA synchronous = OFF; PRAGMA foreign_keys = ON;");
  }

  /** Runs a script of several statements. */
  script(sql: string): void {
    this.#sqlite.exec(sql);
  }

  all<Row>(sql: string, ...values: Column[]): Row[] {
    return this.#prepare(sql).all(...values) as Row[];
  }

  get<Row>(sql: string, ...values: Column[]): Row | undefined {
    return this.#prepare(sql).get(...values) as Row | undefined;
  }

  /** Returns the number of changed rows and the id of the inserted row. */
  run(sql: string, ...values: Column[]): { readonly changes: number; readonly id: number } {
    const { changes, lastInsertRowid } = this.#prepare(sql).run(...values);
    return { changes: Number(changes), id: Number(lastInsertRowid) };
  }

  /** Runs the work in a transaction; rolls back when it throws. */
  transaction<Result>(work: () => Result): Result {
    this.#sqlite.exec("BEGIN");
    try {
      const result = work();
      this.#sqlite.exec("COMMIT");
      return result;
    } catch (error) {
      this.#sqlite.exec("ROLLBACK");
      throw error;
    }
  }

  close(): void {
    this.#sqlite.close();
  }

  #prepare(sql: string): StatementSync {
    const known = this.#statements.get(sql);
    if (known) return known;
    const statement = this.#sqlite.prepare(sql);
    this.#statements.set(sql, statement);
    return statement;
  }
}
