/** Revocations over the database that gateways share, for a running gateway and for a command beside a stopped one. */
import { DatabaseUnavailable, type SharedDatabase } from "../../../cluster/database.ts";
import { observeNodes } from "../../../cluster/observe-nodes.ts";
import { RevocationRows } from "../../../cluster/revocation-rows.ts";
import { type Cluster, ClusterUnavailable } from "../cluster/cluster.ts";
import { createAcknowledgements, reachOf } from "./acknowledgements.ts";
import type { SharingParts } from "./sharing.ts";

export const sharingOf = (cluster: Cluster): SharingParts => {
  const rows = new RevocationRows(cluster.database);
  // What is not deleted now is deleted after a later start.
  rows.prune().catch(() => undefined);
  return { node: cluster.node, rows, ...createAcknowledgements(cluster.membership) };
};

/** For a command: it takes no place among the nodes, and waits a little longer to see which of them live. */
export const sharingOfCommand = (database: SharedDatabase, node: string): SharingParts => ({
  node,
  rows: new RevocationRows(database),
  tell: () => undefined,
  reached: (seq) => observeNodes(database, node, (each) => reachOf(each, seq)),
});

/** Settles like the work, with an error for the operator if the database does not answer. */
export const requireShared = <Value>(work: Promise<Value>): Promise<Value> =>
  work.catch((error: unknown) => {
    if (!(error instanceof DatabaseUnavailable)) throw error;
    throw new ClusterUnavailable(
      `the revocations of other gateways cannot be read from the shared database: ${error.message}`,
      { cause: error },
    );
  });
