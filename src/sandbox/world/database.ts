/** SQLite as the sandbox uses it: statements prepared once, rows as plain objects, one transaction per request. */
import { DatabaseSync, type SQLInputValue, type StatementSync } from "node:sqlite";

export type Column = SQLInputValue;

export class Database {
  readonly #sqlite: DatabaseSync;
  readonly #statements = new Map<string, StatementSync>();

  /** A file path, or ":memory:". */
  constructor(path: string) {
    this.#sqlite = new DatabaseSync(path);
    // The state is a convenience between two runs, not a promise: no waiting for the disk.
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

  /** The number of rows touched and the id of the row inserted. */
  run(sql: string, ...values: Column[]): { readonly changes: number; readonly id: number } {
    const { changes, lastInsertRowid } = this.#prepare(sql).run(...values);
    return { changes: Number(changes), id: Number(lastInsertRowid) };
  }

  /** All of the work or, when it throws, none of it. */
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
