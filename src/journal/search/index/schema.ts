/**
 * The tables of the indexes: of each sealed segment, and of the live index. A transaction is one row with the places of
 * its lines and the values by which it is found. Nothing here is evidence; all of it can be built again.
 */
import { closeSync, existsSync, openSync, rmSync, statSync } from "node:fs";
import { backup, DatabaseSync } from "node:sqlite";
import { pathToFileURL } from "node:url";
import { giveToOwnerNow, refuseLinkNow } from "../../../common/file-owner.ts";
import { LOOKUPS, writeLookups } from "./sealed/key-lookups.ts";

/** A changed version makes the gateway build all indexes again. */
export const VERSION = 11;

/** Tokens of persons. In a sealed segment only the lookups have them. */
const PEOPLE = "phone INTEGER, customer INTEGER, announced_phone INTEGER, announced_customer INTEGER";

/** In the order of `index-writer.ts`; `sql-conditions.ts` has the conditions. */
const COLUMNS = `
    at INTEGER PRIMARY KEY, position INTEGER NOT NULL, closed INTEGER, closed_position INTEGER,
    facet INTEGER NOT NULL, time INTEGER NOT NULL, id INTEGER, source INTEGER, record BLOB, list INTEGER,
    campaign INTEGER, grouped BLOB, queue NUMERIC, ocs NUMERIC, total NUMERIC`;
const OPEN = "open (id TEXT PRIMARY KEY, at INTEGER NOT NULL) STRICT";

/** Tables that both kinds of index have. */
const SHARED = `
  CREATE TABLE facets (facet INTEGER PRIMARY KEY, text TEXT NOT NULL UNIQUE) STRICT;
  CREATE TABLE strings (string INTEGER PRIMARY KEY, text TEXT NOT NULL UNIQUE) STRICT;
  CREATE TABLE blocks (block INTEGER PRIMARY KEY, earliest INTEGER NOT NULL, latest INTEGER NOT NULL) STRICT;
  CREATE TABLE epochs (epoch TEXT PRIMARY KEY, first INTEGER NOT NULL, last INTEGER NOT NULL,
  first_time INTEGER NOT NULL, last_time INTEGER NOT NULL) STRICT;
`;

const INDEXES = `
  CREATE INDEX by_record ON transactions (record) WHERE record IS NOT NULL;
  CREATE INDEX by_group ON transactions (grouped) WHERE grouped IS NOT NULL;
  CREATE INDEX by_phone ON transactions (phone) WHERE phone IS NOT NULL;
  CREATE INDEX by_customer ON transactions (customer) WHERE customer IS NOT NULL;
  CREATE INDEX by_announced_phone ON transactions (announced_phone) WHERE announced_phone IS NOT NULL;
  CREATE INDEX by_announced_customer ON transactions (announced_customer) WHERE announced_customer IS NOT NULL;
`;

/**
 * `live_segments`: segments of which this index has all transactions, not only the spanning ones. `holes`: segments
 * that were set aside when the index was built. `open_dnc_state`: how many entries the open Do-Not-Calls take into
 * account.
 */
const LIVE = `${SHARED}
  CREATE TABLE transactions (${COLUMNS}, ${PEOPLE});
  CREATE TABLE ${OPEN};
  ${INDEXES}
  CREATE INDEX by_facet ON transactions (facet);
  CREATE TABLE state (one INTEGER PRIMARY KEY CHECK (one = 1), size INTEGER NOT NULL, segment INTEGER NOT NULL,
  position INTEGER NOT NULL, line BLOB NOT NULL) STRICT;
  CREATE TABLE live_segments (first INTEGER PRIMARY KEY) STRICT;
  CREATE TABLE holes (first INTEGER PRIMARY KEY) STRICT;
  CREATE TABLE open_dnc_state (one INTEGER PRIMARY KEY CHECK (one = 1), size INTEGER NOT NULL) STRICT;
  CREATE TABLE open_dnc (
    at INTEGER PRIMARY KEY, position INTEGER NOT NULL, closed INTEGER, closed_position INTEGER, id TEXT NOT NULL,
    ended TEXT NOT NULL,
    subject TEXT NOT NULL, scope TEXT NOT NULL, tenant TEXT, clients TEXT NOT NULL, first INTEGER NOT NULL,
    last INTEGER NOT NULL, tries INTEGER NOT NULL
  ) STRICT;
  CREATE TABLE under_way (id TEXT PRIMARY KEY, at INTEGER NOT NULL, closes TEXT NOT NULL) STRICT;
  CREATE INDEX by_subject ON open_dnc (subject);
  INSERT INTO state VALUES (1, 0, 0, 0, x'');
  INSERT INTO open_dnc_state VALUES (1, 0);
  PRAGMA user_version = ${VERSION};
`;

/** `spanning`: lines of transactions that span segments. `about`: see `sealed/segment-index.ts`. */
const SEGMENT = `${SHARED}
  CREATE TABLE main.transactions (${COLUMNS});
  ${LOOKUPS}
  CREATE TABLE spanning (at INTEGER PRIMARY KEY, position INTEGER NOT NULL) STRICT;
  CREATE TABLE about (one INTEGER PRIMARY KEY CHECK (one = 1), first INTEGER NOT NULL, end INTEGER NOT NULL,
  position INTEGER NOT NULL, line BLOB NOT NULL, time REAL NOT NULL, summary TEXT NOT NULL) STRICT;
`;

/** While the index is built, the rows are in memory, with the tokens of persons, under the same names. */
const FILLING = `CREATE TEMP TABLE transactions (${COLUMNS}, ${PEOPLE}); CREATE TEMP TABLE ${OPEN};`;

/** An empty database with an open database transaction, to be filled and finished. */
export const createSegmentDatabase = (path: string): DatabaseSync => {
  makeFile(path);
  const database = new DatabaseSync(path, { enableDoubleQuotedStringLiterals: false });
  database.exec(
    `PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; PRAGMA temp_store = MEMORY; ${FILLING} BEGIN; ${SEGMENT}`,
  );
  return database;
};

/** Call it when all rows of the segment that begins with `first` are written. */
export const finishSegmentDatabase = (database: DatabaseSync, first: number): void => {
  writeLookups(database, first);
  const columns = database
    .prepare("SELECT name FROM pragma_table_info('transactions', 'main')")
    .all()
    .map(({ name }) => String(name))
    .join(", ");
  database.exec(
    `INSERT INTO main.transactions (${columns}) SELECT ${columns} FROM temp.transactions ORDER BY at; PRAGMA ` +
      `user_version = ${VERSION}; COMMIT`,
  );
};

/** Opens a file that does not change, or whose content is verified by checksums. */
export const openUnchanged = (path: string): DatabaseSync => {
  const url = pathToFileURL(path);
  url.searchParams.set("immutable", "1");
  const database = new DatabaseSync(url, { readOnly: true, enableDoubleQuotedStringLiterals: false });
  database.exec("PRAGMA temp_store = MEMORY; PRAGMA cache_size = -256");
  return database;
};

/** `names`: Bloom filters over the names of a segment, by part. */
const MONTH = `
  CREATE TABLE facets (facet INTEGER PRIMARY KEY, text TEXT NOT NULL UNIQUE, sum INTEGER NOT NULL) STRICT;
  CREATE TABLE segments (first INTEGER PRIMARY KEY, end INTEGER NOT NULL, summary TEXT NOT NULL,
  sum INTEGER NOT NULL) STRICT;
  CREATE TABLE names (part INTEGER NOT NULL, first INTEGER NOT NULL, bits BLOB NOT NULL, PRIMARY KEY (part,
  first)) STRICT;
  PRAGMA user_version = ${VERSION};
`;

/** Pages per step of a copy; writers can work between two steps. */
const PAGES_AT_ONCE = 4096;
/** Files that SQLite keeps beside a database. */
const BESIDE = ["-wal", "-shm", "-journal"];
const TIMEOUT_MS = 10_000;
const CACHE_KIB = 16_384;

/** Opens the database; creates it if it is missing or has another version. Throws SQLite's errors. */
export const openDatabase = (path: string): DatabaseSync =>
  openWith(path, { tables: LIVE, mode: "WAL", synchronous: "NORMAL" });
/**
 * Without a WAL, so that it can be read on a read-only file system. Checksums of its rows show damage by a power cut.
 */
export const openMonthDatabase = (path: string): DatabaseSync =>
  openWith(path, { tables: MONTH, mode: "TRUNCATE", synchronous: "OFF" });

type Kind = { readonly tables: string; readonly mode: "WAL" | "TRUNCATE"; readonly synchronous: "NORMAL" | "OFF" };

const openWith = (path: string, kind: Kind): DatabaseSync => {
  const found = open(path, kind);
  if (versionOf(found) === VERSION) return found;
  if (versionOf(found) !== 0) {
    found.close();
    removeDatabase(path);
    return openWith(path, kind);
  }
  // Another process may create it at the same moment.
  found.exec("BEGIN IMMEDIATE");
  if (versionOf(found) === 0) found.exec(kind.tables);
  found.exec("COMMIT");
  return found;
};

const open = (path: string, { mode, synchronous }: Kind): DatabaseSync => {
  makeFile(path);
  const database = new DatabaseSync(path, { timeout: TIMEOUT_MS, enableDoubleQuotedStringLiterals: false });
  database.exec(
    `PRAGMA auto_vacuum = INCREMENTAL; PRAGMA journal_mode = ${mode}; PRAGMA synchronous = ${synchronous}; ` +
      `PRAGMA cache_size = -${CACHE_KIB}; PRAGMA temp_store = MEMORY; PRAGMA secure_delete = ON`,
  );
  return database;
};

/** Copies the live index without writing beside it. Resolves to false if there is no readable one. */
export const copyDatabase = async (from: string, to: string): Promise<boolean> => {
  // Without the -shm file no process has the index open, and SQLite would create that file to read it. With an empty
  // log the database file is complete.
  const isOpen = existsSync(`${from}-shm`);
  if (!existsSync(from) || (!isOpen && (statSync(`${from}-wal`, { throwIfNoEntry: false })?.size ?? 0) > 0))
    return false;
  let source: DatabaseSync | undefined;
  try {
    source = isOpen ? new DatabaseSync(from, { readOnly: true, timeout: TIMEOUT_MS }) : openUnchanged(from);
    if (versionOf(source) !== VERSION) return false;
    makeFile(to);
    await backup(source, to, { rate: PAGES_AT_ONCE });
    return true;
  } catch {
    removeDatabase(to);
    return false;
  } finally {
    source?.close();
  }
};

/** Creates the file with mode 0600. Removes leftovers of a deleted database, which SQLite would take for its own. */
const makeFile = (path: string): void => {
  try {
    closeSync(openSync(path, "ax", 0o600));
    giveToOwnerNow(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "EEXIST") return refuseLinkNow(path);
    throw error;
  }
  for (const ending of BESIDE) rmSync(path + ending, { force: true });
};

/** Identifies the file at the path; undefined if there is none. */
export const fileAt = (path: string): string | undefined => {
  const found = statSync(path, { throwIfNoEntry: false });
  return found && `${found.dev} ${found.ino}`;
};

/** Whether the error means that the database file is damaged or was replaced. */
export const isDatabaseFault = (error: unknown): boolean => {
  if (!(error instanceof Error) || !("code" in error)) return false;
  // An altered byte can give a number that the gateway never writes.
  if (error.code === "ERR_OUT_OF_RANGE") return true;
  return error.code === "ERR_SQLITE_ERROR" && /not a database|malformed|no such|disk I\/O error/.test(error.message);
};

/** Runs `work` in a database transaction; rolls back if it throws. */
export const inTransaction = (database: DatabaseSync, work: () => void): void => {
  database.exec("BEGIN IMMEDIATE");
  try {
    work();
    database.exec("COMMIT");
  } catch (error) {
    // SQLite may have rolled back already.
    if (database.isTransaction) database.exec("ROLLBACK");
    throw error;
  }
};

export const versionOf = (database: DatabaseSync): number =>
  Number(database.prepare("PRAGMA user_version").get()!["user_version"]);

export const removeDatabase = (path: string): void => {
  for (const ending of ["", ...BESIDE]) rmSync(path + ending, { force: true });
};
