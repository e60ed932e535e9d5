/** The index's table of open Do-Not-Calls: a row for each entry that asked for one and that nothing has closed since. */
import type { DatabaseSync, StatementSync } from "node:sqlite";
import { closedBy, covers, isTaken, openedBy, type DoNotCallFacts, type Scope } from "../do-not-call.ts";
import type { Facet } from "./facets.ts";

export type Asked = DoNotCallFacts & { readonly at: number; readonly facet: Facet };

export class Duties {
  readonly #owe: StatementSync;
  readonly #owed: StatementSync;
  readonly #meet: StatementSync;

  constructor(database: DatabaseSync) {
    this.#owe = database.prepare("INSERT OR IGNORE INTO duties (at, subject, scope) VALUES (?, ?, ?)");
    this.#owed = database.prepare("SELECT at, scope FROM duties WHERE subject = ? AND at < ?");
    this.#meet = database.prepare("DELETE FROM duties WHERE at = ?");
  }

  /** A request was begun or refused. */
  asked(asked: Asked): void {
    const opened = openedBy(asked);
    if (opened) this.#owe.run(asked.at, opened.subject, JSON.stringify(opened.scope));
  }

  /** It ended, at this index of the journal; the facet says how. */
  ended(asked: Asked, index: number): void {
    const closed = isTaken(asked.facet) ? closedBy(asked) : undefined;
    if (!closed) return;
    for (const subject of closed.subjects) {
      for (const owed of this.#owed.all(subject, index)) {
        if (covers(closed.scope, JSON.parse(String(owed["scope"])) as Scope)) this.#meet.run(owed["at"]!);
      }
    }
  }
}
