/** Reads and changes the rows of the database of keys, within the caller's transaction. */
import type { DatabaseSync, StatementSync } from "node:sqlite";
import type { HeaderLine } from "../../common/message.ts";
import type { KeptKey, KeyEnd, KeyScope, NewKey, RunningKey, StoreClaim } from "../types.ts";
import type { Expiry } from "./messages.ts";

/** Rows that one transaction deletes, so that claims wait only for a moment. */
export const MOST_EXPIRED = 1000;

type Row = Readonly<Record<string, string | number | Uint8Array | null>>;

export class KeyTable {
  readonly #mostKeys: number;
  readonly #find: StatementSync;
  readonly #count: StatementSync;
  readonly #oldest: StatementSync;
  readonly #insert: StatementSync;
  readonly #answered: StatementSync;
  readonly #unknown: StatementSync;
  readonly #free: StatementSync;
  readonly #expire: StatementSync;
  readonly #restamp: StatementSync;
  readonly #running: StatementSync;
  /** Keys of a scope, as far as they were counted. */
  readonly #counts = new Map<string, number>();

  constructor(db: DatabaseSync, mostKeys: number) {
    this.#mostKeys = mostKeys;
    const OF_SCOPE = "upstream = ?1 AND tenant = ?2 AND client = ?3";
    const RUNS = "WHERE id = ?1 AND state = 'running'";
    const RETURNING = "RETURNING upstream, tenant, client";
    this.#find = db.prepare(`SELECT * FROM key WHERE ${OF_SCOPE} AND token = ?4`);
    this.#count = db.prepare(`SELECT count(*) AS keys FROM key WHERE ${OF_SCOPE}`);
    this.#oldest = db.prepare(`SELECT min(at) AS at FROM key WHERE ${OF_SCOPE}`);
    this.#insert = db.prepare(`INSERT INTO key
      (upstream, tenant, client, token, fingerprint, id, at, entry, entry_time, certain, state)
      VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, 'running')`);
    this.#answered = db.prepare(
      `UPDATE key SET state = 'answered', status = ?2, headers = ?3, body = ?4 ${RUNS} ${RETURNING}`,
    );
    this.#unknown = db.prepare(`UPDATE key SET state = 'unknown', refusal = ?2, detail = ?3 ${RUNS} ${RETURNING}`);
    this.#free = db.prepare(`DELETE FROM key ${RUNS} ${RETURNING}`);
    this.#expire = db.prepare(`DELETE FROM key WHERE rowid IN
      (SELECT rowid FROM key WHERE at < ?1 AND state <> 'running' ORDER BY at LIMIT ${MOST_EXPIRED}) ${RETURNING}`);
    this.#restamp = db.prepare("UPDATE key SET at = ?1 WHERE at > ?1");
    this.#running = db.prepare(
      "SELECT id, entry, entry_time AS entryTime, certain FROM key WHERE state = 'running' ORDER BY entry",
    );
  }

  running(): readonly RunningKey[] {
    return (this.#running.all() as Row[]).map(({ certain, ...row }) => ({
      ...(row as unknown as RunningKey),
      certain: certain === 1,
    }));
  }

  claim(key: NewKey): StoreClaim {
    const { upstream, tenant, client } = key;
    for (const { token } of key.tokens) {
      const row = this.#find.get(upstream, tenant, client, token) as Row | undefined;
      if (row) return { kind: "kept", key: keptIn(row) };
    }
    if (key.looksOnly) return { kind: "absent" };
    if (this.#countOf(key) >= this.#mostKeys) {
      const { at } = this.#oldest.get(upstream, tenant, client) as { at: number };
      return { kind: "full", oldest: at };
    }
    const { token, fingerprint } = key.tokens[0]!;
    const { id, at, entry, entryTime, certain } = key;
    this.#insert.run(upstream, tenant, client, token, fingerprint, id, at, entry, entryTime, certain ? 1 : 0);
    this.#add(key, 1);
    return { kind: "claimed" };
  }

  end(id: string, end: KeyEnd): void {
    if (end.state === "unknown") this.#unknown.run(id, end.refusal, end.detail);
    else if (end.state === "answered")
      this.#answered.run(id, end.answer.status, JSON.stringify(end.answer.headers), end.answer.body);
    else for (const scope of this.#free.all(id) as KeyScope[]) this.#add(scope, -1);
  }

  /** Returns the number of deleted rows; at MOST_EXPIRED there may be more. */
  expire({ before, latest }: Expiry): number {
    if (latest !== undefined) this.#restamp.run(latest);
    const gone = this.#expire.all(before) as KeyScope[];
    for (const scope of gone) this.#add(scope, -1);
    return gone.length;
  }

  /** After a transaction that was undone. */
  forgetCounts(): void {
    this.#counts.clear();
  }

  #countOf(scope: KeyScope): number {
    const name = nameOf(scope);
    let count = this.#counts.get(name);
    if (count === undefined) {
      ({ keys: count } = this.#count.get(scope.upstream, scope.tenant, scope.client) as { keys: number });
      this.#counts.set(name, count);
    }
    return count;
  }

  /** To be called after the change; a scope that was not counted yet is counted when needed. */
  #add(scope: KeyScope, change: number): void {
    const name = nameOf(scope);
    const count = this.#counts.get(name);
    if (count !== undefined) this.#counts.set(name, count + change);
  }
}

const nameOf = ({ upstream, tenant, client }: KeyScope): string => JSON.stringify([upstream, tenant, client]);

const keptIn = ({ token, fingerprint, id, state, status, headers, body, refusal, detail }: Row): KeptKey => ({
  token: token as string,
  fingerprint: fingerprint as string,
  id: id as string,
  end:
    state === "answered"
      ? {
          state,
          answer: {
            status: status as number,
            headers: JSON.parse(headers as string) as HeaderLine[],
            body: body as Uint8Array,
          },
        }
      : state === "unknown"
        ? { state, refusal: refusal as string, detail: detail as string }
        : undefined,
});
