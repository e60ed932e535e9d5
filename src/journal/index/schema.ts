/** The index's tables. One row for each story: where its lines lie, and what it can be found by. Nothing here is evidence, and all of it can be made again. */
import { closeSync, openSync, rmSync, statSync } from "node:fs";
import { DatabaseSync } from "node:sqlite";

/** Another number makes every index anew. */
const VERSION = 6;

const TABLES = `
  CREATE TABLE state (one INTEGER PRIMARY KEY CHECK (one = 1), size INTEGER NOT NULL, segment INTEGER NOT NULL, position INTEGER NOT NULL, line BLOB NOT NULL) STRICT;
  CREATE TABLE facets (facet INTEGER PRIMARY KEY, says TEXT NOT NULL UNIQUE) STRICT;
  CREATE TABLE stories (
    at INTEGER PRIMARY KEY, position INTEGER NOT NULL, closed INTEGER, closed_position INTEGER, facet INTEGER NOT NULL, time INTEGER NOT NULL, id TEXT,
    source TEXT, record TEXT, list TEXT, campaign TEXT, grouped TEXT, phone INTEGER, customer INTEGER, announced_phone INTEGER, announced_customer INTEGER, queue REAL, ocs REAL, total REAL
  ) STRICT;
  CREATE INDEX by_facet ON stories (facet);
  CREATE INDEX by_id ON stories (id) WHERE id IS NOT NULL;
  CREATE INDEX by_record ON stories (record) WHERE record IS NOT NULL;
  CREATE INDEX by_group ON stories (grouped) WHERE grouped IS NOT NULL;
  CREATE INDEX by_phone ON stories (phone) WHERE phone IS NOT NULL;
  CREATE INDEX by_customer ON stories (customer) WHERE customer IS NOT NULL;
  CREATE INDEX by_announced_phone ON stories (announced_phone) WHERE announced_phone IS NOT NULL;
  CREATE INDEX by_announced_customer ON stories (announced_customer) WHERE announced_customer IS NOT NULL;
  CREATE TABLE blocks (block INTEGER PRIMARY KEY, earliest INTEGER NOT NULL, latest INTEGER NOT NULL) STRICT;
  CREATE TABLE epochs (epoch TEXT PRIMARY KEY, first INTEGER NOT NULL, last INTEGER NOT NULL, first_time INTEGER NOT NULL, last_time INTEGER NOT NULL) STRICT;
  CREATE TABLE duties (
    at INTEGER PRIMARY KEY, subject TEXT NOT NULL, scope TEXT NOT NULL, tenant TEXT, clients TEXT NOT NULL, first INTEGER NOT NULL, last INTEGER NOT NULL, tries INTEGER NOT NULL
  ) STRICT;
  CREATE TABLE under_way (id TEXT PRIMARY KEY, at INTEGER NOT NULL, closes TEXT NOT NULL) STRICT;
  CREATE INDEX by_subject ON duties (subject);
  INSERT INTO state VALUES (1, 0, 0, 0, x'');
  PRAGMA user_version = ${VERSION};
`;

const TIMEOUT_MS = 10_000;
const CACHE_KIB = 65_536;

/** Opens it, or makes it when there is none or one of another version. Throws what SQLite throws. */
export const openDatabase = (path: string): DatabaseSync => {
  const found = open(path);
  if (versionOf(found) === VERSION) return found;
  if (versionOf(found) !== 0) {
    found.close();
    removeDatabase(path);
    return openDatabase(path);
  }
  // Another process may be making it at this moment.
  found.exec("BEGIN IMMEDIATE");
  if (versionOf(found) === 0) found.exec(TABLES);
  found.exec("COMMIT");
  return found;
};

const open = (path: string): DatabaseSync => {
  makeFile(path);
  const database = new DatabaseSync(path, { timeout: TIMEOUT_MS, enableDoubleQuotedStringLiterals: false });
  database.exec(`PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA cache_size = -${CACHE_KIB}; PRAGMA temp_store = MEMORY`);
  return database;
};

/** SQLite would make it for everybody to read. What is left of one that was deleted is no part of it, and SQLite would take it for that. */
const makeFile = (path: string): void => {
  try {
    closeSync(openSync(path, "ax", 0o600));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "EEXIST") return;
    throw error;
  }
  for (const ending of ["-wal", "-shm"]) rmSync(path + ending, { force: true });
};

/** Which file the path leads to now; undefined when to none. */
export const fileAt = (path: string): string | undefined => {
  const found = statSync(path, { throwIfNoEntry: false });
  return found && `${found.dev} ${found.ino}`;
};

/** What SQLite says of a file that is damaged, or no longer the one that it opened. */
export const isDatabaseFault = (error: unknown): boolean =>
  error instanceof Error && "code" in error && error.code === "ERR_SQLITE_ERROR" && /not a database|malformed|no such|disk I\/O error/.test(error.message);

const versionOf = (database: DatabaseSync): number => Number(database.prepare("PRAGMA user_version").get()!["user_version"]);

export const removeDatabase = (path: string): void => {
  for (const ending of ["", "-wal", "-shm"]) rmSync(path + ending, { force: true });
};
