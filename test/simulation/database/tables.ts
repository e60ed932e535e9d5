/**
 * What is in the database, and the statements of src/cluster on it: each finds its row here by its name or its first
 * words, so a statement that is new gets a row, and one that changes is seen.
 */
import type { Statement } from "../../../src/cluster/database.ts";
import type { LogRow } from "../../../src/cluster/log/shared-log.ts";
import { wallOf } from "../globals.ts";

type NodeRow = {
  name: string;
  instance: string;
  version: string;
  started: string;
  beat: number;
  seen: string;
  stopped: string | null;
  details: unknown;
};
type Values = readonly unknown[];
type Rows = readonly object[];

const CHANNEL = "ocsgw_ownership";
const MOST_ROWS = 2000;

export class Tables {
  readonly clock = { wallOffset: 0 };
  /** By the name of the upstream. */
  readonly logs = new Map<string, LogRow[]>();
  readonly heads = new Map<string, number>();
  /** Called after each row that is added to a log. */
  onRow: (upstream: string, row: LogRow) => void = () => undefined;
  readonly #ids = new Set<string>();
  readonly #nodes = new Map<string, NodeRow>();
  readonly #marks = new Map<string, number>();
  #snapshots: { upstream: string; seq: number; part: number; data: unknown }[] = [];
  readonly #notify: (channel: string, payload: string) => void;

  constructor(notify: (channel: string, payload: string) => void) {
    this.#notify = notify;
  }

  /** Throws for a statement that has no row below. */
  query({ name, text, values = [] }: Statement): Rows {
    const found = this.#statements.find(([by]) => (typeof by === "string" ? by === name : by.test(text)));
    if (!found) throw new TypeError(`the simulation does not know the statement ${name ?? text}`);
    // What the wire carries is text: nothing is shared between gateways.
    return JSON.parse(JSON.stringify(found[1](values))) as Rows;
  }

  readonly #statements: readonly (readonly [string | RegExp, (values: Values) => Rows])[] = [
    ["beat", (values) => this.#beat(values)],
    ["come-back", ([name, instance]) => (this.#raise(name, instance) ? [{}] : [])],
    [/^INSERT INTO node /, (values) => this.#take(values)],
    [/^SELECT instance::text, beat::text FROM node/, ([name]) => this.#holder(name)],
    [/^UPDATE node SET stopped/, (values) => this.#leave(values)],
    ["ownership-append", (values) => this.#append(values)],
    ["ownership-read", (values) => this.#read(values)],
    ["ownership-ack", ([payload]) => (this.#notify(CHANNEL, payload as string), [])],
    ["ownership-mark", ([node, mark]) => (this.#marks.set(node as string, mark as number), [])],
    [/^SELECT mark::text/, ([node]) => this.#markOf(node)],
    [/^INSERT INTO log_head/, ([log]) => this.#begin(log)],
    [/pg_try_advisory_xact_lock/, () => [{ isFree: true }]],
    [/^SELECT seq::text, data FROM ownership_snapshot/, ([upstream]) => this.#snapshotOf(upstream)],
    [/^SELECT FROM ownership_snapshot/, ([upstream, seq]) => this.#snapshotsFrom(upstream, seq)],
    [/^INSERT INTO ownership_snapshot/, (values) => this.#addSnapshot(values)],
    [/^DELETE FROM ownership_snapshot/, ([upstream, seq]) => this.#dropSnapshots(upstream, seq)],
    [/^DELETE FROM ownership_log/, ([upstream, seq]) => this.#dropRows(upstream, seq)],
  ];

  get #now(): string {
    return new Date(wallOf(this.clock)).toISOString();
  }

  #raise(name: unknown, instance: unknown): NodeRow | undefined {
    const row = this.#nodes.get(name as string);
    if (!row || row.instance !== instance || row.stopped !== null) return undefined;
    row.beat++;
    row.seen = this.#now;
    return row;
  }

  #beat([name, instance, details]: Values): Rows {
    // The statement reads the rows as they were before it.
    const nodes = [...this.#nodes.values()]
      .toSorted((one, other) => (one.name < other.name ? -1 : 1))
      .map((row) => ({ ...row, beat: String(row.beat) }));
    const raised = this.#raise(name, instance);
    if (raised) raised.details = JSON.parse(details as string);
    const heads = Object.fromEntries([...this.heads].map(([log, seq]) => [log, String(seq)]));
    return [{ raised: raised ? 1 : 0, nodes, heads }];
  }

  #take([name, instance, version, dead, beat]: Values): Rows {
    const row = this.#nodes.get(name as string);
    const isDead = row && row.instance === dead && String(row.beat) === String(beat);
    if (row && row.stopped === null && !isDead && row.instance !== instance) return [];
    const times = { started: this.#now, seen: this.#now, stopped: null };
    const next = { name, instance, version, ...times, beat: (row?.beat ?? 0) + 1, details: {} };
    this.#nodes.set(name as string, next as NodeRow);
    return [{ name }];
  }

  #holder(name: unknown): Rows {
    const row = this.#nodes.get(name as string);
    return row ? [{ instance: row.instance, beat: String(row.beat) }] : [];
  }

  #leave([name, instance]: Values): Rows {
    const row = this.#nodes.get(name as string);
    if (row && row.instance === instance) row.stopped = this.#now;
    return [];
  }

  #begin(log: unknown): Rows {
    if (!this.heads.has(log as string)) this.heads.set(log as string, 0);
    return [];
  }

  #logOf(upstream: unknown): LogRow[] {
    let rows = this.logs.get(upstream as string);
    if (!rows) this.logs.set(upstream as string, (rows = []));
    return rows;
  }

  #append([upstream, log, ids, events, node, instance, payload]: Values): Rows {
    const added: LogRow[] = [];
    (ids as string[]).forEach((id, at) => {
      if (this.#ids.has(id)) return;
      this.#ids.add(id);
      const seq = (this.heads.get(log as string) ?? 0) + 1;
      this.heads.set(log as string, seq);
      const event = JSON.parse((events as string[])[at]!) as unknown;
      added.push({ seq, id, node, instance, at: wallOf(this.clock), event } as LogRow);
    });
    for (const row of added) {
      this.#logOf(upstream).push(row);
      this.onRow(upstream as string, row);
    }
    if (added.length > 0) this.#notify(CHANNEL, payload as string);
    return added.map(asText);
  }

  #read([upstream, log, from]: Values): Rows {
    const head = String(this.heads.get(log as string) ?? 0);
    const rows = this.#logOf(upstream).filter(({ seq }) => seq >= (from as number));
    return rows.length === 0
      ? [{ head, seq: null }]
      : rows.slice(0, MOST_ROWS).map((row) => ({ head, ...asText(row) }));
  }

  #markOf(node: unknown): Rows {
    const mark = this.#marks.get(node as string);
    return mark === undefined ? [] : [{ mark: String(mark) }];
  }

  #snapshotOf(upstream: unknown): Rows {
    const parts = this.#snapshots.filter((each) => each.upstream === upstream);
    const newest = Math.max(...parts.map(({ seq }) => seq));
    return parts
      .filter(({ seq }) => seq === newest)
      .toSorted((one, other) => one.part - other.part)
      .map(({ seq, data }) => ({ seq: String(seq), data }));
  }

  #snapshotsFrom(upstream: unknown, seq: unknown): Rows {
    return this.#snapshots.filter((each) => each.upstream === upstream && each.seq >= (seq as number)).map(() => ({}));
  }

  #addSnapshot([upstream, seq, at, parts]: Values): Rows {
    (parts as string[]).forEach((text, index) =>
      this.#snapshots.push({
        upstream: upstream as string,
        seq: seq as number,
        part: (at as number) + index,
        data: JSON.parse(text),
      }),
    );
    return [];
  }

  #dropSnapshots(upstream: unknown, seq: unknown): Rows {
    this.#snapshots = this.#snapshots.filter((each) => each.upstream !== upstream || each.seq >= (seq as number));
    return [];
  }

  #dropRows(upstream: unknown, seq: unknown): Rows {
    this.logs.set(
      upstream as string,
      this.#logOf(upstream).filter((row) => row.seq >= (seq as number)),
    );
    return [];
  }
}

const asText = (row: LogRow): object => ({ ...row, seq: String(row.seq), at: String(row.at) });
