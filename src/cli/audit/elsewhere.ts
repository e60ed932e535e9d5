/** What a list of open Do-Not-Calls from one journal does not know of the gateways that share its database. */
import { databaseOptions, nodeName } from "../../app/wiring/cluster/cluster.ts";
import { lacksOf } from "../../app/wiring/open-dnc/lacks.ts";
import { keyCheckOf } from "../../app/wiring/open-dnc/start-sharing.ts";
import { DatabaseUnavailable, SharedDatabase } from "../../cluster/database.ts";
import { DncRows, hasDncTables } from "../../cluster/dnc/dnc-rows.ts";
import type { Settings } from "../../settings/schema/schema.ts";

/** Sentences; none without `shared`. */
export const elsewhere = async (settings: Settings): Promise<readonly string[]> => {
  if (!settings.shared) return [];
  const [node, key, now] = [nodeName(settings), keyCheckOf(settings.audit.index_key), Date.now()];
  const database = new SharedDatabase({ ...databaseOptions(settings.shared, "ocsgw audit dnc"), connections: 1 });
  try {
    if (!(await hasDncTables(database)))
      return lacksOf({ trouble: "it has no tables for them yet", others: undefined, key, now });
    const rows = new DncRows(database);
    const { closed } = await rows.read(node);
    return [
      ...lacksOf({ trouble: undefined, others: { read: now, nodes: await rows.others(node) }, key, now }),
      ...(closed.length === 0
        ? []
        : ["OCS confirmed some of these at other gateways, and this gateway has not closed them yet: start it"]),
    ];
  } catch (error) {
    if (!(error instanceof DatabaseUnavailable)) throw error;
    return lacksOf({ trouble: error.message, others: undefined, key, now });
  } finally {
    await database.close();
  }
};
