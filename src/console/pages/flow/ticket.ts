/** A flow as Markdown for a ticket: who asked for what, what happened, what to do. */
import type { FoundFlow } from "../../../admin/schemas/flow.ts";
import type { TransactionJson } from "../../../journal/search/to-json.ts";
import { S } from "../../strings.ts";
import { escaped } from "../flows/copy-as.ts";
import { actionOf, outcomeOf, subjectOf, waitOf } from "../flows/row-text.ts";

export type Explanation = NonNullable<FoundFlow["explanation"]>;

export const asTicket = (flow: TransactionJson, explanation: Explanation | null, link: string): string => {
  const fact = (name: string, value: string | undefined): string[] =>
    value === undefined || value === "" ? [] : [`- ${name}: ${escaped(value)}`];
  const title = `**${escaped(actionOf(flow))} ${escaped(subjectOf(flow))}**`;
  const result = [flow.status, S.outcome[outcomeOf(flow)], flow.code].filter((part) => part !== undefined).join(" ");
  return [
    `${title}: ${result}`,
    "",
    ...(explanation ? [escaped(explanation.what_happened), ""] : []),
    ...(explanation?.what_to_do ? [`${S.flow.todo}: ${escaped(explanation.what_to_do)}`, ""] : []),
    ...fact(S.flow.time, flow.time),
    ...fact(S.flow.client, flow.client),
    ...fact(S.flow.tenant, flow.tenant?.name),
    ...fact(S.flows.columns.total, waitOf(flow.total)),
    ...fact(
      S.flow.decidedBy,
      explanation?.decided_by ? `${explanation.decided_by.rule} (${explanation.decided_by.at})` : "",
    ),
    `- ${S.flow.copy.id}: [${flow.id ?? ""}](${link})`,
  ].join("\n");
};
