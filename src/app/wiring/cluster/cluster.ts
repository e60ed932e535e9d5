/**
 * The database that several gateways share: connects, creates missing tables, and takes this gateway's place among the
 * nodes.
 */
import { hostname } from "node:os";
import { events } from "../../../common/log/events.ts";
import { readSmallFile } from "../../../common/small-file/small-file.ts";
import { DatabaseUnavailable, SharedDatabase, type DatabaseOptions } from "../../../cluster/database.ts";
import { Membership } from "../../../cluster/membership.ts";
import { migrate, TablesTooNew } from "../../../cluster/schema/migrate.ts";
import { MIGRATIONS } from "../../../cluster/schema/migrations.ts";
import type { Settings } from "../../../settings/schema/schema.ts";
import type { ShutdownSteps } from "../../shutdown.ts";
import { VERSION } from "../../version.ts";
import type { Alarms } from "../alarms.ts";
import { clusterFacts, StatementCounts, type ClusterFacts } from "./facts.ts";
import { reportMembership } from "./reports.ts";

/** What the gateways share. Undefined without `shared`: one gateway alone, with its own files. */
export type Cluster = {
  readonly database: SharedDatabase;
  readonly membership: Membership;
  /** This gateway's name. */
  readonly node: string;
  /** What the admin API and the metrics show. */
  readonly facts: ClusterFacts;
};

export class ClusterUnavailable extends Error {
  override readonly name = "ClusterUnavailable";
}

type ClusterServices = {
  readonly alarms: Pick<Alarms, "raise" | "raiseOngoing">;
  /** Called with a sentence when this gateway has lost its place, so that it must stop. */
  readonly onReplaced: (reason: string) => void;
};

/**
 * Rejects with ClusterUnavailable if the database cannot be reached or used, and with NameInUse if a live gateway has
 * this name. Its steps in `stops` leave in order and close the connections.
 */
export const startCluster = async (
  settings: Settings,
  services: ClusterServices,
  stops: ShutdownSteps,
): Promise<Cluster | undefined> => {
  if (!settings.shared) return undefined;
  const node = nodeName(settings);
  const options = databaseOptions(settings.shared, `ocsgw ${node}`);
  const counts = new StatementCounts();
  const database = new SharedDatabase({ ...options, observer: counts });
  stops.push(() => database.close());
  // Beats have a connection of their own, so that a slow statement of another part ends no lease.
  const beats = new SharedDatabase({ ...options, connections: 1, statementTimeout: BEAT_TIMEOUT_MS });
  stops.push(() => beats.close());
  const membership = new Membership({ database: beats, node, version: VERSION });
  try {
    const migrations = await withMigrations(options);
    if (migrations.length > 0) events.sharedTablesCreated({ database: database.where, migrations });
    await membership.join();
  } catch (error) {
    if (error instanceof TablesTooNew) throw new ClusterUnavailable(error.message, { cause: error });
    if (!(error instanceof DatabaseUnavailable)) throw error;
    throw new ClusterUnavailable(`cannot use the shared ${database.where}: ${error.message}`, { cause: error });
  }
  stops.push(() => membership.leave());
  events.clusterJoined({ node, database: database.where, live: membership.live });
  membership.observe({ onFailure: () => database.distrust() });
  reportMembership({ membership, where: database.where, ...services });
  return { database, membership, node, facts: clusterFacts({ database, membership, counts }) };
};

/** A table that already has many rows takes longer to extend than a statement of a request may. */
const MIGRATION_TIMEOUT_MS = 60_000;

const withMigrations = async (options: DatabaseOptions): Promise<readonly string[]> => {
  const database = new SharedDatabase({ ...options, connections: 1, statementTimeout: MIGRATION_TIMEOUT_MS });
  try {
    return await migrate(database, MIGRATIONS);
  } finally {
    await database.close();
  }
};

/** Longer than a beat may take: after that the lease has ended in any case. */
const BEAT_TIMEOUT_MS = 1000;

/** The name of this gateway among those that share the database. */
export const nodeName = ({ node }: Pick<Settings, "node">): string => {
  if (node !== null) return node;
  const name = hostname();
  if (/^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/.test(name)) return name;
  throw new ClusterUnavailable("the host name cannot be the name of this gateway; set node in the config");
};

export const databaseOptions = (
  {
    postgres,
    password,
    schema,
    tls,
    connections,
    statement_timeout: statementTimeout,
  }: NonNullable<Settings["shared"]>,
  application: string,
): DatabaseOptions => ({
  url: postgres,
  password: password ?? undefined,
  schema,
  tls: async () =>
    tls === "none"
      ? undefined
      : {
          ca: await textOf(tls.ca),
          cert: await textOf(tls.cert),
          key: await textOf(tls.key),
          serverName: tls.server_name ?? undefined,
        },
  application,
  connections,
  connectTimeout: statementTimeout,
  statementTimeout,
});

const textOf = async (file: string | null): Promise<string | undefined> =>
  file === null ? undefined : (await readSmallFile(file)).toString();
