/** The gateways that share a database. */
import { json } from "./replies.ts";
import { route, type Route } from "./route.ts";
import { ClusterState } from "./schemas/cluster.ts";

/** `cluster`: undefined for a gateway that shares no database. */
type Deps = { readonly cluster: () => ClusterState | undefined };

const ALONE: ClusterState = { self: null, leased: null, database: null, nodes: [] };

export const CLUSTER_ROUTES: readonly Route<Deps>[] = [
  route({
    method: "GET",
    path: "/api/cluster",
    summary: "This node's lease in the shared database, and the nodes as it last read them, with versions and lag",
    roles: ["viewer", "operator", "auditor"],
    scope: "whole-gateway",
    reply: ClusterState,
    answer: ({ cluster }: Deps) => json(200, cluster() ?? ALONE),
  }),
];
