/** The thread in which ownership is written: one SQLite file, one transaction for each batch, on disk before it is acknowledged. */
import { chmodSync, closeSync, existsSync, openSync, readFileSync, renameSync, rmSync } from "node:fs";
import { uptime } from "node:os";
import { DatabaseSync, type StatementSync } from "node:sqlite";
import { parentPort, workerData } from "node:worker_threads";
import { HandlePages, type Page } from "./announced.ts";
import type { Change, News, Order, Owned, Restored, Row } from "./store.ts";
import { faultInWords } from "../../system-error.ts";
import { giveToOwnerNow, refuseLinkNow } from "../../file-owner.ts";

const SCHEMA = `
  CREATE TABLE IF NOT EXISTS epoch (upstream TEXT PRIMARY KEY, number INTEGER NOT NULL, endpoint TEXT NOT NULL) STRICT;
  CREATE TABLE IF NOT EXISTS owned (
    upstream TEXT NOT NULL, epoch INTEGER NOT NULL, handle INTEGER NOT NULL, tenant INTEGER NOT NULL, since INTEGER NOT NULL,
    campaign TEXT, campaign_group TEXT, list TEXT, phone TEXT, attempt TEXT,
    PRIMARY KEY (upstream, handle)
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX IF NOT EXISTS owned_attempt ON owned (attempt, upstream) WHERE attempt IS NOT NULL;
`;
const VERSION = 3;
/** What a file of version 0 lacks. */
const VERSION_1 = `
  ALTER TABLE epoch ADD COLUMN highest INTEGER NOT NULL DEFAULT 0;
  ALTER TABLE epoch ADD COLUMN highest_at INTEGER NOT NULL DEFAULT 0;
  ALTER TABLE epoch ADD COLUMN generation INTEGER NOT NULL DEFAULT 0;
  ALTER TABLE owned ADD COLUMN generation INTEGER NOT NULL DEFAULT 0;
  ALTER TABLE owned ADD COLUMN among TEXT;
  CREATE TABLE announced (upstream TEXT NOT NULL, page INTEGER NOT NULL, bits BLOB NOT NULL, PRIMARY KEY (upstream, page)) STRICT, WITHOUT ROWID;
  CREATE TABLE alive (boot TEXT NOT NULL, uptime REAL NOT NULL, mark INTEGER NOT NULL) STRICT;
  INSERT INTO alive VALUES ('', 0, 0);
  PRAGMA user_version = 1;
`;
/** What a file of version 1 lacks. */
const VERSION_2 = `
  ALTER TABLE owned ADD COLUMN customer TEXT;
  PRAGMA user_version = 2;
`;
/** What a file of version 2 lacks. */
const VERSION_3 = `
  ALTER TABLE epoch ADD COLUMN doubt_up_to INTEGER NOT NULL DEFAULT -1;
  PRAGMA user_version = 3;
`;

const open = (file: string): DatabaseSync => {
  // What SQLite lays beside it has its rights.
  refuseLinkNow(file);
  const isNew = !existsSync(file);
  closeSync(openSync(file, "a", 0o600));
  chmodSync(file, 0o600);
  if (isNew) giveToOwnerNow(file);
  const db = new DatabaseSync(file, { timeout: 2000, enableDoubleQuotedStringLiterals: false });
  db.exec("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;");
  const { user_version: version } = db.prepare("PRAGMA user_version").get() as { user_version: number };
  if (version > VERSION) {
    db.close();
    throw new Error(`${file} was written by a newer version of the gateway`);
  }
  db.exec(SCHEMA);
  if (version === 0) db.exec(`BEGIN IMMEDIATE; ${VERSION_1} COMMIT;`);
  if (version < 2) db.exec(`BEGIN IMMEDIATE; ${VERSION_2} COMMIT;`);
  if (version < 3) db.exec(`BEGIN IMMEDIATE; ${VERSION_3} COMMIT;`);
  return db;
};

class Damaged extends Error {}

type Opened = {
  readonly db: DatabaseSync;
  readonly restored: Restored[];
  readonly movedAside: string | undefined;
  readonly downtime: number | undefined;
  readonly mark: number;
};

/**
 * A file that is no database any more, or not in all its pages, is moved aside: what it held is then not known until OCS announces it again.
 * One that only cannot be had just now (the disk is full, it is locked) is left where it is.
 */
const openOrMoveAside = (file: string): Opened => {
  try {
    return { ...openWhole(file), movedAside: undefined };
  } catch (error) {
    if (!isDamage(error)) throw error;
    const movedAside = `${file}.damaged-${Date.now()}`;
    renameSync(file, movedAside);
    for (const ending of ["-wal", "-shm"]) rmSync(file + ending, { force: true });
    return { ...openWhole(file), movedAside };
  }
};

const openWhole = (file: string): Omit<Opened, "movedAside"> => {
  const db = open(file);
  try {
    const { quick_check: word } = db.prepare("PRAGMA quick_check(1)").get() as { quick_check: string };
    if (word !== "ok") throw new Damaged(word);
    return { db, restored: restoredIn(db), ...aliveIn(db) };
  } catch (error) {
    db.close();
    throw error;
  }
};

/** SQLITE_CORRUPT, SQLITE_NOTADB and their finer kinds. */
const isDamage = (error: unknown): boolean =>
  error instanceof Damaged || [11, 26].includes((error as { errcode?: number }).errcode! & 0xff);

type Epoch = {
  readonly upstream: string;
  readonly number: number;
  readonly endpoint: string;
  readonly highest: number;
  readonly highestAt: number;
  readonly generation: number;
  readonly doubtUpTo: number;
};

const EPOCHS = `SELECT upstream, number, endpoint, highest, highest_at AS highestAt, generation, doubt_up_to AS doubtUpTo
  FROM epoch`;

const restoredIn = (db: DatabaseSync): Restored[] => {
  const owned = db.prepare(`SELECT handle, tenant, since, generation, attempt, phone, customer, among FROM owned
    WHERE upstream = ? AND epoch = ? ORDER BY since, generation`);
  return (db.prepare(EPOCHS).all() as unknown as Epoch[]).map(({ number, ...epoch }) => ({
    ...epoch,
    epoch: number,
    announced: pagesIn(db, epoch.upstream),
    owned: owned.all(epoch.upstream, number).map(ownedIn),
  }));
};

/** Of a row, whose `among` is a JSON array. */
const ownedIn = ({ among, phone, customer, ...row }: Readonly<Record<string, unknown>>): Owned =>
  ({
    ...row,
    ...(phone !== null && { phone }),
    ...(customer !== null && { customer }),
    ...(typeof among === "string" && { among: JSON.parse(among) as number[] }),
  }) as unknown as Owned;

const pagesIn = (db: DatabaseSync, upstream: string): Page[] =>
  db.prepare("SELECT page AS number, bits FROM announced WHERE upstream = ?").all(upstream) as unknown as Page[];

/** Tells one boot of this machine from another; undefined where the system does not say. */
const bootId = ((): string | undefined => {
  try {
    return readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim();
  } catch {
    return undefined;
  }
})();

/** Seconds since boot, which no clock that is set moves. */
const aliveIn = (db: DatabaseSync): Pick<Opened, "downtime" | "mark"> => {
  const {
    boot,
    uptime: last,
    mark,
  } = db.prepare("SELECT boot, uptime, mark FROM alive").get() as { boot: string; uptime: number; mark: number };
  return { downtime: bootId !== undefined && boot === bootId ? Math.max(0, uptime() - last) * 1000 : undefined, mark };
};

const UPSERT_EPOCH = `INSERT INTO epoch (upstream, number, endpoint, highest, generation, highest_at) VALUES (?1, ?2, ?3, ?4, ?5, ?6)
  ON CONFLICT (upstream) DO UPDATE SET
  highest_at = CASE WHEN number < ?2 OR (number = ?2 AND highest < ?4) THEN ?6 WHEN number = ?2 AND highest = ?4 THEN max(highest_at, ?6) ELSE highest_at END,
  highest = CASE WHEN number < ?2 THEN ?4 WHEN number = ?2 THEN max(highest, ?4) ELSE highest END, generation = max(generation, ?5),
  endpoint = CASE WHEN number < ?2 THEN ?3 ELSE endpoint END, number = max(number, ?2)`;

/** Generations go on over epochs, so it needs none. */
const DOUBT = "UPDATE epoch SET doubt_up_to = max(doubt_up_to, ?2) WHERE upstream = ?1";

const REACH = `UPDATE epoch SET highest = ?3, highest_at = ?4
  WHERE upstream = ?1 AND number = ?2 AND (highest < ?3 OR (highest = ?3 AND highest_at < ?4))`;

type StatementName =
  | "put"
  | "remove"
  | "epoch"
  | "keep"
  | "clear"
  | "attempt"
  | "alive"
  | "number"
  | "page"
  | "drop"
  | "unpage"
  | "handles"
  | "reach"
  | "doubt";
type Statements = Readonly<Record<StatementName, StatementSync>>;

const prepare = (db: DatabaseSync): Statements => ({
  put: db.prepare(`INSERT INTO owned
    (upstream, epoch, handle, tenant, since, campaign, campaign_group, list, phone, attempt, generation, among, customer)
    VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13)
    ON CONFLICT (upstream, handle) DO UPDATE SET epoch = excluded.epoch, tenant = excluded.tenant, since = excluded.since, campaign = excluded.campaign,
      campaign_group = excluded.campaign_group, list = excluded.list, phone = excluded.phone,
      attempt = excluded.attempt, generation = excluded.generation, among = excluded.among,
      customer = excluded.customer
    WHERE excluded.generation >= owned.generation`),
  remove: db.prepare("DELETE FROM owned WHERE upstream = ? AND handle = ? AND generation <= ?"),
  epoch: db.prepare(UPSERT_EPOCH),
  keep: db.prepare("UPDATE owned SET epoch = ?2 WHERE upstream = ?1 AND epoch < ?2 AND generation >= ?3"),
  clear: db.prepare("DELETE FROM owned WHERE upstream = ? AND epoch < ?"),
  attempt: db.prepare("SELECT handle FROM owned WHERE attempt = ? AND upstream = ?"),
  number: db.prepare("SELECT number FROM epoch WHERE upstream = ?"),
  page: db.prepare("INSERT INTO announced VALUES (?1, ?2, ?3) ON CONFLICT (upstream, page) DO UPDATE SET bits = ?3"),
  drop: db.prepare("DELETE FROM announced WHERE upstream = ? AND page = ?"),
  unpage: db.prepare("DELETE FROM announced WHERE upstream = ?"),
  handles: db.prepare("SELECT handle FROM owned WHERE upstream = ?"),
  reach: db.prepare(REACH),
  doubt: db.prepare(DOUBT),
  alive: db.prepare("UPDATE alive SET boot = ?, uptime = ?, mark = ?"),
});

/** What is on disk of an upstream's epoch, and the pages of it that are to be written with the commit. */
type Life = { number: number; pages: HandlePages; readonly dirty: Map<number, Uint8Array> };

const lives = new Map<string, Life>();

const lifeOf = (db: DatabaseSync, { number }: Statements, upstream: string): Life => {
  let life = lives.get(upstream);
  if (!life) {
    const known = number.get(upstream) as { number: number } | undefined;
    lives.set(
      upstream,
      (life = { number: known?.number ?? 0, pages: new HandlePages(pagesIn(db, upstream)), dirty: new Map() }),
    );
  }
  return life;
};

const noteAnnounced = ({ drop }: Statements, life: Life, upstream: string, handle: number): void => {
  if (life.pages.has(handle)) return;
  const { number, bits, dropped } = life.pages.add(handle);
  life.dirty.set(number, bits);
  if (dropped === undefined) return;
  life.dirty.delete(dropped);
  drop.run(upstream, dropped);
};

type Beginning = {
  readonly upstream: string;
  readonly epoch: number;
  readonly endpoint: string;
  readonly keepFrom?: number | undefined;
};

type Reached = Pick<Row, "highest" | "highestAt" | "generation">;
const NOTHING: Reached = { highest: 0, highestAt: 0, generation: 0 };

const begin = (
  statements: Statements,
  life: Life,
  { upstream, epoch, endpoint, keepFrom }: Beginning,
  reached: Reached,
): void => {
  statements.epoch.run(upstream, epoch, endpoint, reached.highest, reached.generation, reached.highestAt);
  if (epoch <= life.number) return;
  if (keepFrom !== undefined) statements.keep.run(upstream, epoch, keepFrom);
  statements.clear.run(upstream, epoch);
  statements.unpage.run(upstream);
  life.number = epoch;
  life.pages = new HandlePages();
  life.dirty.clear();
  for (const { handle } of statements.handles.all(upstream) as { handle: number }[])
    noteAnnounced(statements, life, upstream, handle);
};

const apply = (db: DatabaseSync, statements: Statements, change: Change): void => {
  const { upstream } = change.do === "put" ? change.row : change;
  const life = lifeOf(db, statements, upstream);
  if (change.do === "remove") statements.remove.run(upstream, change.handle, change.generation);
  else if (change.do === "epoch") begin(statements, life, change, NOTHING);
  else if (change.do === "doubt") statements.doubt.run(upstream, change.generation);
  else if (change.do === "announced") {
    if (change.epoch !== life.number) return;
    noteAnnounced(statements, life, upstream, change.handle);
    statements.reach.run(upstream, change.epoch, change.handle, change.generation);
  } else {
    const {
      epoch,
      handle,
      tenant,
      generation,
      since,
      campaign,
      group,
      list,
      phone,
      customer = null,
      attempt,
      among,
    } = change.row;
    const meant = among === undefined ? null : JSON.stringify(among);
    begin(statements, life, change.row, change.row);
    const said = [campaign, group, list, phone, attempt] as const;
    statements.put.run(upstream, epoch, handle, tenant, since, ...said, generation, meant, customer);
  }
};

const writePages = ({ page }: Statements): void => {
  for (const [upstream, { dirty }] of lives) {
    for (const [number, bits] of dirty) page.run(upstream, number, bits);
    dirty.clear();
  }
};

const commit = (
  db: DatabaseSync,
  statements: Statements,
  { changes, mark }: Extract<Order, { kind: "commit" }>,
): string | undefined => {
  try {
    db.exec("BEGIN IMMEDIATE");
    for (const change of changes) apply(db, statements, change);
    writePages(statements);
    statements.alive.run(bootId ?? "", uptime(), mark);
    db.exec("COMMIT");
    return undefined;
  } catch (error) {
    if (db.isTransaction) db.exec("ROLLBACK");
    // Read again from what is on disk.
    lives.clear();
    return faultInWords(error);
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

const { db, restored, movedAside, downtime, mark } = openOrMoveAside(workerData as string);
const statements = prepare(db);
port.on("message", (order: Order) => {
  if (order.kind === "commit") return tell({ kind: "committed", failed: commit(db, statements, order) });
  if (order.kind === "attempt")
    return tell({ kind: "attempt", id: order.id, handle: handleOf(statements, order.attempt, order.upstream) });
  db.close();
  tell({ kind: "closed" });
  port.close();
});
tell({ kind: "opened", restored, movedAside, downtime, mark });
