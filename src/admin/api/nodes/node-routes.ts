/** The routes about all nodes that share one database. */
import { json } from "../../replies.ts";
import { route, type Route } from "../../route.ts";
import { KnownNodes } from "../../schemas/nodes.ts";
import { NODE_DNC_ROUTES } from "./dnc.ts";
import { NODE_EXPORT_ROUTES } from "./exports.ts";
import type { NodeDeps } from "./node-deps.ts";
import { PEER_ROUTES } from "./peers.ts";
import { NODE_SEARCH_ROUTES } from "./search.ts";

type DepsOf<Rows> = Rows extends readonly Route<infer Deps>[] ? Deps : never;
type Deps = NodeDeps & DepsOf<typeof NODE_SEARCH_ROUTES> & DepsOf<typeof PEER_ROUTES>;

export const NODE_ROUTES: readonly Route<Deps>[] = [
  route({
    method: "GET",
    path: "/api/nodes",
    summary: "The nodes that share this one's database",
    roles: ["viewer", "operator", "auditor"],
    scope: "by-tenant",
    reply: KnownNodes,
    answer: ({ nodes }: NodeDeps) => {
      if (!nodes) return json(200, { own: null, nodes: [], trouble: null } satisfies KnownNodes);
      const { nodes: known, trouble } = nodes.list();
      return json(200, {
        own: nodes.own,
        nodes: known.map(({ node, state, address }) => ({
          node,
          state,
          asked: node === nodes.own || address !== undefined,
        })),
        trouble: trouble ?? null,
      } satisfies KnownNodes);
    },
  }),
  ...NODE_SEARCH_ROUTES,
  ...NODE_DNC_ROUTES,
  ...NODE_EXPORT_ROUTES,
  ...PEER_ROUTES,
];
