/** Logs and alarms about the shared database and its nodes. */
import { events } from "../../../common/log/events.ts";
import type { ClusterNode, Membership } from "../../../cluster/membership.ts";
import type { Alarms } from "../alarms.ts";

type Reported = {
  readonly membership: Pick<Membership, "node" | "nodes" | "isLeased" | "observe">;
  /** The database in words. */
  readonly where: string;
  readonly alarms: Pick<Alarms, "raise" | "raiseOngoing">;
  readonly onReplaced: (reason: string) => void;
};

export const reportMembership = ({ membership, where, alarms, onReplaced }: Reported): void => {
  let failingSince: number | undefined;
  let known = membership.nodes;
  const failed = (error: Error): void => {
    if (failingSince === undefined) {
      failingSince = performance.now();
      events.sharedDatabaseUnavailable({ database: where, reason: error.message });
    }
    if (!membership.isLeased) alarms.raiseOngoing(withoutDatabase(error.message));
  };
  const recovered = (): void => {
    if (failingSince === undefined) return;
    const seconds = Math.round((performance.now() - failingSince) / 100) / 10;
    failingSince = undefined;
    events.sharedDatabaseAvailable({ database: where, seconds });
  };
  membership.observe({
    onFailure: failed,
    onBeat: recovered,
    onLeaseLost: () => events.leaseLost(),
    onLease: () => events.leaseRegained(),
    onChange: () => {
      for (const node of membership.nodes)
        if (node.name !== membership.node)
          reportNode(
            node,
            known.find(({ name }) => name === node.name),
            alarms,
          );
      known = membership.nodes;
    },
    onReplaced: (reason) => {
      events.nodeReplaced({ reason });
      onReplaced(reason);
    },
  });
};

const reportNode = (node: ClusterNode, before: ClusterNode | undefined, alarms: Pick<Alarms, "raise">): void => {
  const isSame = before?.instance === node.instance;
  if (isSame && before.state === node.state) return;
  if (node.state === "live") return events.nodeJoined({ node: node.name, version: node.version });
  if (node.state === "stopped" && isSame) return events.nodeStopped({ node: node.name });
  if (node.state === "dead" && isSame) alarms.raise(died(node));
};

const withoutDatabase = (detail: string): Parameters<Alarms["raise"]>[0] => ({
  reason: "the shared database does not answer, and this node has no lease",
  advice:
    "Requests with record handles that this node does not know get 503 OCSGW-5104, announcements from OCS are " +
    "refused, and limits use this node's share; all other requests are served. Repair the database or the network " +
    "to it",
  upstream: "",
  detail,
});

const died = ({ name }: ClusterNode): Parameters<Alarms["raise"]>[0] => ({
  reason: "a node has died: its lease in the shared database has ended",
  advice:
    "The other nodes serve its clients, and get its lanes. Look for the end of its log: the process was killed, or " +
    "its machine is cut off from the database. It joins by itself when it starts or reaches the database again",
  upstream: "",
  detail: `node ${name}`,
});
