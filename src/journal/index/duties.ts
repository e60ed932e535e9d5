/** The index's table of open Do-Not-Calls: a row for each entry that asked for one and that nothing has closed since. */
import type { DatabaseSync, StatementSync } from "node:sqlite";
import { covers, doNotCallOf, isSameScope, type Closing, type Scope } from "../do-not-call.ts";
import type { Recorded } from "../entry.ts";
import { isBegun } from "../open-do-not-calls.ts";
import { readMicros } from "../time.ts";

export class Duties {
  readonly #owe: StatementSync;
  readonly #owed: StatementSync;
  readonly #meet: StatementSync;
  readonly #begin: StatementSync;
  readonly #begun: StatementSync;
  readonly #end: StatementSync;

  constructor(database: DatabaseSync) {
    this.#owe = database.prepare("INSERT OR IGNORE INTO duties (at, subject, scope, tenant, clients, first, last, tries) VALUES (?, ?, ?, ?, ?, ?, ?, ?)");
    this.#owed = database.prepare("SELECT at, scope FROM duties WHERE subject = ? AND at < ?");
    this.#meet = database.prepare("DELETE FROM duties WHERE at = ?");
    this.#begin = database.prepare("INSERT OR REPLACE INTO under_way (id, at, closes) VALUES (?, ?, ?)");
    this.#begun = database.prepare("SELECT closes FROM under_way WHERE id = ? AND at < ?");
    this.#end = database.prepare("DELETE FROM under_way WHERE id = ?");
  }

  /** A request was begun or refused, or is carried over from a segment that will be deleted. */
  asked(entry: Recorded): void {
    const asked = doNotCallOf(entry);
    if (!asked) return;
    const { index, time } = entry;
    if (isBegun(asked.entry)) this.#begin.run(asked.entry.id, index, JSON.stringify(asked.closes));
    if (!asked.opens) return;
    const { subject, scope, tenant, client } = asked.opens;
    const carried = asked.entry.kind === "open-dnc" ? asked.entry : undefined;
    // It stands for all tries before it.
    if (carried) this.#drop(subject, index, (open) => isSameScope(scope, open));
    this.#owe.run(index, subject, JSON.stringify(scope), tenant, JSON.stringify(carried?.clients ?? [client]), readMicros(carried?.first ?? time), readMicros(carried?.last ?? time), carried?.tries ?? 1);
  }

  /** The request of this id ended at this index of the journal. */
  ended(id: string, index: number, isTaken: boolean): void {
    const begun = this.#begun.get(id, index);
    if (!begun) return;
    this.#end.run(id);
    if (!isTaken) return;
    const closes = JSON.parse(String(begun["closes"])) as Closing;
    for (const subject of closes.subjects) this.#drop(subject, index, (open) => covers(closes.scope, open));
  }

  #drop(subject: string, before: number, isMet: (scope: Scope) => boolean): void {
    for (const owed of this.#owed.all(subject, before)) if (isMet(JSON.parse(String(owed["scope"])) as Scope)) this.#meet.run(owed["at"]!);
  }
}
