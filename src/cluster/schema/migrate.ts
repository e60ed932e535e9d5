/**
 * The tables of the shared database. Migrations only add: a gateway of the version before goes on working, so that
 * gateways are upgraded one at a time.
 */
import { quoted, type SharedDatabase } from "../database.ts";

export type Migration = {
  /** Numbers from 1 on, rising; missing numbers are allowed. */
  readonly version: number;
  readonly name: string;
  /** Statements without parameters. */
  readonly sql: string;
};

/** The key of the advisory lock, held while tables are created: "ocsgw" in ASCII. */
const LOCK = 0x6f_63_73_67_77;

/** Creates what is missing. Resolves to the names of the migrations that were applied. */
export const migrate = (database: SharedDatabase, migrations: readonly Migration[]): Promise<readonly string[]> =>
  database.transaction(async (query) => {
    await query({ text: "SELECT pg_advisory_xact_lock($1)", values: [LOCK] });
    await query({ text: `CREATE SCHEMA IF NOT EXISTS ${quoted(database.schema)}` });
    await query({
      text: `CREATE TABLE IF NOT EXISTS migration (
        version integer PRIMARY KEY, name text NOT NULL, applied timestamptz NOT NULL DEFAULT clock_timestamp())`,
    });
    const done = new Set((await query<{ version: number }>({ text: "SELECT version FROM migration" })).map(versionOf));
    const missing = migrations.filter(({ version }) => !done.has(version));
    for (const { version, name, sql } of missing) {
      await query({ text: sql });
      await query({ text: "INSERT INTO migration (version, name) VALUES ($1, $2)", values: [version, name] });
    }
    return missing.map(({ name }) => name);
  });

const versionOf = ({ version }: { readonly version: number }): number => version;
