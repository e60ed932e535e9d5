/**
 * The tables of the indexes: of each sealed segment, and of the rest. One row for each story: where its lines lie, and what it can be found by.
 * Nothing here is evidence, and all of it can be made again.
 */
import { closeSync, existsSync, openSync, rmSync, statSync } from "node:fs";
import { backup, DatabaseSync } from "node:sqlite";
import { pathToFileURL } from "node:url";
import { giveToOwnerNow, refuseLinkNow } from "../../file-owner.ts";
import { LOOKUPS, writeLookups } from "./lookups.ts";

/** Another number makes every index again. */
export const VERSION = 9;

/** Tokens of people: of a sealed segment they are in its lookups alone. */
const PEOPLE = "phone INTEGER, customer INTEGER, announced_phone INTEGER, announced_customer INTEGER";

/** Columns as `write.ts` puts them and `conditions.ts` asks for them. */
const COLUMNS = `
    at INTEGER PRIMARY KEY, position INTEGER NOT NULL, closed INTEGER, closed_position INTEGER, facet INTEGER NOT NULL, time INTEGER NOT NULL, id INTEGER,
    source INTEGER, record BLOB, list INTEGER, campaign INTEGER, grouped BLOB, queue NUMERIC, ocs NUMERIC, total NUMERIC`;
const OPEN = "open (id TEXT PRIMARY KEY, at INTEGER NOT NULL) STRICT";

/** What stories have in common. */
const SHARED = `
  CREATE TABLE facets (facet INTEGER PRIMARY KEY, says TEXT NOT NULL UNIQUE) STRICT;
  CREATE TABLE words (word INTEGER PRIMARY KEY, says TEXT NOT NULL UNIQUE) STRICT;
  CREATE TABLE blocks (block INTEGER PRIMARY KEY, earliest INTEGER NOT NULL, latest INTEGER NOT NULL) STRICT;
  CREATE TABLE epochs (epoch TEXT PRIMARY KEY, first INTEGER NOT NULL, last INTEGER NOT NULL, first_time INTEGER NOT NULL, last_time INTEGER NOT NULL) STRICT;
`;

const INDEXES = `
  CREATE INDEX by_record ON stories (record) WHERE record IS NOT NULL;
  CREATE INDEX by_group ON stories (grouped) WHERE grouped IS NOT NULL;
  CREATE INDEX by_phone ON stories (phone) WHERE phone IS NOT NULL;
  CREATE INDEX by_customer ON stories (customer) WHERE customer IS NOT NULL;
  CREATE INDEX by_announced_phone ON stories (announced_phone) WHERE announced_phone IS NOT NULL;
  CREATE INDEX by_announced_customer ON stories (announced_customer) WHERE announced_customer IS NOT NULL;
`;

/**
 * `taken`: segments of which this index has every story, and not only those that span several. `holes`: segments whose lines had been set aside
 * when it was made. `duties_state`: up to where the duties go.
 */
const LIVE = `${SHARED}
  CREATE TABLE stories (${COLUMNS}, ${PEOPLE});
  CREATE TABLE ${OPEN};
  ${INDEXES}
  CREATE INDEX by_facet ON stories (facet);
  CREATE TABLE state (one INTEGER PRIMARY KEY CHECK (one = 1), size INTEGER NOT NULL, segment INTEGER NOT NULL, position INTEGER NOT NULL, line BLOB NOT NULL) STRICT;
  CREATE TABLE taken (first INTEGER PRIMARY KEY) STRICT;
  CREATE TABLE holes (first INTEGER PRIMARY KEY) STRICT;
  CREATE TABLE duties_state (one INTEGER PRIMARY KEY CHECK (one = 1), size INTEGER NOT NULL) STRICT;
  CREATE TABLE duties (
    at INTEGER PRIMARY KEY, position INTEGER NOT NULL, closed INTEGER, closed_position INTEGER, id TEXT NOT NULL, ended TEXT NOT NULL,
    subject TEXT NOT NULL, scope TEXT NOT NULL, tenant TEXT, clients TEXT NOT NULL, first INTEGER NOT NULL, last INTEGER NOT NULL, tries INTEGER NOT NULL
  ) STRICT;
  CREATE TABLE under_way (id TEXT PRIMARY KEY, at INTEGER NOT NULL, closes TEXT NOT NULL) STRICT;
  CREATE INDEX by_subject ON duties (subject);
  INSERT INTO state VALUES (1, 0, 0, 0, x'');
  INSERT INTO duties_state VALUES (1, 0);
  PRAGMA user_version = ${VERSION};
`;

/** `seam`: stories of which only a part is in this segment. `about`: see `segment.ts`. */
const SEGMENT = `${SHARED}
  CREATE TABLE main.stories (${COLUMNS});
  ${LOOKUPS}
  CREATE TABLE seam (at INTEGER PRIMARY KEY, position INTEGER NOT NULL) STRICT;
  CREATE TABLE about (one INTEGER PRIMARY KEY CHECK (one = 1), first INTEGER NOT NULL, end INTEGER NOT NULL, position INTEGER NOT NULL, line BLOB NOT NULL, time REAL NOT NULL, summary TEXT NOT NULL) STRICT;
`;

/** Until all rows are there they stand in memory, with those of people, and under the same names. */
const FILLING = `CREATE TEMP TABLE stories (${COLUMNS}, ${PEOPLE}); CREATE TEMP TABLE ${OPEN};`;

/** An empty one, to be filled in one transaction, which has begun. */
export const createSegmentDatabase = (path: string): DatabaseSync => {
  makeFile(path);
  const database = new DatabaseSync(path, { enableDoubleQuotedStringLiterals: false });
  database.exec(
    `PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; PRAGMA temp_store = MEMORY; ${FILLING} BEGIN; ${SEGMENT}`,
  );
  return database;
};

/** All rows are in it, of the segment that begins with `first`. */
export const finishSegmentDatabase = (database: DatabaseSync, first: number): void => {
  writeLookups(database, first);
  const columns = database
    .prepare("SELECT name FROM pragma_table_info('stories', 'main')")
    .all()
    .map(({ name }) => String(name))
    .join(", ");
  database.exec(
    `INSERT INTO main.stories (${columns}) SELECT ${columns} FROM temp.stories ORDER BY at; PRAGMA user_version = ${VERSION}; COMMIT`,
  );
};

/** One that nobody changes, or that is believed in nothing that a checksum does not say. */
export const openUnchanged = (path: string): DatabaseSync => {
  const url = pathToFileURL(path);
  url.searchParams.set("immutable", "1");
  const database = new DatabaseSync(url, { readOnly: true, enableDoubleQuotedStringLiterals: false });
  database.exec("PRAGMA temp_store = MEMORY; PRAGMA cache_size = -256");
  return database;
};

/** `names`: a filter over those that a segment names whose key falls into this part. */
const MONTH = `
  CREATE TABLE facets (facet INTEGER PRIMARY KEY, says TEXT NOT NULL UNIQUE, sum INTEGER NOT NULL) STRICT;
  CREATE TABLE segments (first INTEGER PRIMARY KEY, end INTEGER NOT NULL, summary TEXT NOT NULL, sum INTEGER NOT NULL) STRICT;
  CREATE TABLE names (part INTEGER NOT NULL, first INTEGER NOT NULL, bits BLOB NOT NULL, PRIMARY KEY (part, first)) STRICT;
  PRAGMA user_version = ${VERSION};
`;

/** On a thread of the pool; between two takes whoever writes has its turn. */
const PAGES_AT_ONCE = 4096;
/** What SQLite keeps beside a file. */
const BESIDE = ["-wal", "-shm", "-journal"];
const TIMEOUT_MS = 10_000;
const CACHE_KIB = 16_384;

/** Opens it, or makes it when there is none or one of another version. Throws what SQLite throws. */
export const openDatabase = (path: string): DatabaseSync =>
  openWith(path, { tables: LIVE, mode: "WAL", synchronous: "NORMAL" });
/** Without a log of its own beside it: so it may be read where nothing can be written. What a power cut makes of it the sums of its rows show. */
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
  // Another process may be making it at this moment.
  found.exec("BEGIN IMMEDIATE");
  if (versionOf(found) === 0) found.exec(kind.tables);
  found.exec("COMMIT");
  return found;
};

const open = (path: string, { mode, synchronous }: Kind): DatabaseSync => {
  makeFile(path);
  const database = new DatabaseSync(path, { timeout: TIMEOUT_MS, enableDoubleQuotedStringLiterals: false });
  database.exec(
    `PRAGMA auto_vacuum = INCREMENTAL; PRAGMA journal_mode = ${mode}; PRAGMA synchronous = ${synchronous}; PRAGMA cache_size = -${CACHE_KIB}; PRAGMA temp_store = MEMORY; PRAGMA secure_delete = ON`,
  );
  return database;
};

/**
 * A copy of one moment of the live index, taken without writing beside it. Resolves with false where there is none that can be read.
 */
export const copyDatabase = async (from: string, to: string): Promise<boolean> => {
  // Without the file that says who reads it, SQLite would make one; nobody has it open then, and with an empty log it is as it stands.
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

/** SQLite would make it for everybody to read. What is left of one that was deleted is no part of it, and SQLite would take it for that. */
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

/** Which file the path leads to now; undefined when to none. */
export const fileAt = (path: string): string | undefined => {
  const found = statSync(path, { throwIfNoEntry: false });
  return found && `${found.dev} ${found.ino}`;
};

/** What SQLite says of a file that is damaged, or no longer the one that it opened. */
export const isDatabaseFault = (error: unknown): boolean => {
  if (!(error instanceof Error) || !("code" in error)) return false;
  // An altered byte makes a number that none of ours can be.
  if (error.code === "ERR_OUT_OF_RANGE") return true;
  return error.code === "ERR_SQLITE_ERROR" && /not a database|malformed|no such|disk I\/O error/.test(error.message);
};

/** All of `work`, or nothing of it. Throws what it throws. */
export const within = (database: DatabaseSync, work: () => void): void => {
  database.exec("BEGIN IMMEDIATE");
  try {
    work();
    database.exec("COMMIT");
  } catch (error) {
    // SQLite may have taken it back already.
    if (database.isTransaction) database.exec("ROLLBACK");
    throw error;
  }
};

export const versionOf = (database: DatabaseSync): number =>
  Number(database.prepare("PRAGMA user_version").get()!["user_version"]);

export const removeDatabase = (path: string): void => {
  for (const ending of ["", ...BESIDE]) rmSync(path + ending, { force: true });
};
