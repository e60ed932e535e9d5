/** What `ocsgw check` says about the files on disk now, and what a reload would do with them. */
import type { ConfigCheck } from "../../../admin/schemas/config-view.ts";
import { get } from "../../api.ts";
import { copy } from "../../clipboard.ts";
import { useLoaded } from "../../load.ts";
import { AnyText } from "../../parts/any-text.tsx";
import { CodeLink } from "../../parts/code-link.tsx";
import { PlainTable } from "../../parts/data/plain-table.tsx";
import { Verdict, type Mark } from "../../parts/data/verdict.tsx";
import { ErrorStrip, Skeleton } from "../../parts/states.tsx";
import { S } from "../../strings.ts";
import { Hash } from "./hash.tsx";

type Problem = ConfigCheck["problems"][number];

export const CheckPart = () => {
  const { value, error, again, isLoading } = useLoaded("check", (signal) =>
    get<ConfigCheck>("/api/config/check", undefined, signal),
  );
  return (
    <section class="evidence-part" aria-labelledby="disk" aria-busy={isLoading}>
      <div class="part-head">
        <h2 id="disk">{S.config.disk}</h2>
        <button type="button" disabled={isLoading} onClick={again}>
          {S.config.check}
        </button>
      </div>
      <p class="muted">{S.config.diskHelp}</p>
      {error !== undefined && <ErrorStrip error={error} retry={again} />}
      {value ? <Checked checked={value} /> : error === undefined && <Skeleton rows={4} label={S.config.checking} />}
    </section>
  );
};

const MARKS: Readonly<Record<ConfigCheck["state"], Mark>> = {
  "in-force": "good",
  "would-reload": "unknown",
  "needs-restart": "unknown",
  invalid: "bad",
};

const Checked = ({ checked }: { readonly checked: ConfigCheck }) => {
  const { state, file, hash, in_force: inForce, problems, more, changes, restart } = checked;
  const isOther = state === "would-reload" || state === "needs-restart";
  return (
    <>
      <p class="verdict-large" role="status">
        <Verdict mark={MARKS[state]}>{S.config.states[state]}</Verdict>
      </p>
      {S.config.stateHelp[state] !== "" && <p>{S.config.stateHelp[state]}</p>}
      <dl class="fact-list">
        <dt>{S.config.file}</dt>
        <dd>
          <AnyText text={file} />
        </dd>
        <dt>{S.config.hash}</dt>
        <dd>
          {hash === "" ? S.config.unreadable : <Hash hash={hash} />}{" "}
          {hash !== inForce && (
            <>
              ({S.config.inForce}: <Hash hash={inForce} />){" "}
            </>
          )}
          <button type="button" class="link" onClick={() => void copy(inForce)}>
            {S.config.copyHash}
          </button>
        </dd>
      </dl>
      {isOther && (
        <>
          <h3>{S.config.changes}</h3>
          {changes.length === 0 ? <p>{S.config.noChanges}</p> : <Sentences of={changes} />}
        </>
      )}
      {restart.length > 0 && <Problems caption={S.config.restart} problems={restart} />}
      {problems.length > 0 ? (
        <Problems caption={S.config.problems} problems={problems} />
      ) : (
        <p class="muted">{S.config.noProblems}</p>
      )}
      {more > 0 && <p>{S.config.moreProblems(more)}</p>}
    </>
  );
};

export const Sentences = ({ of }: { readonly of: readonly string[] }) => (
  <ul class="reasons">
    {of.map((each) => (
      <li key={each}>
        <AnyText text={each} />
      </li>
    ))}
  </ul>
);

type ProblemsProps = { readonly caption: string; readonly problems: readonly Problem[] };

const Problems = ({ caption, problems }: ProblemsProps) => {
  const warnings = problems.filter(({ severity }) => severity === "warning").length;
  return (
    <>
      <h3>
        {caption} <span class="muted">({S.config.problemCount(problems.length - warnings, warnings)})</span>
      </h3>
      <PlainTable caption={caption} head={[S.config.where, S.config.code, S.config.problem]}>
        {problems.map((each, place) => (
          <tr key={place}>
            <th scope="row" class="filter-cell">
              <AnyText text={`${each.file}:${each.line}:${each.column}`} />
              {each.path !== "" && (
                <div class="muted">
                  <AnyText text={each.path} />
                </div>
              )}
            </th>
            <td>
              <CodeLink code={each.code} />
              <div class="muted">{S.config[each.severity]}</div>
            </td>
            <td class="filter-cell">
              <Words problem={each} />
            </td>
          </tr>
        ))}
      </PlainTable>
    </>
  );
};

const Words = ({ problem: { message, help, also, file } }: { readonly problem: Problem }) => (
  <>
    <AnyText text={message} />
    {also && (
      <div class="muted">
        <AnyText text={S.config.also(`${also.file ?? file}:${also.line}:${also.column}`, also.message)} />
      </div>
    )}
    {help !== undefined && (
      <div class="muted">
        <AnyText text={help} />
      </div>
    )}
  </>
);
