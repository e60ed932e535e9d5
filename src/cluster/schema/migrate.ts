/**
 * The tables of the shared database. Migrations only add: a gateway of the version before goes on working, so that
 * gateways are upgraded one at a time.
 */
import { quoted, type SharedDatabase } from "../database.ts";

export type Migration = {
  /** Numbers from 1 on, rising; missing numbers are allowed. */
  readonly version: number;
  readonly name: string;
  /**
   * The oldest migration that a gateway must know to work with the tables after this one. Left out: any gateway does.
   */
  readonly needs?: number;
  /** Statements without parameters. */
  readonly sql: string;
};

/** A newer version has changed the tables so that this one may not use them. */
export class TablesTooNew extends Error {
  override readonly name = "TablesTooNew";
}

/** Why a gateway that knows these migrations may not use the tables; undefined if it may. */
export const whyTooOld = (
  applied: readonly { readonly name: string; readonly needs: number | null }[],
  known: readonly Migration[],
): string | undefined => {
  const newest = Math.max(0, ...known.map(versionOf));
  const found = applied.find(({ needs }) => needs !== null && needs > newest);
  return (
    found &&
    `a newer version of the gateway has changed the tables of the shared database (${found.name}), and this version ` +
      "is too old to use them; upgrade this gateway"
  );
};

/** The key of the advisory lock, held while tables are created: "ocsgw" in ASCII. */
const LOCK = 0x6f_63_73_67_77;

/**
 * Creates what is missing. Rejects with TablesTooNew if this version may not use what is there. Resolves to the names
 * of the migrations that were applied.
 */
export const migrate = (database: SharedDatabase, migrations: readonly Migration[]): Promise<readonly string[]> =>
  database.transaction(async (query) => {
    await query({ text: "SELECT pg_advisory_xact_lock($1)", values: [LOCK] });
    await query({ text: `CREATE SCHEMA IF NOT EXISTS ${quoted(database.schema)}` });
    await query({
      text: `CREATE TABLE IF NOT EXISTS migration (
        version integer PRIMARY KEY, name text NOT NULL, needs integer,
        applied timestamptz NOT NULL DEFAULT clock_timestamp())`,
    });
    const applied = await query<Applied>({ text: "SELECT version, name, needs FROM migration ORDER BY version" });
    const why = whyTooOld(applied, migrations);
    if (why !== undefined) throw new TablesTooNew(why);
    const done = new Set(applied.map(versionOf));
    const missing = migrations.filter(({ version }) => !done.has(version));
    for (const { version, name, needs, sql } of missing) {
      await query({ text: sql });
      await query({
        text: "INSERT INTO migration (version, name, needs) VALUES ($1, $2, $3)",
        values: [version, name, needs ?? null],
      });
    }
    return missing.map(({ name }) => name);
  });

type Applied = { readonly version: number; readonly name: string; readonly needs: number | null };

const versionOf = ({ version }: { readonly version: number }): number => version;
