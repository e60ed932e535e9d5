/** The index's table of open Do-Not-Calls: a row for each request that nothing has closed, with how it ended. */
import type { DatabaseSync, StatementSync } from "node:sqlite";
import { covers, doNotCallOf, isSameScope, isConfirmed, type Closing, type Scope } from "../../open-dnc/dnc-scope.ts";
import type { Recorded } from "../../entry.ts";
import { mayHaveOutcome } from "../../open-dnc/open-dnc-counter.ts";
import type { Ended } from "../../open-dnc/open-dnc-rows.ts";
import { closesIntent, fieldsOf, type Fields } from "../transaction.ts";
import { readMicros } from "../../time.ts";
import type { LocatedEntry } from "./index-writer.ts";

export class OpenDncTable {
  readonly #insert: StatementSync;
  readonly #findOpen: StatementSync;
  readonly #close: StatementSync;
  readonly #begin: StatementSync;
  readonly #findPending: StatementSync;
  readonly #end: StatementSync;
  readonly #setResult: StatementSync;

  constructor(database: DatabaseSync) {
    this.#insert = database.prepare(
      "INSERT OR IGNORE INTO open_dnc (at, position, id, ended, subject, scope, tenant, clients, first, last, " +
        "tries) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
    );
    this.#findOpen = database.prepare("SELECT at, id, scope FROM open_dnc WHERE subject = ? AND at < ? ORDER BY at");
    this.#close = database.prepare("DELETE FROM open_dnc WHERE at = ?");
    this.#begin = database.prepare("INSERT OR REPLACE INTO under_way (id, at, closes) VALUES (?, ?, ?)");
    this.#findPending = database.prepare("SELECT at, closes FROM under_way WHERE id = ? AND at < ?");
    this.#end = database.prepare("DELETE FROM under_way WHERE id = ?");
    this.#setResult = database.prepare("UPDATE open_dnc SET closed = ?, closed_position = ?, ended = ? WHERE at = ?");
  }

  /** Call it within a database transaction, with entries in order. */
  write(batch: readonly LocatedEntry[]): void {
    for (const placed of batch) {
      if (closesIntent(placed.entry)) this.#onOutcome(placed, placed.entry.id);
      else this.#onRequest(placed);
    }
  }

  /** A request that was sent or refused, or an open Do-Not-Call carried over from a segment that will be deleted. */
  #onRequest({ entry, position }: LocatedEntry): void {
    const asked = doNotCallOf(entry);
    if (!asked) return;
    const { index, time } = entry;
    if (mayHaveOutcome(asked.entry)) this.#begin.run(asked.entry.id, index, JSON.stringify(asked.closes));
    if (!asked.opens) return;
    const { subject, scope, tenant, client } = asked.opens;
    const carried = asked.entry.kind === "open-dnc" ? asked.entry : undefined;
    if (carried?.closed) return this.#closeWhole(subject, index, { scope, last: carried.id });
    // It replaces all earlier attempts.
    if (carried) this.#closeOpen(subject, index, (open) => isSameScope(scope, open));
    this.#insert.run(
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

  #onOutcome({ entry, position }: LocatedEntry, id: string): void {
    const begun = this.#findPending.get(id, entry.index);
    if (!begun) return;
    this.#end.run(id);
    const fields = fieldsOf({ at: entry.index, entries: [entry] });
    if (!isConfirmed(fields))
      return void this.#setResult.run(fields.at, position, endedOf(entry, fields), begun["at"]!);
    const closing = JSON.parse(String(begun["closes"])) as Closing;
    for (const subject of closing.subjects) this.#closeOpen(subject, fields.at, (open) => covers(closing.scope, open));
  }

  /** If its last attempt is this one: a later one was made after it was closed. */
  #closeWhole(
    subject: string,
    before: number,
    { scope, last }: { readonly scope: Scope; readonly last: string },
  ): void {
    const same = this.#findOpen
      .all(subject, before)
      .filter((open) => isSameScope(scope, JSON.parse(String(open["scope"])) as Scope));
    if (same.at(-1)?.["id"] === last) for (const open of same) this.#close.run(open["at"]!);
  }

  #closeOpen(subject: string, before: number, isClosed: (scope: Scope) => boolean): void {
    for (const open of this.#findOpen.all(subject, before))
      if (isClosed(JSON.parse(String(open["scope"])) as Scope)) this.#close.run(open["at"]!);
  }
}

const endedOf = (
  entry: Recorded,
  { state = "open", status, code }: Fields = fieldsOf({ at: entry.index, entries: [entry] }),
): string =>
  JSON.stringify({
    state,
    ...(status !== undefined && { status }),
    ...(code !== undefined && { code }),
  } satisfies Ended);
