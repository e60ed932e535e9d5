/** Metrics of gateways that share a database. Absent for a gateway alone. */
import { single } from "./exposition.ts";
import type { MetricRow } from "./sources.ts";

export const CLUSTER_METRICS: readonly MetricRow[] = [
  {
    name: "ocsgw_cluster_nodes",
    type: "gauge",
    help: "Gateways that the shared database knows, by state: live, dead or stopped. Out of date without a lease.",
    rows: function* ({ cluster }) {
      for (const [state, count] of cluster?.nodes() ?? []) yield [{ state }, count];
    },
  },
  {
    name: "ocsgw_cluster_lease_seconds",
    type: "gauge",
    help: "Time until this node's lease ends, 0 without a lease. It is 1 s when it begins and is renewed every 250 ms.",
    rows: ({ cluster }) => single(cluster && cluster.leaseLeft() / 1000),
  },
  {
    name: "ocsgw_cluster_database_up",
    type: "gauge",
    help: "1 if the shared database answered this node's last beat, else 0.",
    rows: ({ cluster }) => single(cluster && Number(cluster.isUp())),
  },
  {
    name: "ocsgw_cluster_statement_seconds",
    type: "histogram",
    help: "Time of statements of the shared database that were answered, waiting for a connection included.",
    rows: function* ({ cluster }) {
      if (cluster) yield [{}, cluster.statements];
    },
  },
  {
    name: "ocsgw_cluster_statement_failures_total",
    type: "counter",
    help: "Statements that the shared database did not answer.",
    rows: ({ cluster }) => single(cluster?.failures()),
  },
  {
    name: "ocsgw_cluster_statements_waiting",
    type: "gauge",
    help: "Statements that wait for a connection to the shared database.",
    rows: ({ cluster }) => single(cluster?.waiting()),
  },
];
