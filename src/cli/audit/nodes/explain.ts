/** `ocsgw explain --nodes`: one request, from the node that has it. */
import type { FoundFlow } from "../../../admin/schemas/flow.ts";
import type { NodeFoundFlow } from "../../../admin/schemas/nodes.ts";
import type { Outage } from "../../../explain/outages.ts";
import type { Verdict } from "../../../explain/stages.ts";
import { fieldsOf, type Transaction } from "../../../journal/search/transaction.ts";
import { CANNOT_TELL, FAILED, WRONG_USAGE } from "../../exit-codes.ts";
import { linesFor, type ExplainOptions } from "../../explain.ts";
import { fail } from "../fail.ts";
import { linesOf } from "../output/lines.ts";
import { askNodes, printWhole } from "./ask-nodes.ts";

export const explainOnNodes = async ({ id, config, json }: ExplainOptions): Promise<number> => {
  if (!/^[\w.~-]+$/.test(id)) return fail("expected a request id, or its beginning", WRONG_USAGE);
  const answer = await askNodes<NodeFoundFlow>(config, { path: `/flows/${id}` });
  if (typeof answer === "number") return answer;
  const { found, complete } = answer;
  if (json) console.log(JSON.stringify(answer));
  else for (const each of found) console.log([`on ${each.node}:`, ...linesOn(each, config)].join("\n"));
  if (found.length === 0) {
    printWhole(answer);
    return fail(`no node that answered has a request whose id begins with ${id}`, complete ? FAILED : CANNOT_TELL);
  }
  const isOne = found.length === 1 && found[0]!.requests.length === 1;
  if (!isOne) return fail(`several requests begin with ${id}`, FAILED);
  // Whole: an id is given once, so no other node can have the same request.
  if (!complete && id.length < ID_LENGTH) return printWhole(answer);
  return 0;
};

/** Of a ULID. */
const ID_LENGTH = 26;

const linesOn = ({ requests, explanation }: FoundFlow, config: string): string[] => {
  const transactions = requests.map(({ at = 0, entries }) => ({ at, entries }) as unknown as Transaction);
  const [transaction, ...others] = transactions;
  if (!transaction || others.length > 0 || !explanation) return linesOf(transactions);
  const { decided_by: decided, switchovers, outages, checkpoint, stages } = explanation;
  return linesFor({
    config,
    transaction,
    fields: fieldsOf(transaction),
    stages: stages as unknown as Verdict[],
    happened: explanation.what_happened,
    todo: explanation.what_to_do ?? undefined,
    decision: decided
      ? {
          rule: decided.rule,
          at: decided.at ?? undefined,
          hashThen: decided.config_then ?? undefined,
          hashNow: decided.config_now,
        }
      : undefined,
    checkpoint: checkpoint ?? undefined,
    switchovers: switchovers.map(({ at = 0, entries }) => ({ at, entries }) as unknown as Transaction),
    outages: outages as unknown as Outage[],
  });
};
