/** Opens the outbox's SQLite file: makes its table, reads the items of an earlier run, moves a corrupt file aside. */
import { DatabaseSync } from "node:sqlite";
import { openOrMoveAside, prepareDatabaseFile, refuseDamaged } from "../../common/sqlite/database-file.ts";

const VERSION = 1;
const SCHEMA = `
  CREATE TABLE IF NOT EXISTS item (id TEXT PRIMARY KEY, item TEXT NOT NULL) STRICT, WITHOUT ROWID;
  PRAGMA user_version = ${VERSION};
`;

/** `items`: JSON, by ascending id, which is by time. */
type Opened = {
  readonly db: DatabaseSync;
  readonly items: readonly string[];
  readonly movedAside: string | undefined;
};

/** Throws the error for a file that cannot be opened now (the disk is full, it is locked), without moving it. */
export const openDatabase = (file: string): Opened => openOrMoveAside(file, openWhole);

const openWhole = (file: string): Omit<Opened, "movedAside"> => {
  const db = open(file);
  try {
    refuseDamaged(db);
    return { db, items: (db.prepare("SELECT item FROM item ORDER BY id").all() as { item: string }[]).map(textOf) };
  } catch (error) {
    db.close();
    throw error;
  }
};

const textOf = ({ item }: { readonly item: string }): string => item;

const open = (file: string): DatabaseSync => {
  // The items have phone numbers.
  prepareDatabaseFile(file);
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
