/** Repeated texts (addresses, campaigns, lists), each with a number. */
import type { DatabaseSync, StatementSync } from "node:sqlite";

const MOST_REMEMBERED = 20_000;

export class StringTable {
  readonly #insert: StatementSync;
  readonly #find: StatementSync;
  readonly #numbers = new Map<string, number>();

  constructor(database: DatabaseSync) {
    this.#insert = database.prepare("INSERT OR IGNORE INTO strings (text) VALUES (?)");
    this.#find = database.prepare("SELECT string FROM strings WHERE text = ?");
  }

  /** Adds the text if it is new. */
  numberOf(text: string | undefined): number | null {
    if (text === undefined) return null;
    const remembered = this.#numbers.get(text);
    if (remembered !== undefined) return remembered;
    this.#insert.run(text);
    const number = Number(this.#find.get(text)!["string"]);
    if (this.#numbers.size >= MOST_REMEMBERED) this.#numbers.clear();
    this.#numbers.set(text, number);
    return number;
  }

  /** After a rollback of the database some numbers may no longer exist. */
  forget(): void {
    this.#numbers.clear();
  }
}
