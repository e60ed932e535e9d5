/** PostgreSQL for tests: the server at hand, with a schema of its own that is dropped afterwards. */
import pg from "pg";
import { afterAll, describe } from "vitest";
import { SharedDatabase, type DatabaseOptions } from "../../src/cluster/database.ts";
import { MIGRATIONS } from "../../src/cluster/schema/migrations.ts";
import { migrate } from "../../src/cluster/schema/migrate.ts";

export const POSTGRES_URL = process.env["OCSGW_TEST_POSTGRES"] ?? "postgresql://postgres@127.0.0.1:5432/test";

const isThere = async (): Promise<boolean> => {
  const client = new pg.Client({ connectionString: POSTGRES_URL, connectionTimeoutMillis: 2000 });
  try {
    await client.connect();
    await client.end();
    return true;
  } catch {
    return false;
  }
};

const here = await isThere();
/** With CI=true a missing server is a failure, not a reason to skip. */
export const describeWithPostgres = describe.skipIf(!here && process.env["CI"] !== "true");

/** A new schema with all tables, dropped after the file's tests. `open`: connects one gateway to it. */
export const testSchema = async (): Promise<TestSchema> => {
  const schema = `ocsgw_test_${process.pid}_${crypto.randomUUID().slice(0, 8)}`;
  const opened: SharedDatabase[] = [];
  const open = (options: Partial<DatabaseOptions> = {}): SharedDatabase => {
    const database = new SharedDatabase({ url: POSTGRES_URL, schema, tls: undefined, application: "test", ...options });
    opened.push(database);
    return database;
  };
  afterAll(async () => {
    await Promise.all(opened.map((database) => database.close()));
    const client = new pg.Client({ connectionString: POSTGRES_URL });
    await client.connect();
    await client.query(`DROP SCHEMA IF EXISTS ${client.escapeIdentifier(schema)} CASCADE`);
    await client.end();
  });
  await migrate(open(), MIGRATIONS);
  return { schema, open };
};

export type TestSchema = {
  readonly schema: string;
  readonly open: (options?: Partial<DatabaseOptions>) => SharedDatabase;
};
