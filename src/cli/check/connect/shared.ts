/**
 * The shared database: can this gateway connect, with TLS, to a server that accepts writes, and are its tables or the
 * right to create them there? Is its name free? Nothing is changed.
 */
import { nodeName, databaseOptions } from "../../../app/wiring/cluster/cluster.ts";
import { keysDiffer } from "../../../app/wiring/open-dnc/lacks.ts";
import { keyCheckOf } from "../../../app/wiring/open-dnc/start-sharing.ts";
import { DncRows, hasDncTables } from "../../../cluster/dnc/dnc-rows.ts";
import { DatabaseUnavailable, SharedDatabase } from "../../../cluster/database.ts";
import { inspectNodes } from "../../../cluster/inspect-nodes.ts";
import { inspectServer, type Server } from "../../../cluster/inspect-server.ts";
import type { Settings } from "../../../settings/schema/schema.ts";
import type { Row, State } from "./row.ts";

const OLDEST_SERVER = 15;
/** A difference of clocks that is worth a note. */
const CLOCK_MS = 2000;

export const sharedRows = async (settings: Pick<Settings, "shared" | "node" | "audit">): Promise<Row[]> => {
  if (!settings.shared) return [];
  const { tls } = settings.shared;
  const database = new SharedDatabase({ ...databaseOptions(settings.shared, "ocsgw check"), connections: 1 });
  try {
    const server = await inspectServer(database);
    const findings = [
      ...findingsOf(server, tls === "none"),
      ...(await nameFindings(settings, database, server)),
      ...(await keyFindings(settings, database, server)),
    ];
    const worst = (["fail", "warn", "note"] as const).find((state) => findings.some((each) => each.state === state));
    return [
      {
        name: "shared database",
        state: worst ?? "ok",
        says: [
          `${database.where}: PostgreSQL ${server.version}, ${server.tls ?? "no TLS"}, ` +
            `round trip ${server.roundTripMs.toFixed(1)} ms`,
          ...findings.map(({ says }) => says),
        ],
      },
    ];
  } catch (error) {
    if (!(error instanceof DatabaseUnavailable)) throw error;
    return [{ name: "shared database", state: "fail", says: [`${database.where}: ${error.message}`] }];
  } finally {
    await database.close();
  }
};

type Finding = { readonly state: State; readonly says: string };

const findingsOf = (server: Server, isPlain: boolean): readonly Finding[] =>
  [
    server.major < OLDEST_SERVER
      ? { state: "fail" as const, says: `the server is older than PostgreSQL ${OLDEST_SERVER}` }
      : [],
    !isPlain && server.tls === undefined ? { state: "fail" as const, says: "the connection has no TLS" } : [],
    server.tables === "absent" && !server.mayCreate
      ? {
          state: "fail" as const,
          says: "the tables do not exist, and the user may not create them: GRANT CREATE ON DATABASE",
        }
      : [],
    server.tables === "absent" && server.mayCreate
      ? { state: "ok" as const, says: "the tables do not exist yet; the first gateway that starts creates them" }
      : [],
    server.unknownMigrations.length > 0
      ? {
          state: "note" as const,
          says:
            `a newer version has extended the tables (${server.unknownMigrations.join(", ")}); this one works ` +
            "with them",
        }
      : [],
    server.tooOld === undefined ? [] : { state: "fail" as const, says: server.tooOld },
    server.isDurable
      ? []
      : {
          state: "warn" as const,
          says: "fsync or synchronous_commit is off: a crash of the server loses owners that were announced",
        },
    Math.abs(server.clockOffsetMs) < CLOCK_MS
      ? []
      : {
          state: "note" as const,
          says:
            `its clock differs by ${Math.round(server.clockOffsetMs / 1000)} s from this machine's; leases do not ` +
            "depend on it",
        },
  ].flat();

const nameFindings = async (
  settings: Pick<Settings, "node">,
  database: SharedDatabase,
  { tables }: Server,
): Promise<readonly Finding[]> => {
  const name = nodeName(settings);
  if (tables === "absent") return [{ state: "ok", says: `node ${name}: its name is free` }];
  const holder = (await inspectNodes(database)).nodes.find((node) => node.name === name);
  return holder?.state === "live"
    ? [
        {
          state: "note",
          says: `node ${name} is running, version ${holder.version}: this gateway, or another one with the same name`,
        },
      ]
    : [{ state: "ok", says: `node ${name}: its name is free` }];
};

const keyFindings = async (
  settings: Pick<Settings, "node" | "audit">,
  database: SharedDatabase,
  { tables }: Server,
): Promise<readonly Finding[]> => {
  if (tables === "absent" || !(await hasDncTables(database))) return [];
  const others = await new DncRows(database).others(nodeName(settings));
  return keysDiffer(others, keyCheckOf(settings.audit.index_key)).map((says) => ({ state: "warn", says }));
};
