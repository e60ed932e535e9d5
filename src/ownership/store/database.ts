/** Opens the ownership database: migrates its schema, reads the data of an earlier run, moves a corrupt file aside. */
import { readFileSync } from "node:fs";
import { uptime } from "node:os";
import { DatabaseSync } from "node:sqlite";
import { openOrMoveAside, prepareDatabaseFile, refuseDamaged } from "../../common/sqlite/database-file.ts";
import type { Page } from "../handles/announced-handles.ts";
import type { RestoredRow, RestoredUpstream } from "./types.ts";

const SCHEMA = `
  CREATE TABLE IF NOT EXISTS epoch (upstream TEXT PRIMARY KEY, number INTEGER NOT NULL, endpoint TEXT NOT NULL) STRICT;
  CREATE TABLE IF NOT EXISTS owned (
    upstream TEXT NOT NULL, epoch INTEGER NOT NULL, handle INTEGER NOT NULL, tenant INTEGER NOT NULL,
    since INTEGER NOT NULL,
    campaign TEXT, campaign_group TEXT, list TEXT, phone TEXT, attempt TEXT,
    PRIMARY KEY (upstream, handle)
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX IF NOT EXISTS owned_attempt ON owned (attempt, upstream) WHERE attempt IS NOT NULL;
`;
const VERSION = 3;
/** Migration from version 0 to version 1. */
const VERSION_1 = `
  ALTER TABLE epoch ADD COLUMN highest INTEGER NOT NULL DEFAULT 0;
  ALTER TABLE epoch ADD COLUMN highest_at INTEGER NOT NULL DEFAULT 0;
  ALTER TABLE epoch ADD COLUMN generation INTEGER NOT NULL DEFAULT 0;
  ALTER TABLE owned ADD COLUMN generation INTEGER NOT NULL DEFAULT 0;
  ALTER TABLE owned ADD COLUMN among TEXT;
  CREATE TABLE announced (upstream TEXT NOT NULL, page INTEGER NOT NULL, bits BLOB NOT NULL, PRIMARY KEY (upstream,
  page)) STRICT, WITHOUT ROWID;
  CREATE TABLE alive (boot TEXT NOT NULL, uptime REAL NOT NULL, mark INTEGER NOT NULL) STRICT;
  INSERT INTO alive VALUES ('', 0, 0);
  PRAGMA user_version = 1;
`;
/** Migration from version 1 to version 2. */
const VERSION_2 = `
  ALTER TABLE owned ADD COLUMN customer TEXT;
  PRAGMA user_version = 2;
`;
/** Migration from version 2 to version 3. */
const VERSION_3 = `
  ALTER TABLE epoch ADD COLUMN doubt_up_to INTEGER NOT NULL DEFAULT -1;
  PRAGMA user_version = 3;
`;

const open = (file: string): DatabaseSync => {
  prepareDatabaseFile(file);
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

type Opened = {
  readonly db: DatabaseSync;
  readonly restored: RestoredUpstream[];
  readonly movedAside: string | undefined;
  readonly downtime: number | undefined;
  readonly mark: number;
};

/**
 * Moves a corrupt file aside: its owners are unknown until OCS announces them again. Throws the error for a file that
 * cannot be opened now (the disk is full, it is locked), without moving it.
 */
export const openDatabase = (file: string): Opened => openOrMoveAside(file, openWhole);

const openWhole = (file: string): Omit<Opened, "movedAside"> => {
  const db = open(file);
  try {
    refuseDamaged(db);
    return { db, restored: restoredIn(db), ...aliveIn(db) };
  } catch (error) {
    db.close();
    throw error;
  }
};

type Epoch = {
  readonly upstream: string;
  readonly number: number;
  readonly endpoint: string;
  readonly highest: number;
  readonly highestAt: number;
  readonly generation: number;
  readonly doubtUpTo: number;
};

const EPOCHS = `SELECT upstream, number, endpoint, highest, highest_at AS highestAt, generation,
    doubt_up_to AS doubtUpTo
  FROM epoch`;

const restoredIn = (db: DatabaseSync): RestoredUpstream[] => {
  const owned = db.prepare(`SELECT handle, tenant, since, generation, attempt, phone, customer, among FROM owned
    WHERE upstream = ? AND epoch = ? ORDER BY since, generation`);
  return (db.prepare(EPOCHS).all() as unknown as Epoch[]).map(({ number, ...epoch }) => ({
    ...epoch,
    epoch: number,
    announced: pagesIn(db, epoch.upstream),
    owned: owned.all(epoch.upstream, number).map(toRow),
  }));
};

/** Converts a row of the database, where `among` is a JSON array. */
const toRow = ({ among, phone, customer, ...row }: Readonly<Record<string, unknown>>): RestoredRow =>
  ({
    ...row,
    ...(phone !== null && { phone }),
    ...(customer !== null && { customer }),
    ...(typeof among === "string" && { among: JSON.parse(among) as number[] }),
  }) as unknown as RestoredRow;

export const pagesIn = (db: DatabaseSync, upstream: string): Page[] =>
  db.prepare("SELECT page AS number, bits FROM announced WHERE upstream = ?").all(upstream) as unknown as Page[];

/** Identifies this boot of the machine; undefined where the system has no such id. */
export const bootId = ((): string | undefined => {
  try {
    return readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim();
  } catch {
    return undefined;
  }
})();

/** Computes the downtime from the seconds since boot, which do not change when the clock is set. */
const aliveIn = (db: DatabaseSync): Pick<Opened, "downtime" | "mark"> => {
  const {
    boot,
    uptime: last,
    mark,
  } = db.prepare("SELECT boot, uptime, mark FROM alive").get() as { boot: string; uptime: number; mark: number };
  return { downtime: bootId !== undefined && boot === bootId ? Math.max(0, uptime() - last) * 1000 : undefined, mark };
};
