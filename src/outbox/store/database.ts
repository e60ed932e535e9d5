/** Opens the outbox's SQLite file: makes its table, reads the items of an earlier run, moves a corrupt file aside. */
import { chmodSync, closeSync, existsSync, openSync, renameSync, rmSync } from "node:fs";
import { DatabaseSync } from "node:sqlite";
import { giveToOwnerNow, refuseLinkNow } from "../../common/file-owner.ts";

const VERSION = 1;
const SCHEMA = `
  CREATE TABLE IF NOT EXISTS item (id TEXT PRIMARY KEY, item TEXT NOT NULL) STRICT, WITHOUT ROWID;
  PRAGMA user_version = ${VERSION};
`;

class Damaged extends Error {}

/** `items`: JSON, by ascending id, which is by time. */
type Opened = {
  readonly db: DatabaseSync;
  readonly items: readonly string[];
  readonly movedAside: string | undefined;
};

/** Throws the error for a file that cannot be opened now (the disk is full, it is locked), without moving it. */
export const openOrMoveAside = (file: string): Opened => {
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
    const { quick_check: result } = db.prepare("PRAGMA quick_check(1)").get() as { quick_check: string };
    if (result !== "ok") throw new Damaged(result);
    return { db, items: (db.prepare("SELECT item FROM item ORDER BY id").all() as { item: string }[]).map(textOf) };
  } catch (error) {
    db.close();
    throw error;
  }
};

const textOf = ({ item }: { readonly item: string }): string => item;

const open = (file: string): DatabaseSync => {
  // SQLite gives its additional files the same permissions: the items have phone numbers.
  refuseLinkNow(file);
  const isNew = !existsSync(file);
  closeSync(openSync(file, "a", 0o600));
  chmodSync(file, 0o600);
  if (isNew) giveToOwnerNow(file);
  const db = new DatabaseSync(file, { timeout: 2000, enableDoubleQuotedStringLiterals: false });
  db.exec("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA secure_delete = ON;");
  const { user_version: version } = db.prepare("PRAGMA user_version").get() as { user_version: number };
  if (version > VERSION) {
    db.close();
    throw new Error(`${file} was written by a newer version of the gateway`);
  }
  if (version < VERSION) db.exec(`BEGIN IMMEDIATE; ${SCHEMA} COMMIT;`);
  return db;
};

/** SQLITE_CORRUPT, SQLITE_NOTADB and their extended codes. */
const isDamage = (error: unknown): boolean =>
  error instanceof Damaged || [11, 26].includes((error as { errcode?: number }).errcode! & 0xff);
