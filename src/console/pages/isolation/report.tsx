/** The report of a proof: the verdict, what was tried, the matrix, and each case that failed. */
import type { Proof, ProofReport } from "../../../admin/api/evidence/isolation-proofs.ts";
import { copy } from "../../clipboard.ts";
import { Verdict } from "../../parts/data/verdict.tsx";
import { Time } from "../../parts/time.tsx";
import { S } from "../../strings.ts";
import { asMarkdown } from "./markdown.ts";
import { Matrix, ByResource } from "./matrix.tsx";
import { coversIn } from "./totals.ts";
import { markIn, verdictIn } from "./verdict-marks.ts";

type Props = { readonly proof: Proof; readonly report: ProofReport; readonly configHash: string };

export const Report = ({ proof, report, configHash }: Props) => (
  <>
    <p class="verdict-large">
      <Verdict mark={markIn(report)}>{verdictIn(report)}</Verdict>
    </p>
    <p class="muted">{S.isolation.verdictHelp[report.verdict]}</p>
    <Facts proof={proof} report={report} configHash={configHash} />
    <div class="toolbar-part more">
      <button type="button" onClick={() => print()}>
        {S.isolation.print}
      </button>
      <button type="button" onClick={() => void copy(asMarkdown(proof, report))}>
        {S.isolation.copy}
      </button>
    </div>
    <Sentences title={S.isolation.missing} of={report.missing} />
    <Failures report={report} />
    <Matrix report={report} />
    <ByResource report={report} />
    <Sentences title={S.isolation.opens} of={report.open} />
    <Sentences title={S.isolation.untried} of={report.untried} />
    <Sentences title={S.isolation.notProved} of={report.not_proved} />
  </>
);

const Facts = ({ proof, report, configHash }: Props) => {
  const { facts } = S.isolation;
  const hash = proof.config_hash.slice(0, 12);
  return (
    <dl class="fact-list">
      <dt>{facts.when}</dt>
      <dd>
        <Time at={proof.ended ?? proof.started} long />
      </dd>
      <dt>{facts.by}</dt>
      <dd>{proof.by}</dd>
      {proof.purpose !== null && (
        <>
          <dt>{facts.purpose}</dt>
          <dd>{proof.purpose}</dd>
        </>
      )}
      <dt>{facts.config}</dt>
      <dd>{proof.config_hash === configHash ? S.isolation.sameConfig(hash) : S.isolation.otherConfig(hash)}</dd>
      <dt>{facts.version}</dt>
      <dd>{proof.gateway_version}</dd>
      <dt>{facts.covers}</dt>
      <dd>{coversIn(report)}</dd>
      <dt>{facts.tests}</dt>
      <dd>{S.isolation.tests(report.tests.passed, report.tests.failed.length)}</dd>
      {proof.digest !== null && (
        <>
          <dt>{facts.digest}</dt>
          <dd>
            <span class="mono">{proof.digest}</span>{" "}
            {proof.journaled !== null && (
              <Verdict mark={proof.journaled ? "good" : "bad"}>
                {proof.journaled ? S.isolation.journaled : S.isolation.notJournaled}
              </Verdict>
            )}
          </dd>
        </>
      )}
    </dl>
  );
};

const Failures = ({ report: { failures, more_failures: more, tests } }: Pick<Props, "report">) => (
  <>
    {failures.length > 0 && (
      <>
        <h3>{S.isolation.failures}</h3>
        <ul class="failures">
          {failures.map(({ from, to, resource, client, says, why, request, answer }, at) => (
            <li key={at}>
              <p>
                <Verdict mark="bad">{S.isolation.failureOf(from, to, S.isolation.resources[resource])}</Verdict>
              </p>
              <p>{why}</p>
              <details>
                <summary>{S.isolation.ofClient(client ?? S.isolation.ownClient, says)}</summary>
                <h4>{S.isolation.request}</h4>
                <pre class="command">{request}</pre>
                <h4>{S.isolation.answer}</h4>
                <pre class="command">{answer ?? S.isolation.noAnswer}</pre>
              </details>
            </li>
          ))}
          {more > 0 && <li>{S.isolation.moreFailures(more)}</li>}
        </ul>
      </>
    )}
    <Sentences
      title={S.isolation.failedTests}
      of={tests.failed.map(({ client, request, expected, decided }) =>
        S.isolation.failedTest(client, request, expected, decided),
      )}
    />
  </>
);

const Sentences = ({ title, of }: { readonly title: string; readonly of: readonly string[] }) =>
  of.length === 0 ? null : (
    <>
      <h3>{title}</h3>
      <ul class="reasons">
        {of.map((each) => (
          <li key={each}>{each}</li>
        ))}
      </ul>
    </>
  );
