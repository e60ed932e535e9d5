/** `ocsgw audit search --nodes`: a page of what the journals of all nodes have, newest first. */
import type { NodeFlows, NodeLookUp } from "../../../admin/schemas/nodes.ts";
import type { Evidence } from "../../../journal/search/person-search.ts";
import type { Transaction } from "../../../journal/search/transaction.ts";
import { evidenceLines } from "../evidence.ts";
import { expressionOf } from "../expression.ts";
import { fail } from "../fail.ts";
import { personFrom } from "../access/person.ts";
import { purposeFrom } from "../access/purpose.ts";
import { linesOf } from "../output/lines.ts";
import type { SearchOptions } from "../search.ts";
import { tokensIn } from "../../../journal/access.ts";
import { FilterError } from "../../../journal/search/filter/filter.ts";
import { WRONG_USAGE } from "../../exit-codes.ts";
import { askNodes, printWhole } from "./ask-nodes.ts";

export const searchNodes = async (options: SearchOptions): Promise<number> => {
  try {
    return await search(options);
  } catch (error) {
    if (error instanceof FilterError) return fail(error.render(), WRONG_USAGE);
    if (error instanceof RangeError) return fail(error.message, WRONG_USAGE);
    throw error;
  }
};

const search = async (options: SearchOptions): Promise<number> => {
  if (options.timeout !== undefined) throw new RangeError("--timeout: with --nodes the gateways limit the time");
  if (options.limit === 0) throw new RangeError("--limit: expected a number from 1");
  const filter = expressionOf(options.words, options);
  const person = await personFrom(options);
  const purpose = person || tokensIn(filter) ? await purposeFrom(options.purpose) : options.purpose;
  const { limit, cursor } = options;
  const found = person
    ? await askNodes<NodeLookUp>(options.config, {
        path: "/look-up",
        body: { [person.kind]: person.value, filter, limit, cursor, purpose },
      })
    : await askNodes<NodeFlows>(options.config, {
        path: "/flows",
        query: { filter, limit: limit === undefined ? undefined : String(limit), cursor, purpose },
      });
  if (typeof found === "number") return found;
  if (options.json) console.log(JSON.stringify(found));
  else print(found);
  return printWhole(found);
};

const print = ({ requests, next, nodes }: NodeFlows | NodeLookUp): void => {
  const width = Math.max(0, ...requests.map(({ node }) => node.length));
  const lines = linesOf(requests.map(({ at = 0, entries }) => ({ at, entries }) as unknown as Transaction));
  for (const [index, line] of lines.entries()) console.log(`${requests[index]!.node.padEnd(width)}  ${line}`);
  const number = requests.length === 0 ? "Nothing found" : `${requests.length} found`;
  console.error(next === null ? number : `${number}; for the next page: --cursor ${next}`);
  for (const each of nodes) {
    if ("evidence" in each && each.evidence)
      for (const line of evidenceLines(each.evidence as unknown as Evidence)) console.error(`${each.node}: ${line}`);
    if ("searched" in each && each.searched)
      console.error(`${each.node}: searched ${each.searched.to - each.searched.from} entries`);
    for (const warning of each.warnings) console.error(`warning: ${each.node}: ${warning}`);
  }
};
