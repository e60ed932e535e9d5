/** The parts of the page about one flow. */
import type { ComponentChildren } from "preact";
import { useId } from "preact/hooks";
import type { TransactionJson } from "../../../journal/search/to-json.ts";
import { Masked } from "../../parts/masked.tsx";
import { Time } from "../../parts/time.tsx";
import { person } from "../../session.ts";
import { hrefOf } from "../../router.ts";
import { S } from "../../strings.ts";
import { neighbourFilters } from "../flows/row-text.ts";
import { LineProof, ProofSummary, useProof } from "./proof-view.tsx";
import type { Explanation } from "./ticket.ts";

type SectionProps = { readonly title: string; readonly children: ComponentChildren; readonly name?: string };

export const Section = ({ title, children, name = "" }: SectionProps) => {
  const id = useId();
  return (
    <section class={`panel ${name}`} aria-labelledby={id}>
      <h2 id={id}>{title}</h2>
      {children}
    </section>
  );
};

export const WhatHappened = ({ explanation }: { readonly explanation: Explanation }) => {
  const { what_happened: happened, what_to_do: todo, repeat } = explanation;
  return (
    <Section title={S.flow.what} name="panel-what">
      <p class="sentence">{happened}</p>
      <h3>{S.flow.todo}</h3>
      <p>
        {todo ?? S.flow.nothing} {repeat !== null && todo === null ? S.flow.repeat[repeat] : ""}
      </p>
    </Section>
  );
};

const MARKS = { ok: "✓", deny: "✖", no: "▲", "?": "?", "–": "–" } as const;

export const Decisions = ({ explanation }: { readonly explanation: Explanation }) => {
  const { stages, decided_by: decided } = explanation;
  return (
    <Section title={S.flow.decisions}>
      <table class="plain stages">
        <thead class="visually-hidden">
          <tr>
            <th scope="col">{S.flow.stage}</th>
            <th scope="col">{S.flow.verdict}</th>
            <th scope="col">{S.flow.says}</th>
          </tr>
        </thead>
        <tbody>
          {stages.map(({ stage, verdict, says }) => (
            <tr key={stage} class={`verdict-${VERDICTS[verdict]}`}>
              <th scope="row">{S.flow.stages[stage] ?? stage}</th>
              <td>
                <span aria-hidden="true">{MARKS[verdict]}</span>
                <span class="visually-hidden">{S.flow.verdicts[verdict]}</span>
              </td>
              <td>{verdict === "–" ? <span class="muted">{says}</span> : says}</td>
            </tr>
          ))}
        </tbody>
      </table>
      {decided && (
        <p class="decided">
          {S.flow.decidedBy} <code>{decided.rule}</code> <code class="muted">{decided.at}</code>
        </p>
      )}
      {decided?.config_then && decided.config_then !== decided.config_now && (
        <p class="muted">{S.flow.changed(decided.config_then, decided.config_now)}</p>
      )}
    </Section>
  );
};

const VERDICTS = { ok: "ok", deny: "deny", no: "no", "?": "unknown", "–": "none" } as const;

export const Request = ({ flow }: { readonly flow: TransactionJson }) => {
  const { resource, identifier, action, status, origin, endpoint, lane, warning, state } = flow;
  const [first] = flow.entries;
  const isRead = action === "ReadStatus";
  const path = `/${resource ?? ""}${identifier === null ? "" : `/${identifier}`}`;
  const isAnswered = status !== undefined && origin !== undefined;
  return (
    <Section title={S.flow.request}>
      {resource !== undefined && (
        <p class="mono line">
          {isRead ? "GET" : "POST"} <Masked text={path} />
          {isRead || action === undefined ? "" : `?req=${action}`}
        </p>
      )}
      {first?.kind === "intent" ? (
        <pre class="entry" tabIndex={0}>
          {JSON.stringify(first.body, undefined, 2)}
        </pre>
      ) : (
        <p class="muted">{S.flow.noBody}</p>
      )}
      <h3>{S.flow.answer}</h3>
      <p>
        {isAnswered && S.flow.answered(status, S.flow.origins[origin] ?? origin)}
        {warning !== undefined && `, ${S.flow.warning(warning)}`}
        {(state === "no-answer" || state === "in-doubt") && ` ${S.flow.noAnswer}`}
      </p>
      {endpoint !== undefined && lane !== undefined && <p class="muted">{S.flow.at(endpoint, lane)}</p>}
    </Section>
  );
};

export const Journal = ({ flow }: { readonly flow: TransactionJson }) => {
  const isScoped = person()?.tenants !== "all";
  const proof = useProof(flow, !isScoped);
  return (
    <Section title={S.flow.journal}>
      <ul class="entries">
        {flow.entries.map((entry, at) => (
          <li key={entry.kind}>
            <details>
              <summary>
                {/* People of some tenants get no index. */}
                {(entry.index as number | undefined) !== undefined && (
                  <code>#{entry.index.toLocaleString("en")}</code>
                )}{" "}
                {entry.kind} <Time at={entry.time} />
              </summary>
              <pre class="entry" tabIndex={0}>
                {JSON.stringify(entry, undefined, 2)}
              </pre>
            </details>
            <LineProof verdict={proof.verdicts?.lines[at]?.verdict} />
          </li>
        ))}
      </ul>
      {isScoped ? <p class="muted">{S.flow.proof.scoped}</p> : <ProofSummary {...proof} />}
    </Section>
  );
};

type JournalProps = { readonly flow: TransactionJson; readonly explanation: Explanation | null };

export const Related = ({ flow, explanation }: JournalProps) => {
  const near = Object.entries(neighbourFilters(flow)).flatMap(([name, filter]) =>
    filter === undefined || filter === "" ? [] : [{ name: name as keyof typeof S.flow.near, filter }],
  );
  return (
    <Section title={S.flow.related}>
      <ul class="related">
        {explanation?.switchovers.map(({ time, entries: [entry] }) => (
          <li key={time}>
            <Time at={time} /> {S.flow.switchover(memberOf(entry, "from"), memberOf(entry, "to"))}
          </li>
        ))}
        {explanation?.outages.map((outage) => (
          <li key={outage.index}>{S.flow.outage(memberOf(outage, "from"), memberOf(outage, "to"))}</li>
        ))}
        {near.map(({ name, filter }) => (
          <li key={name}>
            <a href={hrefOf("/flows", { filter })}>{S.flow.near[name]}</a>
          </li>
        ))}
      </ul>
    </Section>
  );
};

const memberOf = (entry: object | undefined, name: string): string => {
  const value = (entry as Readonly<Record<string, unknown>> | undefined)?.[name];
  return typeof value === "string" ? value : "";
};
