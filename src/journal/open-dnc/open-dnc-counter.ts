/**
 * The open Do-Not-Calls, kept in memory from the entries as they are written, so that reading how many there are costs nothing, and so that none is
 * lost when its segment is deleted. Those of earlier runs come from the start state, or else from the index, once: until then the changes are
 * kept, to be applied on top.
 */
import { setImmediate } from "node:timers/promises";
import { covers, doNotCallOf, isSameScope, isTaken, type Closing, type Opened, type Scope } from "./do-not-call.ts";
import type { Abandoned, Entry, InDoubt, Intent, OpenDnc, Outcome, Refusal } from "./entry.ts";
import { factsOf } from "./story.ts";
import { readMicros } from "./time.ts";

/** How the last try ended. */
export type Ended = { readonly state: string; readonly status?: number; readonly code?: string };

/** One subject's Do-Not-Call of one scope. */
export type Open = {
  readonly scope: Scope;
  /** Indexes of the entries that asked for it first and last. */
  from: number;
  at: number;
  /** Of the last try. */
  id: string;
  /** The tenant's name; null when it was not said which. */
  tenant: string | null;
  clients: readonly string[];
  /** Microseconds since 1970, when it was asked for first and last. */
  first: number;
  last: number;
  tries: number;
  ended: Ended;
};

/** `oldest`: microseconds since 1970. */
export type TenantCount = { readonly tenant: string | null; readonly open: number; readonly oldest: number };

/** What is known after the first `size` entries. */
export type Snapshot = {
  readonly size: number;
  readonly count: number;
  readonly tenants: readonly TenantCount[];
  /** A line of JSON for each, from `writeRow`: threads hand over one text quickly. Undefined when there are more than were asked for. */
  readonly rows: string | undefined;
};

/** What `restore` takes: plain JSON. */
export type SavedDoNotCalls = {
  readonly size: number;
  readonly open: readonly Row[];
  readonly under_way: readonly (readonly [id: string, underWay: UnderWay])[];
};

type Row = readonly [subject: string, open: Open];

type Change =
  | {
      readonly kind: "opened";
      readonly at: number;
      readonly micros: number;
      readonly id: string;
      readonly opened: Opened;
      readonly ended: Ended;
    }
  | { readonly kind: "carried"; readonly at: number; readonly opened: Opened; readonly entry: OpenDnc }
  | { readonly kind: "closed"; readonly at: number; readonly closes: Closing }
  | {
      readonly kind: "failed";
      readonly at: number;
      readonly asked: number;
      readonly opened: Opened;
      readonly ended: Ended;
    }
  | { readonly kind: "deleted"; readonly at: number; readonly to: number };

/** An end may follow: also of an intent that was carried on before it had one. */
export const isBegun = (entry: Intent | Refusal | OpenDnc): boolean =>
  entry.kind === "intent" || (entry.kind === "open-dnc" && entry.state === "open");

type UnderWay = { readonly at: number; readonly closes: Closing; readonly opened?: Opened | undefined };

export const writeRow = (subject: string, open: Open): string => JSON.stringify([subject, open] satisfies Row);

export const isSame = (one: { readonly scope: Scope }, other: { readonly scope: Scope }): boolean =>
  isSameScope(one.scope, other.scope);

/** Some five hundred bytes each. */
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
  /** Entries taken: the index of the last one, and one. */
  #size = 0;
  /** Until the next change. */
  #tenants: readonly TenantCount[] | undefined;

  constructor(most = MOST_OPEN) {
    this.most = most;
  }

  /** Subjects, each with its scopes; undefined while it is not known, and while there are too many to keep. */
  get count(): number | undefined {
    return this.#open && this.#count;
  }

  /** The same by tenant, with the time of the oldest. */
  get tenants(): readonly TenantCount[] | undefined {
    return this.#open && (this.#tenants ??= countByTenant(this.#open.values()));
  }

  /** To be called with every entry that is on disk, in the order of the journal. */
  readonly take = (entry: Entry, index: number, micros: number): void => {
    this.#size = index + 1;
    switch (entry.kind) {
      case "intent":
      case "refusal":
      case "open-dnc":
        if (entry.action === "DoNotCall") this.#asked(entry, index, micros);
        return;
      case "outcome":
      case "abandoned":
      case "in-doubt":
        return this.#ended(entry, index);
      case "deleted":
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
    this.#begin(read, size);
    return this.count !== undefined;
  }

  /** Those of which a try lies below this index: lost with its segment unless they are carried on. Undefined while it is not known. */
  below(index: number): readonly Open[] | undefined {
    return this.#open && [...this.#open.values()].flat().filter(({ from }) => from < index);
  }

  /** For the start state: undefined while it is not known what is open. */
  save(): SavedDoNotCalls | undefined {
    return (
      this.#open && {
        size: this.#size,
        open: [...this.#open].flatMap(([subject, opens]) => opens.map((open): Row => [subject, { ...open }])),
        under_way: [...this.#underWay],
      }
    );
  }

  /** To be called before any entry is taken; then those from `size` on. */
  restore({ size, open, under_way: underWay }: SavedDoNotCalls): void {
    for (const [id, begun] of underWay) this.#underWay.set(id, begun);
    const read = new Map<string, Open[]>();
    for (const row of open) addRow(read, row);
    this.#size = size;
    this.#begin(read, size);
  }

  #begin(read: Map<string, Open[]>, size: number): void {
    const changes = this.#changes;
    this.#changes = [];
    this.#open = read;
    this.#count = read.values().reduce((sum, { length }) => sum + length, 0);
    this.#tenants = undefined;
    // The index forgets what was deleted only when the segments are gone.
    for (const change of changes) if (change.at >= size || change.kind === "deleted") this.#change(change);
  }

  #asked(entry: Intent | Refusal | OpenDnc, at: number, micros: number): void {
    const { opens: opened, closes } = doNotCallOf(entry)!;
    if (isBegun(entry)) this.#follow(entry.id, { at, closes, opened });
    if (!opened) return;
    if (entry.kind === "open-dnc") this.#change({ kind: "carried", at, opened, entry });
    else
      this.#change({
        kind: "opened",
        at,
        micros,
        id: entry.id,
        opened,
        ended:
          entry.kind === "intent" ? { state: "open" } : { state: "refused", status: entry.status, code: entry.code },
      });
  }

  /** Far fewer are under way: the oldest ones are those whose end an outage of the journal lost. */
  #follow(id: string, underWay: UnderWay): void {
    if (this.#underWay.size >= this.most) this.#underWay.delete(this.#underWay.keys().next().value!);
    this.#underWay.set(id, underWay);
  }

  #ended(entry: Outcome | Abandoned | InDoubt, index: number): void {
    const underWay = this.#underWay.get(entry.id);
    if (!underWay) return;
    this.#underWay.delete(entry.id);
    if (entry.kind === "outcome" && isTaken({ ...entry, suspected: entry.suspected === true }))
      return this.#change({ kind: "closed", at: index, closes: underWay.closes });
    if (!underWay.opened) return;
    const { state = "open", status, code } = factsOf({ at: index, entries: [{ ...entry, index, time: "" }] });
    this.#change({
      kind: "failed",
      at: index,
      asked: underWay.at,
      opened: underWay.opened,
      ended: { state, ...(status !== undefined && { status }), ...(code !== undefined && { code }) },
    });
  }

  #change(change: Change): void {
    if (!this.#open) this.#changes.push(change);
    else this.#apply(change);
    if (this.#count > this.most || this.#changes.length > this.most) this.#forget(change.at + 1);
  }

  #apply(change: Change): void {
    this.#tenants = undefined;
    switch (change.kind) {
      case "opened":
        return this.#add(change.opened, {
          from: change.at,
          at: change.at,
          id: change.id,
          first: change.micros,
          last: change.micros,
          tries: 1,
          clients: [change.opened.client],
          ended: change.ended,
        });
      case "carried": {
        const { id, first, last, tries, clients, state, status, code } = change.entry;
        this.#keep(change.opened.subject, (open) => !isSame(open, change.opened));
        return this.#add(change.opened, {
          from: change.at,
          at: change.at,
          id,
          first: readMicros(first),
          last: readMicros(last),
          tries,
          clients,
          ended: { state, ...(status !== undefined && { status }), ...(code !== undefined && { code }) },
        });
      }
      case "closed":
        for (const subject of change.closes.subjects)
          this.#keep(subject, ({ scope }) => !covers(change.closes.scope, scope));
        return;
      case "failed": {
        const open = this.#open!.get(change.opened.subject)?.find(
          (each) => each.at === change.asked && isSame(each, change.opened),
        );
        if (open) open.ended = change.ended;
        return;
      }
      case "deleted":
        for (const subject of this.#open!.keys()) this.#keep(subject, ({ at }) => at >= change.to);
    }
  }

  #forget(since: number): void {
    this.#open = undefined;
    this.#count = 0;
    this.#changes = [];
    this.#since = since;
  }

  #add({ subject, scope, tenant }: Opened, tried: Omit<Open, "scope" | "tenant">): void {
    const before = this.#open!.get(subject) ?? [];
    const same = before.find((open) => isSameScope(open.scope, scope));
    if (same) {
      Object.assign(same, {
        ...tried,
        tenant,
        from: same.from,
        first: same.first,
        tries: same.tries + tried.tries,
        clients: [...new Set([...same.clients, ...tried.clients])],
      });
      return;
    }
    this.#open!.set(subject, [...before, { scope, tenant, ...tried }]);
    this.#count++;
  }

  #keep(subject: string, stays: (open: Open) => boolean): void {
    const before = this.#open!.get(subject);
    if (!before) return;
    const after = before.filter(stays);
    this.#count += after.length - before.length;
    if (after.length > 0) this.#open!.set(subject, after);
    else this.#open!.delete(subject);
  }
}

export const countByTenant = (all: Iterable<readonly Open[]>): TenantCount[] => {
  const counts = new Map<string | null, { tenant: string | null; open: number; oldest: number }>();
  for (const opens of all) {
    for (const { tenant, first } of opens) {
      const count = counts.get(tenant);
      if (!count) counts.set(tenant, { tenant, open: 1, oldest: first });
      else Object.assign(count, { open: count.open + 1, oldest: Math.min(count.oldest, first) });
    }
  }
  return [...counts.values()];
};

const readRows = async (rows: string): Promise<Map<string, Open[]>> => {
  const read = new Map<string, Open[]>();
  const lines = rows === "" ? [] : rows.split("\n");
  for (let from = 0; from < lines.length; from += ROWS_AT_ONCE) {
    for (const line of lines.slice(from, from + ROWS_AT_ONCE)) addRow(read, JSON.parse(line) as Row);
    await setImmediate();
  }
  return read;
};

const addRow = (read: Map<string, Open[]>, [subject, open]: Row): void =>
  void read.set(subject, [...(read.get(subject) ?? []), { ...open }]);
