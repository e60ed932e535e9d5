/** Shares open Do-Not-Calls with the other gateways of the database, until the gateway stops. */
import { DncRows } from "../../../cluster/dnc/dnc-rows.ts";
import { checkValueOf } from "../../../journal/integrity/key-checks.ts";
import { indexKeysOf, type IndexKeys } from "../../../journal/redact.ts";
import type { Settings } from "../../../settings/schema/schema.ts";
import type { ShutdownSteps } from "../../shutdown.ts";
import type { Cluster } from "../cluster/cluster.ts";
import type { Started } from "../journal/journal.ts";
import { DncSharing } from "./sharing.ts";

type Deps = {
  readonly cluster: Pick<Cluster, "node" | "database">;
  readonly opened: Pick<Started, "journal" | "openDoNotCalls">;
  readonly current: () => Settings;
};

export const startDncSharing = ({ cluster, opened, current }: Deps, stops: ShutdownSteps): DncSharing => {
  const sharing = new DncSharing({
    node: cluster.node,
    rows: new DncRows(cluster.database),
    counter: opened.openDoNotCalls,
    journal: opened.journal,
    key: () => keyCheckOf(current().audit.index_key),
  });
  sharing.start();
  stops.push(() => sharing.stop());
  return sharing;
};

/** The check value of the key that makes tokens now. */
export const keyCheckOf = (keys: IndexKeys): string => checkValueOf(indexKeysOf(keys).at(-1)!.secret);
