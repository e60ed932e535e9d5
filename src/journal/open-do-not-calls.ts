/**
 * How many Do-Not-Calls are open, counted in memory from the entries as they are written, so that reading the number costs nothing. The entries
 * of earlier runs come from the index, once: until then the changes are kept, to be applied on top.
 */
import { setImmediate } from "node:timers/promises";
import {
  closedBy,
  columnsOf,
  covers,
  isTaken,
  openedBy,
  type DoNotCallFacts,
  type OpenDoNotCall,
  type Scope,
} from "./do-not-call.ts";
import type { Entry, Intent, Refusal } from "./entry.ts";
import { whatOf, whoOf } from "./story.ts";

/** What the index knows after the first `size` entries. */
export type Snapshot = {
  readonly size: number;
  /** Numbers, each with its tenant and scope. */
  readonly count: number;
  /** A line of JSON for each, from `writeRow`: threads hand over one text quickly. Undefined when there are more than were asked for. */
  readonly rows: string | undefined;
};

type Change =
  | { readonly kind: "opened"; readonly at: number; readonly opened: OpenDoNotCall }
  | { readonly kind: "closed"; readonly at: number; readonly asked: DoNotCallFacts }
  | { readonly kind: "deleted"; readonly at: number; readonly to: number };

type Open = { readonly scope: Scope; at: number };
type UnderWay = { readonly at: number; readonly asked: DoNotCallFacts };

/** `at`: index of the last entry that asked. */
export const writeRow = ({ subject, scope }: OpenDoNotCall, at: number): string =>
  JSON.stringify([at, subject, ...scope]);

/** A few hundred bytes each. */
export const MOST_OPEN = 100_000;
/** In one turn of the event loop: some milliseconds. */
const ROWS_AT_ONCE = 2000;

export class OpenDoNotCalls {
  /** How many are kept, and how many changes. */
  readonly most: number;
  /** Do-Not-Calls without an end, by id. */
  readonly #underWay = new Map<string, UnderWay>();
  /** By subject; undefined while it is not known what is open. */
  #open: Map<string, Open[]> | undefined;
  #count = 0;
  /** All changes from index `#since` on, while it is not known what is open. */
  #changes: Change[] = [];
  #since = 0;
  /** Entries below it were deleted. */
  #retiredTo = 0;

  constructor(most = MOST_OPEN) {
    this.most = most;
  }

  /** Numbers, each with its tenant and scope; undefined while it is not known, and while there are too many to keep. */
  get count(): number | undefined {
    return this.#open && this.#count;
  }

  /** To be called with every entry that is on disk, in the order of the journal. */
  readonly take = (entry: Entry, index: number): void => {
    switch (entry.kind) {
      case "intent":
      case "refusal":
        if (entry.action === "DoNotCall") this.#asked(entry, index);
        return;
      case "outcome":
      case "abandoned":
      case "in-doubt": {
        const { asked } = this.#underWay.get(entry.id) ?? {};
        if (!asked) return;
        this.#underWay.delete(entry.id);
        if (entry.kind === "outcome" && isTaken(entry)) this.#change({ kind: "closed", at: index, asked });
        return;
      }
      case "deleted":
        this.#retiredTo = entry.to;
        for (const [id, { at }] of this.#underWay) if (at < entry.to) this.#underWay.delete(id);
        return this.#change({ kind: "deleted", at: index, to: entry.to });
    }
  };

  /**
   * Counts from what the index knows. Resolves with false when that is too old or too much: then the index is to be asked again. Every entry
   * below its size must have been taken.
   */
  async start({ size, rows }: Snapshot): Promise<boolean> {
    if (rows === undefined) return false;
    const read = await readRows(rows);
    if (this.#open) return true;
    if (size < this.#since) return false;
    // Those that the index knows already change nothing: the last one of a number and scope decides.
    const changes = this.#changes;
    this.#changes = [];
    this.#open = read;
    this.#count = read.values().reduce((sum, { length }) => sum + length, 0);
    this.#retire(this.#retiredTo);
    for (const change of changes) this.#change(change);
    return this.count !== undefined;
  }

  #asked(entry: Intent | Refusal, at: number): void {
    const [what, { tenant, client }] = [whatOf(entry), whoOf(entry)];
    const asked: DoNotCallFacts = {
      facet: { action: what.action, resource: what.resource, tenant, client },
      ...columnsOf(what),
    };
    if (entry.kind === "intent") this.#begin(entry.id, { at, asked });
    const opened = openedBy(asked);
    if (opened) this.#change({ kind: "opened", at, opened });
  }

  /** Far fewer are under way: the oldest ones are those whose end an outage of the journal lost. */
  #begin(id: string, underWay: UnderWay): void {
    if (this.#underWay.size >= this.most) this.#underWay.delete(this.#underWay.keys().next().value!);
    this.#underWay.set(id, underWay);
  }

  #change(change: Change): void {
    if (!this.#open) this.#changes.push(change);
    else if (change.kind === "opened") this.#add(change.opened, change.at);
    else if (change.kind === "closed") this.#close(change.asked);
    else this.#retire(change.to);
    if (this.#count > this.most || this.#changes.length > this.most) this.#forget(change.at + 1);
  }

  #forget(since: number): void {
    this.#open = undefined;
    this.#count = 0;
    this.#changes = [];
    this.#since = since;
  }

  #add({ subject, scope }: OpenDoNotCall, at: number): void {
    const before = this.#open!.get(subject) ?? [];
    const same = before.find((open) => open.scope[0] === scope[0] && open.scope[1] === scope[1]);
    if (same) same.at = at;
    else this.#keep(subject, before, [...before, { scope, at }]);
  }

  #close(asked: DoNotCallFacts): void {
    const { subjects, scope } = closedBy(asked)!;
    for (const subject of subjects) {
      const before = this.#open!.get(subject);
      if (before)
        this.#keep(
          subject,
          before,
          before.filter((open) => !covers(scope, open.scope)),
        );
    }
  }

  #retire(to: number): void {
    for (const [subject, before] of this.#open!)
      this.#keep(
        subject,
        before,
        before.filter(({ at }) => at >= to),
      );
  }

  #keep(subject: string, before: readonly Open[], after: Open[]): void {
    this.#count += after.length - before.length;
    if (after.length > 0) this.#open!.set(subject, after);
    else this.#open!.delete(subject);
  }
}

const readRows = async (rows: string): Promise<Map<string, Open[]>> => {
  const read = new Map<string, Open[]>();
  const lines = rows === "" ? [] : rows.split("\n");
  for (let from = 0; from < lines.length; from += ROWS_AT_ONCE) {
    for (const line of lines.slice(from, from + ROWS_AT_ONCE)) {
      const [at, subject, ...scope] = JSON.parse(line) as [number, string, ...Scope];
      read.set(subject, [...(read.get(subject) ?? []), { scope, at }]);
    }
    await setImmediate();
  }
  return read;
};
