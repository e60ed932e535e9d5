/** The thread in which ownership is written: one SQLite file, one transaction for each batch, on disk before it is acknowledged. */
import { chmodSync, closeSync, openSync, renameSync, rmSync } from "node:fs";
import { DatabaseSync, type StatementSync } from "node:sqlite";
import { parentPort, workerData } from "node:worker_threads";
import type { Change, News, Order, Restored } from "./store.ts";

const SCHEMA = `
  CREATE TABLE IF NOT EXISTS epoch (upstream TEXT PRIMARY KEY, number INTEGER NOT NULL, endpoint TEXT NOT NULL) STRICT;
  CREATE TABLE IF NOT EXISTS owned (
    upstream TEXT NOT NULL, epoch INTEGER NOT NULL, handle INTEGER NOT NULL, tenant INTEGER NOT NULL, since INTEGER NOT NULL,
    campaign TEXT, campaign_group TEXT, list TEXT, phone TEXT, attempt TEXT,
    PRIMARY KEY (upstream, handle)
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX IF NOT EXISTS owned_attempt ON owned (attempt, upstream) WHERE attempt IS NOT NULL;
`;

const open = (file: string): DatabaseSync => {
  // What SQLite lays beside it has its rights.
  closeSync(openSync(file, "a", 0o600));
  chmodSync(file, 0o600);
  const db = new DatabaseSync(file, { timeout: 2000, enableDoubleQuotedStringLiterals: false });
  db.exec("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;");
  db.exec(SCHEMA);
  return db;
};

class Damaged extends Error {}

type Opened = { readonly db: DatabaseSync; readonly restored: Restored[]; readonly putAside: string | undefined };

/**
 * A file that is no database any more, or not in all its pages, is put aside: without it every handle is nobody's, until OCS announces it anew.
 * One that only cannot be had just now (the disk is full, it is locked) is left where it is.
 */
const openOrPutAside = (file: string): Opened => {
  try {
    return { ...openWhole(file), putAside: undefined };
  } catch (error) {
    if (!isDamage(error)) throw error;
    const putAside = `${file}.damaged-${Date.now()}`;
    renameSync(file, putAside);
    for (const ending of ["-wal", "-shm"]) rmSync(file + ending, { force: true });
    return { ...openWhole(file), putAside };
  }
};

const openWhole = (file: string): Omit<Opened, "putAside"> => {
  const db = open(file);
  try {
    const { quick_check: word } = db.prepare("PRAGMA quick_check(1)").get() as { quick_check: string };
    if (word !== "ok") throw new Damaged(word);
    return { db, restored: restoredIn(db) };
  } catch (error) {
    db.close();
    throw error;
  }
};

/** SQLITE_CORRUPT, SQLITE_NOTADB and their finer kinds. */
const isDamage = (error: unknown): boolean => error instanceof Damaged || [11, 26].includes((error as { errcode?: number }).errcode! & 0xff);

const restoredIn = (db: DatabaseSync): Restored[] =>
  (db.prepare("SELECT upstream, number, endpoint FROM epoch").all() as unknown as { upstream: string; number: number; endpoint: string }[]).map(({ upstream, number, endpoint }) => ({
    upstream,
    endpoint,
    owned: (db.prepare("SELECT handle, tenant, since FROM owned WHERE upstream = ? AND epoch = ? ORDER BY since").all(upstream, number) as unknown as { handle: number; tenant: number; since: number }[])
      .map(({ handle, tenant, since }) => [handle, tenant, since] as const),
  }));

type Statements = Readonly<Record<"put" | "forget" | "epoch" | "clear" | "attempt", StatementSync>>;

const prepare = (db: DatabaseSync): Statements => ({
  put: db.prepare(`INSERT INTO owned (upstream, epoch, handle, tenant, since, campaign, campaign_group, list, phone, attempt)
    VALUES (?1, coalesce((SELECT number FROM epoch WHERE upstream = ?1), 0), ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)
    ON CONFLICT (upstream, handle) DO UPDATE SET epoch = excluded.epoch, tenant = excluded.tenant, since = excluded.since, campaign = excluded.campaign,
      campaign_group = excluded.campaign_group, list = excluded.list, phone = excluded.phone, attempt = excluded.attempt`),
  forget: db.prepare("DELETE FROM owned WHERE upstream = ? AND handle = ?"),
  epoch: db.prepare("INSERT INTO epoch VALUES (?1, 1, ?2) ON CONFLICT (upstream) DO UPDATE SET number = number + 1, endpoint = ?2"),
  clear: db.prepare("DELETE FROM owned WHERE upstream = ?"),
  attempt: db.prepare("SELECT handle FROM owned WHERE attempt = ? AND upstream = ?"),
});

const apply = ({ put, forget, epoch, clear }: Statements, change: Change): void => {
  if (change.do === "forget") forget.run(change.upstream, change.handle);
  else if (change.do === "epoch") {
    clear.run(change.upstream);
    epoch.run(change.upstream, change.endpoint);
  } else {
    const { upstream, handle, tenant, since, campaign, group, list, phone, attempt } = change.row;
    put.run(upstream, handle, tenant, since, campaign, group, list, phone, attempt);
  }
};

const commit = (db: DatabaseSync, statements: Statements, changes: readonly Change[]): string | undefined => {
  try {
    db.exec("BEGIN IMMEDIATE");
    for (const change of changes) apply(statements, change);
    db.exec("COMMIT");
    return undefined;
  } catch (error) {
    if (db.isTransaction) db.exec("ROLLBACK");
    return error instanceof Error ? error.message : String(error);
  }
};

/** Undefined also when it cannot be read: the thread goes on. */
const handleOf = ({ attempt }: Statements, guid: string, upstream: string): number | undefined => {
  try {
    return (attempt.get(guid, upstream) as { handle: number } | undefined)?.handle;
  } catch {
    return undefined;
  }
};

const port = parentPort!;
const tell = (news: News): void => port.postMessage(news);

const { db, restored, putAside } = openOrPutAside(workerData as string);
const statements = prepare(db);
port.on("message", (order: Order) => {
  if (order.kind === "commit") return tell({ kind: "committed", failed: commit(db, statements, order.changes) });
  if (order.kind === "attempt") return tell({ kind: "attempt", id: order.id, handle: handleOf(statements, order.attempt, order.upstream) });
  db.close();
  tell({ kind: "closed" });
  port.close();
});
tell({ kind: "opened", restored, putAside });
