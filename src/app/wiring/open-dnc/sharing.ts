/**
 * Open Do-Not-Calls over several gateways. Each writes its own open ones, and what OCS confirmed closes those of the
 * others in the shared database; each then closes its own ones with an entry in its journal that says who closed them.
 *
 * Clocks may differ by minutes, so only numbers of the database give the order. A confirmation closes what the database
 * had before the confirmed request was journaled, so before it was sent: that was certainly asked earlier. What is not
 * certain, because a gateway was cut off from the database meanwhile, stays open.
 */
import { setTimeout as delay } from "node:timers/promises";
import type {
  Closed,
  ClosedElsewhere,
  DncRows,
  NodePosition,
  OpenElsewhere,
  OpenRow,
} from "../../../cluster/dnc/dnc-rows.ts";
import { events } from "../../../common/log/events.ts";
import { SerialQueue } from "../../../common/serial-queue.ts";
import { faultInWords } from "../../../common/system-error.ts";
import type { Entry, Recorded } from "../../../journal/entry.ts";
import type { Journal } from "../../../journal/journal.ts";
import { covers, type Scope } from "../../../journal/open-dnc/dnc-scope.ts";
import type { OpenDoNotCalls } from "../../../journal/open-dnc/open-dnc-counter.ts";
import { readEntries } from "../../../journal/read/read-entries.ts";
import { carriedOf } from "../../../journal/segments/retention/retention.ts";
import { Confirmations, type Confirmed } from "./confirmations.ts";
import { keysDiffer, lacksOf } from "./lacks.ts";
import { rowOf } from "./open-row.ts";

export type DncSharingParts = {
  readonly node: string;
  readonly rows: Pick<DncRows, "position" | "subjects" | "write" | "read" | "others" | "listen">;
  readonly counter: Pick<OpenDoNotCalls, "of" | "subjects" | "count">;
  readonly journal: Pick<Journal, "dir" | "disk" | "append" | "status">;
  /** Check value of the index key that makes tokens now. */
  readonly key: () => string;
};

/** Milliseconds. Several entries go into one statement. */
const GATHER_MS = 50;
const EVERY_MS = 1000;
/** A gateway that has nothing new says that it lives. */
const TELL_MS = 5000;
const AT_ONCE = 500;
/** Beyond this the confirmations are read from the journal again, once the database answers. */
const MOST_WAITING = 20_000;

export class DncSharing {
  readonly #parts: DncSharingParts;
  readonly #queue = new SerialQueue();
  readonly #confirmations = new Confirmations();
  #waiting: Promise<void> | undefined;
  #timers: { readonly poll: NodeJS.Timeout; readonly unlisten: () => void } | undefined;
  #gathering: NodeJS.Timeout | undefined;
  /** The entries below `to` that this run has not taken, or has dropped, are read from the journal. */
  #unread: { to: number | undefined } | undefined = { to: undefined };
  #size: number | undefined;
  #seen = 0;
  readonly #subjects = new Set<string>();
  #confirmed: Confirmed[] = [];
  /** The rows of all subjects are as the counter says, but for `#subjects`. */
  #isWhole = false;
  #told = -Infinity;
  #isStopped = false;
  #others: { readonly read: number; readonly nodes: readonly NodePosition[] } | undefined;
  #trouble: string | undefined;
  #differing = "";

  constructor(parts: DncSharingParts) {
    this.#parts = parts;
  }

  /** To be called with each entry on disk, after the counter has taken it. */
  take(entry: Entry, index: number): void {
    if (this.#unread) this.#unread.to ??= index;
    this.#size = index + 1;
    const { subjects, confirmed } = this.#confirmations.take(entry, index, this.#seen);
    if (entry.kind === "deleted") this.#isWhole = false;
    for (const subject of subjects) this.#subjects.add(subject);
    if (confirmed) this.#confirmed.push(confirmed);
    if (this.#confirmed.length > MOST_WAITING) {
      this.#confirmed = [];
      this.#unread = { to: index + 1 };
    }
    if (subjects.length > 0 && this.#timers) this.#gathering ??= setTimeout(() => this.#syncSoon(), GATHER_MS).unref();
  }

  start(): void {
    const soon = (): void => this.#syncSoon();
    this.#timers = { poll: setInterval(soon, EVERY_MS).unref(), unlisten: this.#parts.rows.listen(soon) };
    soon();
  }

  /** Tells the others once more, and that nothing will follow. */
  async stop(): Promise<void> {
    clearInterval(this.#timers?.poll);
    clearTimeout(this.#gathering);
    this.#timers?.unlisten();
    this.#timers = undefined;
    this.#isStopped = true;
    await Promise.race([this.sync().catch(() => undefined), delay(EVERY_MS, undefined, { ref: false })]);
  }

  /** Writes what is new, and closes what others have closed. Rejects with DatabaseUnavailable, or a journal's error. */
  sync(): Promise<void> {
    this.#waiting ??= this.#queue.run(async () => {
      this.#waiting = undefined;
      try {
        await this.#sync();
        if (this.#trouble !== undefined) events.openDncsSharedAgain();
        this.#trouble = undefined;
      } catch (error) {
        const reason = faultInWords(error);
        if (this.#trouble === undefined) events.openDncsNotShared({ reason });
        this.#trouble = reason;
        throw error;
      }
    });
    return this.#waiting;
  }

  /** Why the own list may have too many, and does not have those of other gateways. One sentence each. */
  lacks(): readonly string[] {
    return lacksOf({ trouble: this.#trouble, others: this.#others, key: this.#parts.key(), now: Date.now() });
  }

  /** For the status: what an operator must repair. */
  troubles(): readonly string[] {
    return [
      ...(this.#trouble === undefined ? [] : [`open Do-Not-Calls are not shared: ${this.#trouble}`]),
      ...keysDiffer(this.#others?.nodes ?? [], this.#parts.key()),
    ];
  }

  #syncSoon(): void {
    clearTimeout(this.#gathering);
    this.#gathering = undefined;
    this.sync().catch(() => undefined);
  }

  async #sync(): Promise<void> {
    await this.#readAgain();
    await this.#pull();
    await this.#push();
    const now = Date.now();
    if (this.#others && Math.abs(now - this.#others.read) < EVERY_MS / 2) return;
    this.#others = { read: now, nodes: await this.#parts.rows.others(this.#parts.node) };
    const differing = keysDiffer(this.#others.nodes, this.#parts.key()).join("; ");
    if (differing !== this.#differing && differing !== "") events.indexKeysDiffer({ differing });
    this.#differing = differing;
  }

  /** Confirmations that an earlier run did not write, or that were too many to keep. */
  async #readAgain(): Promise<void> {
    const { rows, node, journal } = this.#parts;
    if (!this.#unread) return;
    const position = await rows.position(node);
    const to = (this.#unread.to ??= journal.status().size);
    const earlier = new Confirmations();
    const found: Confirmed[] = [];
    for await (const entry of position ? readEntries(journal.dir, { from: position.resume, to }, journal.disk) : []) {
      const { confirmed } = earlier.take(entry, entry.index, position!.seen);
      if (confirmed) found.push(confirmed);
      if (found.length >= AT_ONCE) await this.#write([], found.splice(0), false);
    }
    if (found.length > 0) await this.#write([], found, false);
    // Meanwhile still more may have been dropped.
    if (this.#unread.to === to) this.#unread = undefined;
  }

  async #pull(): Promise<void> {
    const { rows, node } = this.#parts;
    const { head, closed } = await rows.read(node);
    this.#seen = head;
    for (const each of closed) await this.#close(each);
  }

  async #close({ subject, scope, request, node, by, seq }: ClosedElsewhere): Promise<void> {
    const { counter, journal } = this.#parts;
    const all = counter.of(subject);
    if (!all) return;
    const open = all.find((each) => JSON.stringify(each.scope) === scope && each.id === request);
    // It was asked again, or a run that crashed has closed it: its row is replaced or deleted.
    if (!open) return void this.#subjects.add(subject);
    let asked: Recorded | undefined;
    for await (const entry of readEntries(journal.dir, { from: open.from, to: open.from + 1 }, journal.disk))
      asked = entry;
    await journal.append({ ...carriedOf(open, asked), closed: { node, request: by, seq } });
  }

  async #push(): Promise<void> {
    const { counter, rows, node } = this.#parts;
    if (counter.count === undefined) this.#isWhole = false;
    else if (!this.#isWhole) {
      const theirs = await rows.subjects(node);
      const own = counter.subjects;
      if (own) {
        for (const subject of [...theirs, ...own]) this.#subjects.add(subject);
        this.#isWhole = true;
      }
    }
    let isDue = performance.now() - this.#told >= TELL_MS || this.#isStopped;
    while (this.#subjects.size > 0 || this.#confirmed.length > 0 || isDue) {
      if (counter.count === undefined && this.#confirmed.length === 0) return;
      const subjects = [...this.#subjects].slice(0, counter.count === undefined ? 0 : AT_ONCE);
      const confirmed = this.#confirmed.slice(0, AT_ONCE);
      const isAll = subjects.length === this.#subjects.size && confirmed.length === this.#confirmed.length;
      await this.#write(subjects, confirmed, isAll && counter.count !== undefined);
      this.#confirmed = this.#confirmed.filter((each) => !confirmed.includes(each));
      isDue &&= !isAll;
    }
  }

  /** Subjects that change meanwhile are written again. */
  async #write(subjects: readonly string[], confirmed: readonly Confirmed[], isAll: boolean): Promise<void> {
    const { rows, node, counter, journal } = this.#parts;
    const open = subjects.flatMap((subject): OpenRow[] => counter.of(subject)!.map((each) => rowOf(subject, each)));
    const size = this.#size ?? journal.status().size;
    const oldest = this.#confirmations.oldest;
    const key = this.#parts.key();
    for (const subject of subjects) this.#subjects.delete(subject);
    try {
      await rows.write(node, {
        subjects,
        open,
        key,
        closing: [...new Set(confirmed.flatMap(({ closes }) => closes.subjects))],
        close: (rowsThere) => closedBy(confirmed, rowsThere),
        position: isAll
          ? {
              upTo: size,
              resume: Math.min(size, oldest?.at ?? size),
              seen: Math.min(this.#seen, oldest?.seen ?? this.#seen),
              key,
              open: counter.count!,
              isStopped: this.#isStopped,
            }
          : undefined,
      });
    } catch (error) {
      for (const subject of subjects) this.#subjects.add(subject);
      throw error;
    }
    if (isAll) this.#told = performance.now();
  }
}

/** A wider scope closes a narrower one, never the reverse; and only what the database had before it was asked. */
const closedBy = (confirmed: readonly Confirmed[], open: readonly OpenElsewhere[]): readonly Closed[] =>
  open.flatMap((each) => {
    const by = confirmed.find(
      ({ closes, seen }) =>
        each.seq <= seen &&
        closes.subjects.includes(each.subject) &&
        covers(closes.scope, JSON.parse(each.scope) as Scope),
    );
    return by ? [{ open: each, by: by.id }] : [];
  });
