/** What `ocsgw check --connect` wants to know about the server of the shared database. Changes nothing. */
import type { SharedDatabase } from "./database.ts";
import { whyTooOld } from "./schema/migrate.ts";
import { MIGRATIONS } from "./schema/migrations.ts";

export type Server = {
  /** As `15.4`. */
  readonly version: string;
  readonly major: number;
  /** Version and cipher; undefined without TLS. */
  readonly tls: string | undefined;
  readonly roundTripMs: number;
  /** The server's clock minus this machine's. */
  readonly clockOffsetMs: number;
  readonly tables: "there" | "absent";
  /** Whether the user may create what is missing. */
  readonly mayCreate: boolean;
  /** Whether a commit is on disk when it is confirmed. */
  readonly isDurable: boolean;
  /** Names of migrations that this version does not know. */
  readonly unknownMigrations: readonly string[];
  /** Why this version may not use the tables. */
  readonly tooOld: string | undefined;
};

type Read = {
  readonly version: string;
  readonly number: string;
  readonly tls: string | null;
  readonly clock: number;
  readonly isThere: boolean;
  readonly mayCreate: boolean;
  readonly isDurable: boolean;
};

const QUESTION = `SELECT split_part(current_setting('server_version'), ' ', 1) AS version,
  current_setting('server_version_num') AS number,
  (SELECT version || ' ' || cipher FROM pg_stat_ssl WHERE pid = pg_backend_pid() AND ssl) AS tls,
  extract(epoch FROM clock_timestamp())::float8 * 1000 AS clock,
  to_regclass('node') IS NOT NULL AS "isThere",
  CASE WHEN to_regnamespace($1) IS NULL THEN has_database_privilege(current_database(), 'CREATE')
    ELSE has_schema_privilege($1, 'CREATE') END AS "mayCreate",
  current_setting('fsync') = 'on' AND current_setting('synchronous_commit') <> 'off' AS "isDurable"`;

/** Rejects with DatabaseUnavailable. */
export const inspectServer = async (database: Pick<SharedDatabase, "query" | "schema">): Promise<Server> => {
  // The first statement connects.
  await database.query({ text: "SELECT 1" });
  const sent = performance.now();
  const wall = Date.now();
  const [row] = await database.query<Read>({ text: QUESTION, values: [database.schema] });
  const roundTripMs = performance.now() - sent;
  const { version, number, tls, clock, isThere, mayCreate, isDurable } = row!;
  const applied = isThere
    ? await database.query<{ version: number; name: string; needs: number | null }>({
        text: "SELECT version, name, needs FROM migration ORDER BY version",
      })
    : [];
  const known = new Set(MIGRATIONS.map((each) => each.version));
  return {
    version,
    major: Math.floor(Number(number) / 10_000),
    tls: tls ?? undefined,
    roundTripMs,
    clockOffsetMs: clock - (wall + roundTripMs / 2),
    tables: isThere ? "there" : "absent",
    mayCreate,
    isDurable,
    unknownMigrations: applied.filter((each) => !known.has(each.version)).map(({ name }) => name),
    tooOld: whyTooOld(applied, MIGRATIONS),
  };
};
