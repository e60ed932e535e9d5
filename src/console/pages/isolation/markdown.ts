/** The report of a proof as Markdown, for a ticket or a file. */
import type { Proof, ProofReport } from "../../../admin/api/evidence/isolation-proofs.ts";
import { whole } from "../../parts/data/numbers.ts";
import { S } from "../../strings.ts";
import { longTime } from "../../time.ts";
import { escaped } from "../flows/copy-as.ts";
import { coversIn, totalsByResource } from "./totals.ts";
import { verdictIn } from "./verdict-marks.ts";

export const asMarkdown = (proof: Proof, report: ProofReport): string => {
  const { facts } = S.isolation;
  const date = longTime(proof.ended ?? proof.started, true);
  return [
    `# ${escaped(S.isolation.title(date))}`,
    `**${verdictIn(report)}.** ${S.isolation.verdictHelp[report.verdict]}`,
    table(
      [facts.when, date],
      [
        [facts.by, proof.by],
        ...(proof.purpose === null ? [] : [[facts.purpose, proof.purpose]]),
        [facts.config, proof.config_hash],
        [facts.version, proof.gateway_version],
        [facts.covers, coversIn(report)],
        [facts.tests, S.isolation.tests(report.tests.passed, report.tests.failed.length)],
        [facts.digest, proof.digest ?? ""],
      ],
    ),
    `## ${S.isolation.byResource}`,
    table(
      [S.isolation.resource, S.isolation.count, S.isolation.failedCount, S.isolation.openCount],
      totalsByResource(report).map(([resource, { passed, failed, open }]) => [
        S.isolation.resources[resource],
        whole(passed),
        whole(failed),
        whole(open),
      ]),
    ),
    ...section(
      S.isolation.failures,
      report.failures.map(
        ({ from, to, resource, client, says, why }) =>
          `${S.isolation.failureOf(from, to, S.isolation.resources[resource])}: ` +
          `${S.isolation.ofClient(client ?? S.isolation.ownClient, says)}: ${why}`,
      ),
    ),
    ...section(
      S.isolation.failedTests,
      report.tests.failed.map(({ client, request, expected, decided }) =>
        S.isolation.failedTest(client, request, expected, decided),
      ),
    ),
    ...section(S.isolation.missing, report.missing),
    ...section(S.isolation.opens, report.open),
    ...section(S.isolation.untried, report.untried),
    ...section(S.isolation.notProved, report.not_proved),
    "",
  ].join("\n\n");
};

const table = (head: readonly string[], rows: readonly (readonly string[])[]): string => {
  const line = (cells: readonly string[]): string => `| ${cells.map(escaped).join(" | ")} |`;
  return [line(head), line(head.map(() => "---")).replaceAll("\\", ""), ...rows.map(line)].join("\n");
};

const section = (title: string, of: readonly string[]): string[] =>
  of.length === 0 ? [] : [`## ${title}`, of.map((each) => `- ${escaped(each)}`).join("\n")];
