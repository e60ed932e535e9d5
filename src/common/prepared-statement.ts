/** SQL statements that are prepared when they are first used, because preparing one takes longer than a short query. */
import type { DatabaseSync, StatementSync } from "node:sqlite";

/** The texts can depend on what is searched. */
const MOST_PREPARED = 100;
const statements = new WeakMap<DatabaseSync, Map<string, StatementSync>>();

/** Keeps the statement as long as the database is open. */
export const prepared = (database: DatabaseSync, sql: string): StatementSync => {
  const known = statements.get(database) ?? new Map<string, StatementSync>();
  statements.set(database, known);
  const statement = known.get(sql) ?? database.prepare(sql);
  if (known.size > MOST_PREPARED) known.clear();
  known.set(sql, statement);
  return statement;
};
