/**
 * All that is known about one request: the verdict of each stage, what happened, what to do, the config line that
 * decided, and what else happened at that time.
 */
import { toJson } from "../journal/search/to-json.ts";
import { fieldsOf, type Fields, type Transaction } from "../journal/search/transaction.ts";
import { whatToDo } from "./advice.ts";
import type { Asks } from "./ask.ts";
import { decisionOf, type ConfigNow, type Decision } from "./decision.ts";
import { outagesAtReply, type Outage } from "./outages.ts";
import { repeatOf, whatHappened } from "./sentences.ts";
import { verdictsOf, type Verdict } from "./stages.ts";

export type Explanation = {
  readonly transaction: Transaction;
  readonly fields: Fields;
  readonly stages: readonly Verdict[];
  readonly happened: string;
  readonly todo: string | undefined;
  readonly decision: Decision | undefined;
  /** Size of the first checkpoint that covers all entries; undefined while none does. */
  readonly checkpoint: number | undefined;
  /** Switchovers of its upstream while the request was under way. */
  readonly switchovers: readonly Transaction[];
  /** Times in which the journal could not be written, when OCS's answer was to be journaled. */
  readonly outages: readonly Outage[];
};

export type ExplainDeps = Asks & {
  readonly config: ConfigNow;
  /** The sizes of all checkpoints, in any order. */
  readonly checkpoints: () => Promise<readonly number[]>;
};

/** What the entries say by themselves: the rest of the explanation is about the whole gateway. */
export const explanationOfEntries = (transaction: Transaction): Explanation => {
  const fields = fieldsOf(transaction);
  return {
    transaction,
    fields,
    stages: verdictsOf(transaction),
    happened: whatHappened(fields),
    todo: whatToDo(fields),
    decision: undefined,
    checkpoint: undefined,
    switchovers: [],
    outages: [],
  };
};

export const explanationOf = async (transaction: Transaction, deps: ExplainDeps): Promise<Explanation> => {
  const explanation = explanationOfEntries(transaction);
  return {
    ...explanation,
    decision: await decisionOf(transaction, deps, deps.config),
    checkpoint: coverOf(await deps.checkpoints(), transaction),
    switchovers: await switchoversIn(deps, transaction),
    outages: await outagesAtReply(deps, explanation.fields),
  };
};

const coverOf = (checkpoints: readonly number[], { entries }: Transaction): number | undefined => {
  const covering = checkpoints.filter((size) => size > entries.at(-1)!.index);
  return covering.length === 0 ? undefined : covering.reduce((one, other) => Math.min(one, other));
};

const MARGIN_MICROS = 2_000_000;

const switchoversIn = async ({ ask }: Asks, transaction: Transaction): Promise<readonly Transaction[]> => {
  const { time, total, upstream, state } = fieldsOf(transaction);
  if (state !== "no-answer" || upstream === undefined) return [];
  const { transactions = [] } = await ask({
    kind: "page",
    filter: `kind:switchover upstream:"${upstream}"`,
    names: [],
    limit: 100,
  });
  return transactions.filter((each) => Math.abs(fieldsOf(each).time - time) <= (total ?? 0) * 1000 + MARGIN_MICROS);
};

/** As the admin API and `explain --json` give it, without the request itself. */
export const explanationToJson = (explanation: Explanation) => {
  const { fields, stages, happened, todo, decision, checkpoint, switchovers, outages } = explanation;
  return {
    stages,
    what_happened: happened,
    what_to_do: todo ?? null,
    repeat: repeatOf(fields) ?? null,
    decided_by: decision
      ? {
          rule: decision.rule,
          at: decision.at ?? null,
          config_then: decision.hashThen ?? null,
          config_now: decision.hashNow,
        }
      : null,
    checkpoint: checkpoint ?? null,
    switchovers: switchovers.map(toJson),
    outages,
  };
};
