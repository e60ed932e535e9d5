/** What the admin API and the metrics show of the shared database and its nodes. */
import { Histogram } from "../../../admin/counters.ts";
import type { ClusterState } from "../../../admin/schemas/cluster.ts";
import type { Sources } from "../../../admin/metrics/sources.ts";
import { describeNode } from "../../../cluster/describe-node.ts";
import type { ClusterNode, Membership } from "../../../cluster/membership.ts";
import type { SharedDatabase, StatementObserver } from "../../../cluster/database.ts";

/** Counts statements, for /metrics. */
export class StatementCounts implements StatementObserver {
  readonly times = new Histogram();
  failures = 0;

  readonly onAnswered = (ms: number): void => this.times.observe(ms);
  readonly onFailed = (): void => void this.failures++;
}

export type ClusterFacts = {
  readonly state: () => ClusterState;
  readonly metrics: NonNullable<Sources["cluster"]>;
  /** Warnings for the operator. */
  readonly troubles: () => readonly string[];
};

type Parts = {
  readonly database: SharedDatabase;
  readonly membership: Membership;
  readonly counts: StatementCounts;
};

const STATES: readonly ClusterNode["state"][] = ["live", "dead", "stopped"];

export const clusterFacts = ({ database, membership, counts }: Parts): ClusterFacts => {
  let why: string | undefined;
  membership.observe({
    onBeat: () => (why = undefined),
    onFailure: ({ message }) => (why = message),
  });
  return {
    state: () => ({
      self: membership.node,
      leased: membership.isLeased,
      database: why === undefined,
      nodes: membership.nodes.map((node) => {
        const { lanes, lag, admin, ...rest } = describeNode(node, membership.heads);
        return {
          ...rest,
          ...(lanes !== undefined && { lanes }),
          ...(lag !== undefined && { lag }),
          ...(admin !== undefined && { admin }),
        };
      }),
    }),
    metrics: {
      nodes: () =>
        STATES.map((state) => [state, membership.nodes.filter((node) => node.state === state).length] as const),
      leaseLeft: () => membership.leaseLeft,
      isUp: () => why === undefined,
      statements: counts.times,
      failures: () => counts.failures,
      waiting: () => database.waiting,
    },
    troubles: () => [
      ...(why === undefined ? [] : [`the shared ${database.where} does not answer: ${why}`]),
      ...(membership.isLeased || why !== undefined ? [] : ["this node has no lease in the shared database"]),
      ...membership.nodes
        .filter(({ state }) => state === "dead")
        .map(({ name }) => `the node ${name} has died: it did not stop in order, and its lease has ended`),
    ],
  };
};
