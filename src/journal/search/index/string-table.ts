/** Texts of which there are few, each with a number: addresses, campaigns, lists. */
import type { DatabaseSync, StatementSync } from "node:sqlite";

const MOST_REMEMBERED = 20_000;

export class Words {
  readonly #insert: StatementSync;
  readonly #find: StatementSync;
  readonly #numbers = new Map<string, number>();

  constructor(database: DatabaseSync) {
    this.#insert = database.prepare("INSERT OR IGNORE INTO words (says) VALUES (?)");
    this.#find = database.prepare("SELECT word FROM words WHERE says = ?");
  }

  /** Made when there is none yet. */
  numberOf(says: string | undefined): number | null {
    if (says === undefined) return null;
    const remembered = this.#numbers.get(says);
    if (remembered !== undefined) return remembered;
    this.#insert.run(says);
    const number = Number(this.#find.get(says)!["word"]);
    if (this.#numbers.size >= MOST_REMEMBERED) this.#numbers.clear();
    this.#numbers.set(says, number);
    return number;
  }

  /** A transaction was taken back, and with it perhaps some that we remember. */
  forget(): void {
    this.#numbers.clear();
  }
}
