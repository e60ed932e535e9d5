/** Which gateways live, seen by a command that is none of them: it looks until each has beaten or must be dead. */
import type { SharedDatabase } from "./database.ts";
import { DEAD_AFTER_MS, type ClusterNode } from "./membership.ts";
import type { NodeDetails } from "./node-rows.ts";

type Seen = {
  readonly name: string;
  readonly instance: string;
  readonly beat: string;
  readonly details: NodeDetails;
} & {
  readonly isStopped: boolean;
};

export type ObservedNode = Pick<ClusterNode, "name" | "state" | "details">;

const EVERY_MS = 100;

/**
 * Calls `judge` for each node but `own`, until none of the results is `waiting`, or for as long as it takes to tell
 * that a node is dead. Rejects with DatabaseUnavailable.
 */
export const observeNodes = async <Result extends { readonly state: string }>(
  { query }: Pick<SharedDatabase, "query">,
  own: string,
  judge: (node: ObservedNode) => Result,
): Promise<readonly Result[]> => {
  const read = (): Promise<Seen[]> =>
    query<Seen>({
      text: `SELECT name, instance::text, beat::text, details, stopped IS NOT NULL AS "isStopped" FROM node
        WHERE name <> $1 ORDER BY name`,
      values: [own],
    });
  const begun = performance.now();
  const first = new Map((await read()).map((node) => [node.name, node]));
  for (;;) {
    await new Promise((resolve) => setTimeout(resolve, EVERY_MS));
    const isOver = performance.now() - begun > DEAD_AFTER_MS;
    const results = (await read()).map((node) => {
      const before = first.get(node.name);
      const hasBeaten = before?.instance !== node.instance || before.beat !== node.beat;
      const state = node.isStopped ? "stopped" : hasBeaten || !isOver ? "live" : "dead";
      return judge({ name: node.name, details: node.details, state });
    });
    if (isOver || results.every(({ state }) => state !== "waiting")) return results;
  }
};
