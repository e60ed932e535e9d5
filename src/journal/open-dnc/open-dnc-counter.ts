/**
 * The open Do-Not-Calls, kept in memory from the entries as they are written, so that counting them costs nothing, and
 * none is lost when its segment is deleted. Those of earlier runs come from the start state, or else once from the
 * index: until then the counter collects the changes, to apply them afterwards.
 */
import { covers, doNotCallOf, isSameScope, isConfirmed, type Closing, type Opened, type Scope } from "./dnc-scope.ts";
import {
  addRow,
  countByOwner,
  countByTenant,
  readRows,
  type Ended,
  type Open,
  type OwnerCount,
  type Row,
  type Snapshot,
  type TenantCount,
} from "./open-dnc-rows.ts";
import type { Abandoned, Entry, InDoubt, Intent, OpenDnc, Outcome, Refusal } from "../entry.ts";
import { fieldsOf } from "../search/transaction.ts";
import { readMicros } from "../time.ts";

/** What `restore` takes: plain JSON. */
export type SavedDoNotCalls = {
  readonly size: number;
  readonly open: readonly Row[];
  readonly under_way: readonly (readonly [id: string, underWay: PendingRequest])[];
};

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

/** Whether an outcome may follow: also after an intent that was carried on before it had one. */
export const mayHaveOutcome = (entry: Intent | Refusal | OpenDnc): boolean =>
  entry.kind === "intent" || (entry.kind === "open-dnc" && entry.state === "open" && entry.closed === undefined);

type PendingRequest = { readonly at: number; readonly closes: Closing; readonly opened?: Opened | undefined };

export const isSame = (one: { readonly scope: Scope }, other: { readonly scope: Scope }): boolean =>
  isSameScope(one.scope, other.scope);

/** About five hundred bytes each. */
export const MOST_OPEN = 100_000;
export class OpenDoNotCalls {
  /** The maximum number of open Do-Not-Calls, and of changes, in memory. */
  readonly most: number;
  /** Do-Not-Calls without an outcome, by request id. */
  readonly #pending = new Map<string, PendingRequest>();
  /** By subject; undefined while unknown. */
  #open: Map<string, Open[]> | undefined;
  #count = 0;
  /** All changes from index `#since` on, while the open ones are unknown. */
  #changes: Change[] = [];
  #since = 0;
  /** Number of entries taken: the index of the last one plus one. */
  #size = 0;
  /** Cached until the next change. */
  #tenants: readonly TenantCount[] | undefined;
  #owners: readonly OwnerCount[] | undefined;

  constructor(most = MOST_OPEN) {
    this.most = most;
  }

  /** The number of pairs of subject and scope; undefined while unknown, and while there are too many to keep. */
  get count(): number | undefined {
    return this.#open && this.#count;
  }

  /** The same by tenant, with the time of the oldest. */
  get tenants(): readonly TenantCount[] | undefined {
    return this.#open && (this.#tenants ??= countByTenant(this.#open.values()));
  }

  get owners(): readonly OwnerCount[] | undefined {
    return this.#open && (this.#owners ??= countByOwner(this.#open));
  }

  /** Call it with every entry on disk, in the order of the journal. */
  readonly take = (entry: Entry, index: number, micros: number): void => {
    this.#size = index + 1;
    switch (entry.kind) {
      case "intent":
      case "refusal":
      case "open-dnc":
        if (entry.action === "DoNotCall") this.#onRequest(entry, index, micros);
        return;
      case "outcome":
      case "abandoned":
      case "in-doubt":
        return this.#onOutcome(entry, index);
      case "deleted":
        return this.#change({ kind: "deleted", at: index, to: entry.to });
    }
  };

  /**
   * Starts from what the index knows. Resolves with false when the snapshot is too old or too large: then ask the index
   * again. Every entry below its size must have been taken.
   */
  async start({ size, rows }: Snapshot): Promise<boolean> {
    if (rows === undefined) return false;
    const read = await readRows(rows);
    if (this.#open) return true;
    if (size < this.#since) return false;
    this.#begin(read, size);
    return this.count !== undefined;
  }

  /** Undefined while unknown. */
  of(subject: string): readonly Open[] | undefined {
    return this.#open && (this.#open.get(subject) ?? []);
  }

  /** Undefined while unknown. */
  get subjects(): readonly string[] | undefined {
    return this.#open && [...this.#open.keys()];
  }

  /**
   * Those with an attempt below this index: they are lost with its segment unless they are carried on. Undefined while
   * unknown.
   */
  below(index: number): readonly Open[] | undefined {
    return this.#open && [...this.#open.values()].flat().filter(({ from }) => from < index);
  }

  /** The value for the start state; undefined while the open ones are unknown. */
  save(): SavedDoNotCalls | undefined {
    return (
      this.#open && {
        size: this.#size,
        open: [...this.#open].flatMap(([subject, opens]) => opens.map((open): Row => [subject, { ...open }])),
        under_way: [...this.#pending],
      }
    );
  }

  /** Call it before `take`; then take the entries from `size` on. */
  restore({ size, open, under_way: underWay }: SavedDoNotCalls): void {
    for (const [id, begun] of underWay) this.#pending.set(id, begun);
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
    this.#tenants = this.#owners = undefined;
    // The index drops deleted entries only when the segments are gone.
    for (const change of changes) if (change.at >= size || change.kind === "deleted") this.#change(change);
  }

  #onRequest(entry: Intent | Refusal | OpenDnc, at: number, micros: number): void {
    const { opens: opened, closes } = doNotCallOf(entry)!;
    if (mayHaveOutcome(entry)) this.#follow(entry.id, { at, closes, opened });
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

  /** Usually far fewer: the oldest are those whose outcome an outage of the journal lost. */
  #follow(id: string, underWay: PendingRequest): void {
    if (this.#pending.size >= this.most) this.#pending.delete(this.#pending.keys().next().value!);
    this.#pending.set(id, underWay);
  }

  #onOutcome(entry: Outcome | Abandoned | InDoubt, index: number): void {
    const underWay = this.#pending.get(entry.id);
    if (!underWay) return;
    this.#pending.delete(entry.id);
    if (entry.kind === "outcome" && isConfirmed({ ...entry, suspected: entry.suspected === true }))
      return this.#change({ kind: "closed", at: index, closes: underWay.closes });
    if (!underWay.opened) return;
    const { state = "open", status, code } = fieldsOf({ at: index, entries: [{ ...entry, index, time: "" }] });
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
    this.#tenants = this.#owners = undefined;
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
        const { id, first, last, tries, clients, state, status, code, closed } = change.entry;
        if (closed) return this.#keep(change.opened.subject, (open) => !isSame(open, change.opened) || open.id !== id);
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
