/**
 * One upstream's owners on this gateway, as the log says: applies its events in order, and appends events. An append
 * resolves to what the application of its event has returned.
 */
import { GroupCommit } from "../../cluster/group-commit.ts";
import type { LogRow, NewEvent, SharedLog } from "../../cluster/log/shared-log.ts";
import { reason } from "../../common/system-error.ts";
import { applyEvent, type Applied, type ReplicaState } from "./state/apply-event.ts";
import { eventIn, type LogEvent } from "./state/events.ts";
import { emptyState, stateFrom, type StateOptions } from "./state/replica-state.ts";

export type Written = { readonly seq: number; readonly applied: Applied };
export type AppliedRow = Written & { readonly row: LogRow; readonly event: LogEvent };

export type ReplicaOptions = StateOptions & {
  readonly log: SharedLog;
  /** Called after each event. */
  readonly onApplied: (applied: AppliedRow) => void;
  /** Called when the log contains what this version cannot apply. No event is applied any more. */
  readonly onStalled: (reason: string) => void;
  /** Called when the state was read again from the database; `isLost`: which had lost events. */
  readonly onReloaded: (isLost: boolean, before: ReplicaState) => void;
};

/** The event may be in the log all the same. */
export class NotWritten extends Error {
  override readonly name = "NotWritten";
  readonly id: string;

  constructor(id: string, cause: unknown) {
    super(cause instanceof Error ? cause.message : String(cause), { cause });
    this.id = id;
  }
}

const RETRY_MS = 250;

export class Replica {
  readonly #options: ReplicaOptions;
  #state: ReplicaState;
  #applied = 0;
  #lastId: string | undefined;
  #appliedAt = { log: 0, monotonic: 0 };
  #stalled: string | undefined;
  #isClosed = false;
  readonly #written = new Map<string, (written: Written) => void>();
  /** Events whose commit got no reply, and what takes them back if they are in the log. */
  readonly #cancelled = new Map<string, (written: Written) => LogEvent | undefined>();
  readonly #appends: GroupCommit<NewEvent, undefined>;
  readonly #reads: GroupCommit<undefined, undefined>;
  #outbox: NewEvent[] = [];
  #isFlushing = false;
  #wake: () => void = () => undefined;

  constructor(options: ReplicaOptions) {
    this.#options = options;
    this.#state = emptyState(options);
    this.#appends = new GroupCommit((events) => this.#appendAll(events));
    this.#reads = new GroupCommit(async (all) => {
      await this.#readAll();
      return all.map(() => undefined);
    });
  }

  get state(): ReplicaState {
    return this.#state;
  }

  /** The number of the last event that was applied. */
  get applied(): number {
    return this.#applied;
  }

  /** Why no event is applied any more. */
  get stalled(): string | undefined {
    return this.#stalled;
  }

  /** The database's time, in seconds since 1970. */
  get now(): number {
    const { log, monotonic } = this.#appliedAt;
    return Math.floor((log + performance.now() - monotonic) / 1000);
  }

  /** Number of events that have to be written, although the database does not answer. */
  get pending(): number {
    return this.#outbox.length;
  }

  /** Resolves when everything in the log at this moment is applied. Rejects if the database does not answer. */
  readonly catchUp = async (): Promise<void> => {
    await this.#reads.add(undefined);
  };

  /** Resolves when the event is in the log and applied. Rejects with NotWritten. */
  append(event: LogEvent, id: string = crypto.randomUUID()): Promise<Written> {
    return this.#add({ id, event });
  }

  /** As `append`, but tries until the event is in the log. Never rejects. */
  appendSurely(event: LogEvent, id: string = crypto.randomUUID()): Promise<Written> {
    const written = this.#whenWritten(id);
    this.#outbox.push({ id, event });
    void this.#flush();
    return written;
  }

  /**
   * Makes sure that an event whose append has rejected has no effect: another event takes its id, or, if it is in the
   * log, the event that `undo` returns follows it.
   */
  cancel(id: string, undo: (written: Written) => LogEvent | undefined): void {
    this.#cancelled.set(id, undo);
    this.#outbox.push({ id, event: { kind: "void" } });
    void this.#flush();
  }

  /** Stops retrying. */
  close(): void {
    this.#isClosed = true;
    this.#wake();
  }

  /** Resolves when all events of `appendSurely` are written, or after `ms`. */
  async flushed(ms: number): Promise<void> {
    for (const deadline = performance.now() + ms; this.#outbox.length > 0 && performance.now() < deadline;)
      await new Promise((resolve) => setTimeout(resolve, 10));
  }

  #whenWritten(id: string): Promise<Written> {
    return new Promise((resolve) => this.#written.set(id, resolve));
  }

  async #add(event: NewEvent): Promise<Written> {
    const written = this.#whenWritten(event.id);
    try {
      // A read may apply the event before the append has its reply, or has none.
      return await Promise.race([written, this.#appends.add(event).then(() => written)]);
    } catch (error) {
      this.#written.delete(event.id);
      throw new NotWritten(event.id, error);
    }
  }

  async #flush(): Promise<void> {
    if (this.#isFlushing) return;
    this.#isFlushing = true;
    while (this.#outbox.length > 0 && !this.#isClosed) {
      const batch = this.#outbox.slice(0, 500);
      try {
        await Promise.all(batch.map((event) => this.#appends.add(event)));
        this.#outbox = this.#outbox.slice(batch.length);
      } catch {
        await new Promise<void>((resolve) => {
          this.#wake = resolve;
          setTimeout(resolve, RETRY_MS).unref();
        });
      }
    }
    this.#isFlushing = false;
  }

  async #appendAll(events: readonly NewEvent[]): Promise<readonly undefined[]> {
    if (this.#stalled !== undefined) throw new Error(this.#stalled);
    const { log, upstream } = this.#options;
    const rows = await log.append(upstream, events);
    if (rows.length > 0 && rows[0]!.seq === this.#applied + 1) this.#apply(rows);
    if (rows.length < events.length || rows.at(-1)!.seq > this.#applied) await this.catchUp();
    if (rows.length > 0 && rows.at(-1)!.seq > this.#applied) throw new Error("the log could not be applied");
    return events.map(() => undefined);
  }

  async #readAll(): Promise<void> {
    if (this.#stalled !== undefined) throw new Error(this.#stalled);
    const { log, upstream } = this.#options;
    for (;;) {
      // Appends go on meanwhile.
      const [before, lastId] = [this.#applied, this.#lastId];
      const { rows, head } = await log.read(upstream, Math.max(1, before));
      const follows = followsOn({ seq: before, id: lastId }, rows, head);
      if (follows === "yes") this.#apply(rows);
      else await this.#reload(follows === "lost");
      if (this.#applied < head && this.#applied <= before) this.#stall("events of the log are missing");
      if (this.#stalled !== undefined) throw new Error(this.#stalled);
      if (this.#applied >= head) return;
    }
  }

  /** Reads the snapshot and the events after it. */
  async #reload(isLost: boolean): Promise<void> {
    const { log, upstream, onReloaded } = this.#options;
    const before = this.#state;
    const snapshot = await log.snapshot(upstream);
    const begins = snapshot?.seq ?? 0;
    const { rows } = await log.read(upstream, begins + 1);
    // A newer snapshot has been written in between: the next attempt reads that one.
    if (rows.length > 0 && rows[0]!.seq !== begins + 1) throw new Error("events of the log are missing");
    try {
      this.#state = snapshot ? stateFrom(this.#options, snapshot) : emptyState(this.#options);
    } catch (error) {
      return this.#stall(reason(error));
    }
    this.#applied = begins;
    this.#lastId = undefined;
    this.#apply(rows);
    onReloaded(isLost, before);
  }

  #apply(rows: readonly LogRow[]): void {
    for (const row of rows) {
      if (row.seq <= this.#applied || this.#stalled !== undefined) continue;
      if (row.seq !== this.#applied + 1) return;
      try {
        const event = eventIn(row.event);
        const applied = applyEvent(this.#state, row, event);
        this.#applied = row.seq;
        this.#lastId = row.id;
        this.#appliedAt = { log: row.at, monotonic: performance.now() };
        this.#report({ seq: row.seq, row, event, applied });
      } catch (error) {
        return this.#stall(`event ${row.seq}: ${reason(error)}`);
      }
    }
  }

  #report(applied: AppliedRow): void {
    const { row, event } = applied;
    this.#options.onApplied(applied);
    this.#written.get(row.id)?.(applied);
    this.#written.delete(row.id);
    const undo = this.#cancelled.get(row.id);
    if (!undo) return;
    this.#cancelled.delete(row.id);
    const undoing = event.kind === "void" ? undefined : undo(applied);
    if (undoing) void this.appendSurely(undoing);
  }

  #stall(why: string): void {
    if (this.#stalled !== undefined) return;
    this.#stalled = why;
    this.#options.onStalled(why);
  }
}

/**
 * Whether the rows follow what was applied. `deleted`: a snapshot has taken the place of some events. `lost`: the
 * database was restored, or a standby took over that did not have the last events.
 */
const followsOn = (
  last: { readonly seq: number; readonly id: string | undefined },
  [first]: readonly LogRow[],
  head: number,
): "yes" | "deleted" | "lost" => {
  if (last.seq === 0) return (first?.seq ?? head + 1) === 1 ? "yes" : "deleted";
  if (head < last.seq || first === undefined) return "lost";
  if (first.seq > last.seq) return "deleted";
  return last.id === undefined || first.id === last.id ? "yes" : "lost";
};
