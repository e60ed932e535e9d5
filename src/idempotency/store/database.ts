/** The database of keys: one row for each key. Unlike record owners, a corrupt file is never replaced. */
import { DatabaseSync } from "node:sqlite";
import { prepareDatabaseFile } from "../../common/sqlite/database-file.ts";

const VERSION = 1;
const SCHEMA = `
  CREATE TABLE key (
    upstream TEXT NOT NULL, tenant INTEGER NOT NULL, client TEXT NOT NULL, token TEXT NOT NULL,
    fingerprint TEXT NOT NULL, id TEXT NOT NULL, at INTEGER NOT NULL,
    entry INTEGER NOT NULL, entry_time INTEGER NOT NULL, certain INTEGER NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('running', 'answered', 'unknown')),
    status INTEGER, headers TEXT, body BLOB, refusal TEXT, detail TEXT
  ) STRICT;
  CREATE UNIQUE INDEX key_token ON key (upstream, tenant, client, token);
  CREATE UNIQUE INDEX key_id ON key (id);
  CREATE INDEX key_at ON key (at);
  CREATE INDEX key_running ON key (state) WHERE state = 'running';
  PRAGMA user_version = ${VERSION};
`;

/** SQLite's name for a database without a file. */
const IN_MEMORY = ":memory:";

/**
 * Throws when the file cannot be opened, or is corrupt: without it nobody knows which keys were used, and a repeated
 * request would be carried out again.
 */
export const openDatabase = (file: string): DatabaseSync => {
  if (file !== IN_MEMORY) prepareDatabaseFile(file);
  const db = new DatabaseSync(file, { timeout: 2000, enableDoubleQuotedStringLiterals: false });
  try {
    db.exec("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;");
    const { user_version: version } = db.prepare("PRAGMA user_version").get() as { user_version: number };
    if (version > VERSION) throw new Error(`${file} was written by a newer version of the gateway`);
    if (version === 0) db.exec(`BEGIN IMMEDIATE; ${SCHEMA} COMMIT;`);
    const { quick_check: result } = db.prepare("PRAGMA quick_check(1)").get() as { quick_check: string };
    if (result !== "ok") throw new Error(`${file} is corrupt: ${result}`);
    return db;
  } catch (error) {
    db.close();
    throw error;
  }
};
