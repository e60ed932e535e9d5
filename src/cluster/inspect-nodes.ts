/** Which gateways live, for a command that is none of them: `ocsgw nodes` and `ocsgw check --connect`. */
import type { SharedDatabase } from "./database.ts";
import type { ClusterNode } from "./membership.ts";
import { readNodes, type NodeRow } from "./node-rows.ts";

export type Inspection = {
  readonly nodes: readonly (ClusterNode & { readonly beat: string })[];
  /** The last number of each shared log. */
  readonly heads: ReadonlyMap<string, bigint>;
};

const DEAD_AFTER_MS = 1500;
const POLL_MS = 150;

/** A node lives if its beat changes while we look, for 1500 ms at most. */
export const inspectNodes = async (database: Pick<SharedDatabase, "query">): Promise<Inspection> => {
  const first = new Map((await readNodes(database)).nodes.map((node) => [node.name, beatOf(node)]));
  for (const begun = performance.now(); ;) {
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
    const isLast = performance.now() - begun >= DEAD_AFTER_MS;
    const { nodes, heads } = await readNodes(database);
    const isDead = (node: NodeRow): boolean => node.stopped === null && first.get(node.name) === beatOf(node);
    if (!isLast && nodes.some(isDead)) continue;
    return {
      heads,
      nodes: nodes.map((node) => ({ ...node, state: node.stopped ? "stopped" : isDead(node) ? "dead" : "live" })),
    };
  }
};

const beatOf = ({ instance, beat }: NodeRow): string => `${instance} ${beat}`;
