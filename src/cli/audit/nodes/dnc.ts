/** `ocsgw audit dnc --nodes`: the open Do-Not-Calls of all nodes, and how complete each node's list is. */
import type { NodeOpenDncs } from "../../../admin/schemas/nodes.ts";
import type { OpenDnc } from "../../../journal/search/open-dnc.ts";
import { WRONG_USAGE } from "../../exit-codes.ts";
import { tableOf, type DncOptions } from "../dnc.ts";
import { fail } from "../fail.ts";
import { askNodes, printWhole } from "./ask-nodes.ts";

export const dncOfNodes = async ({ config, json, handled, note }: DncOptions): Promise<number> => {
  if (handled !== undefined || note !== undefined)
    return fail("--handled: note it on the node whose journal has the Do-Not-Call, without --nodes", WRONG_USAGE);
  const found = await askNodes<NodeOpenDncs>(config, { path: "/dnc/open" });
  if (typeof found === "number") return found;
  if (json) console.log(JSON.stringify(found));
  else {
    console.log(tableOf(found.open as unknown as (OpenDnc & { node: string })[], found.complete));
    if (found.total > found.open.length) console.error(`${found.total} in all; the oldest are listed`);
    for (const { node, answered, complete, total } of found.nodes)
      console.error(
        answered ? `${node}: ${total ?? 0} open, ${complete ? "complete" : "NOT COMPLETE"}` : `${node}: no answer`,
      );
  }
  return printWhole(found);
};
