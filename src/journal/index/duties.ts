/** The index's table of open Do-Not-Calls: a row for each entry that asked for one and that nothing has closed since, with how it ended. */
import type { DatabaseSync, StatementSync } from "node:sqlite";
import { covers, doNotCallOf, isSameScope, isTaken, type Closing, type Scope } from "../do-not-call.ts";
import type { Recorded } from "../entry.ts";
import { isBegun, type Ended } from "../open-do-not-calls.ts";
import { closes, factsOf, type Facts } from "../story.ts";
import { readMicros } from "../time.ts";
import type { Placed } from "./write.ts";

export class Duties {
  readonly #owe: StatementSync;
  readonly #owed: StatementSync;
  readonly #meet: StatementSync;
  readonly #begin: StatementSync;
  readonly #begun: StatementSync;
  readonly #end: StatementSync;
  readonly #failed: StatementSync;

  constructor(database: DatabaseSync) {
    this.#owe = database.prepare(
      "INSERT OR IGNORE INTO duties (at, position, id, ended, subject, scope, tenant, clients, first, last, tries) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
    );
    this.#owed = database.prepare("SELECT at, scope FROM duties WHERE subject = ? AND at < ?");
    this.#meet = database.prepare("DELETE FROM duties WHERE at = ?");
    this.#begin = database.prepare("INSERT OR REPLACE INTO under_way (id, at, closes) VALUES (?, ?, ?)");
    this.#begun = database.prepare("SELECT at, closes FROM under_way WHERE id = ? AND at < ?");
    this.#end = database.prepare("DELETE FROM under_way WHERE id = ?");
    this.#failed = database.prepare("UPDATE duties SET closed = ?, closed_position = ?, ended = ? WHERE at = ?");
  }

  /** To be called within a transaction, with entries in their order. */
  write(batch: readonly Placed[]): void {
    for (const placed of batch) {
      if (closes(placed.entry)) this.#ended(placed, placed.entry.id);
      else this.#asked(placed);
    }
  }

  /** A request was begun or refused, or is carried over from a segment that will be deleted. */
  #asked({ entry, position }: Placed): void {
    const asked = doNotCallOf(entry);
    if (!asked) return;
    const { index, time } = entry;
    if (isBegun(asked.entry)) this.#begin.run(asked.entry.id, index, JSON.stringify(asked.closes));
    if (!asked.opens) return;
    const { subject, scope, tenant, client } = asked.opens;
    const carried = asked.entry.kind === "open-dnc" ? asked.entry : undefined;
    // It stands for all tries before it.
    if (carried) this.#drop(subject, index, (open) => isSameScope(scope, open));
    this.#owe.run(
      index,
      position,
      asked.entry.id,
      endedOf(entry),
      subject,
      JSON.stringify(scope),
      tenant,
      JSON.stringify(carried?.clients ?? [client]),
      readMicros(carried?.first ?? time),
      readMicros(carried?.last ?? time),
      carried?.tries ?? 1,
    );
  }

  #ended({ entry, position }: Placed, id: string): void {
    const begun = this.#begun.get(id, entry.index);
    if (!begun) return;
    this.#end.run(id);
    const facts = factsOf({ at: entry.index, entries: [entry] });
    if (!isTaken(facts)) return void this.#failed.run(facts.at, position, endedOf(entry, facts), begun["at"]!);
    const closing = JSON.parse(String(begun["closes"])) as Closing;
    for (const subject of closing.subjects) this.#drop(subject, facts.at, (open) => covers(closing.scope, open));
  }

  #drop(subject: string, before: number, isMet: (scope: Scope) => boolean): void {
    for (const owed of this.#owed.all(subject, before))
      if (isMet(JSON.parse(String(owed["scope"])) as Scope)) this.#meet.run(owed["at"]!);
  }
}

const endedOf = (
  entry: Recorded,
  { state = "open", status, code }: Facts = factsOf({ at: entry.index, entries: [entry] }),
): string =>
  JSON.stringify({
    state,
    ...(status !== undefined && { status }),
    ...(code !== undefined && { code }),
  } satisfies Ended);
