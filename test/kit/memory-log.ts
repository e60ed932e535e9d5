/**
 * The log and the membership of gateways in memory, for tests and the simulation: the interfaces of src/cluster, with
 * faults. Time passes by `setTimeout` and `performance.now`, so fake timers drive it.
 */
import type { LogRow, LogSnapshot, NewEvent, SharedLog } from "../../src/cluster/log/shared-log.ts";
import type { GatewayRow, Gateways } from "../../src/ownership/replicated/gateways.ts";

export class MemoryDatabaseDown extends Error {}

type Listener = Parameters<SharedLog["listen"]>[0];
type Row = { name: string; instance: string; beat: number; stopped: boolean; details: Record<string, unknown> };

/** The database. Faults hold until they are changed. */
export class MemoryDatabase {
  readonly rows = new Map<string, LogRow[]>();
  readonly snapshots = new Map<string, LogSnapshot>();
  readonly nodes = new Map<string, Row>();
  readonly listeners = new Set<{ readonly instance: string; readonly listener: Listener }>();
  /** Called after each row that is added. */
  onRow: (log: string, row: LogRow) => void = () => undefined;
  isDown = false;
  /** Milliseconds that a statement takes, each way. */
  delay: () => number = () => 1;
  /** Notifications that arrive; others are lost. */
  isNotified: () => boolean = () => true;

  head(log: string): number {
    return this.#of(log).at(-1)?.seq ?? 0;
  }

  /** The events of this log in order. */
  #of(log: string): LogRow[] {
    let rows = this.rows.get(log);
    if (!rows) this.rows.set(log, (rows = []));
    return rows;
  }

  add(log: string, events: readonly NewEvent[], { node, instance }: { node: string; instance: string }): LogRow[] {
    const rows = this.#of(log);
    const added: LogRow[] = [];
    for (const { id, event } of events) {
      if (rows.some((row) => row.id === id)) continue;
      const at = Date.now();
      const row = {
        seq: this.head(log) + 1,
        id,
        node,
        instance,
        at,
        event: JSON.parse(JSON.stringify(event)) as unknown,
      };
      rows.push(row);
      added.push(row);
      this.onRow(log, row);
    }
    if (added.length > 0) this.notify(instance, ({ onAppended }) => onAppended(log));
    return added;
  }

  notify(instance: string, call: (listener: Listener) => void): void {
    for (const each of this.listeners)
      if (each.instance !== instance && this.isNotified()) setTimeout(() => call(each.listener), this.delay());
  }

  read(log: string, from: number): { readonly rows: readonly LogRow[]; readonly head: number } {
    return {
      rows: this.#of(log)
        .filter(({ seq }) => seq >= from)
        .slice(0, 2000),
      head: this.head(log),
    };
  }

  deleteBefore(log: string, seq: number): void {
    this.rows.set(
      log,
      this.#of(log).filter((row) => row.seq >= seq),
    );
  }
}

/** One gateway's way to the database. */
export class MemoryGateway implements Gateways {
  readonly node: string;
  readonly instance: string;
  readonly database: MemoryDatabase;
  /** No statement gets through. */
  isCut = false;
  /** The next statement is carried out, but its reply is lost. */
  losesReply = false;
  leaseNumber = 0;
  readAt = -Infinity;
  nodes: readonly GatewayRow[] = [];
  #sent = -Infinity;
  #details: Record<string, unknown> = {};
  readonly #seen = new Map<string, { readonly key: string; readonly since: number }>();
  readonly #timer: NodeJS.Timeout;
  #isLeft = false;

  constructor(database: MemoryDatabase, node: string, instance: string = crypto.randomUUID()) {
    [this.database, this.node, this.instance] = [database, node, instance];
    database.nodes.set(node, { name: node, instance, beat: 0, stopped: false, details: {} });
    this.#timer = setInterval(() => void this.beat(), 250);
  }

  get isLeased(): boolean {
    return !this.#isLeft && performance.now() - this.#sent < 1000;
  }

  readonly beat = async (): Promise<boolean> => {
    const sent = performance.now();
    try {
      const rows = await this.#statement(() => {
        const row = this.database.nodes.get(this.node)!;
        if (row.instance !== this.instance || row.stopped) throw new MemoryDatabaseDown("replaced");
        row.beat++;
        row.details = { ...this.#details };
        return [...this.database.nodes.values()].map((each) => ({ ...each }));
      });
      if (!this.isLeased) this.leaseNumber++;
      this.#sent = Math.max(sent, this.#sent);
      this.readAt = Math.max(sent, this.readAt);
      this.nodes = rows.map((row) => ({ ...row, state: this.#stateOf(row) }));
      return true;
    } catch {
      return false;
    }
  };

  readonly tell = (part: string, value: unknown): void => {
    this.#details = { ...this.#details, [part]: value };
  };

  /** The process ends: in order, or killed. */
  end(isOrderly: boolean): void {
    clearInterval(this.#timer);
    this.#isLeft = true;
    const row = this.database.nodes.get(this.node);
    if (isOrderly && row?.instance === this.instance) row.stopped = true;
    for (const each of this.database.listeners)
      if (each.instance === this.instance) this.database.listeners.delete(each);
    this.isCut = true;
  }

  get log(): SharedLog {
    const { database, instance } = this;
    return {
      append: (log, events) => this.#statement(() => database.add(log, events, this)),
      read: (log, from) => this.#statement(() => database.read(log, from)),
      snapshot: (log) => this.#statement(() => database.snapshots.get(log)),
      putSnapshot: (log, snapshot, keepFrom) =>
        this.#statement(() => {
          if ((database.snapshots.get(log)?.seq ?? 0) >= snapshot.seq) return false;
          database.snapshots.set(log, JSON.parse(JSON.stringify(snapshot)) as LogSnapshot);
          database.deleteBefore(log, Math.min(keepFrom, snapshot.seq));
          return true;
        }),
      acknowledge: (acknowledgement) =>
        this.#statement(() => database.notify(instance, ({ onAcknowledged }) => onAcknowledged(acknowledgement))),
      listen: (listener) => {
        const entry = { instance, listener };
        database.listeners.add(entry);
        return () => void database.listeners.delete(entry);
      },
    };
  }

  async #statement<Value>(run: () => Value): Promise<Value> {
    const { database } = this;
    await new Promise((resolve) => setTimeout(resolve, database.delay()));
    if (database.isDown || this.isCut) throw new MemoryDatabaseDown("the database does not answer");
    const value = run();
    const isLost = this.losesReply;
    this.losesReply = false;
    await new Promise((resolve) => setTimeout(resolve, database.delay()));
    if (isLost || database.isDown || this.isCut) throw new MemoryDatabaseDown("the reply was lost");
    return value;
  }

  #stateOf({ name, instance, beat, stopped }: Row): GatewayRow["state"] {
    if (stopped) return "stopped";
    if (name === this.node) return "live";
    const key = `${instance} ${beat}`;
    const seen = this.#seen.get(name);
    if (seen?.key !== key) this.#seen.set(name, { key, since: performance.now() });
    else if (performance.now() - seen.since >= 1500) return "dead";
    return "live";
  }
}
