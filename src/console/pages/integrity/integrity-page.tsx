/** What is verified of the journal, up to where and by whom; its gaps; and how others can check it. */
import type { Integrity } from "../../../admin/api/evidence/integrity.ts";
import { copy } from "../../clipboard.ts";
import { get } from "../../api.ts";
import { useLoaded } from "../../load.ts";
import { whole } from "../../parts/data/numbers.ts";
import { PlainTable } from "../../parts/data/plain-table.tsx";
import { ErrorStrip, Skeleton, Strip } from "../../parts/states.tsx";
import { Time } from "../../parts/time.tsx";
import { Verdict, type Mark } from "../../parts/data/verdict.tsx";
import { S } from "../../strings.ts";
import { spanOf } from "../../time.ts";
import { Checkpoints } from "./checkpoints.tsx";
import { Days } from "./days.tsx";
import { Outside } from "./outside.tsx";
import { VERDICT_MARKS, VerifyPart } from "./verify-part.tsx";
import "../evidence.css";

const EVERY_MS = 10_000;

export const IntegrityPage = () => {
  const { value, error, again } = useLoaded(
    "integrity",
    (signal) => get<Integrity>("/api/integrity", undefined, signal),
    { every: EVERY_MS },
  );
  return (
    <div class="evidence-page">
      {error !== undefined && <ErrorStrip error={error} retry={again} />}
      {value ? <Content integrity={value} onChange={again} /> : error === undefined && <Skeleton rows={12} />}
    </div>
  );
};

type Props = { readonly integrity: Integrity };

const Content = ({ integrity, onChange }: Props & { readonly onChange: () => void }) => (
  <>
    {integrity.damage.map((each) => (
      <Strip key={each} kind="error" urgent>
        {each}
      </Strip>
    ))}
    {integrity.troubles.map((each) => (
      <Strip key={each} kind="warning">
        {each}
      </Strip>
    ))}
    <div class="evidence-grid">
      <State integrity={integrity} />
      <VerifyPart running={integrity.running} onChange={onChange} />
    </div>
    <div class="evidence-grid">
      <Yourself integrity={integrity} />
      <Outside integrity={integrity} />
    </div>
    <div class="evidence-grid">
      <Gaps gaps={integrity.gaps} />
      <section class="evidence-part" aria-labelledby="cannot">
        <h2 id="cannot">{S.integrity.cannot}</h2>
        <ul class="reasons">
          {integrity.cannot_prove.map((each) => (
            <li key={each}>{each}</li>
          ))}
        </ul>
      </section>
    </div>
    <Days key={integrity.verified?.at ?? ""} />
    <Checkpoints newest={integrity.checkpoint.size} />
  </>
);

const STATE_MARKS: Readonly<Record<Integrity["state"], Mark>> = {
  verified: "good",
  "not-checked": "none",
  broken: "bad",
};

const State = ({ integrity }: Props) => {
  const { state, verified, entries, pending, unsigned, checkpoint, last_verification: last } = integrity;
  return (
    <section class="evidence-part" aria-labelledby="state">
      <h2 id="state">{S.integrity.facts}</h2>
      <p class="verdict-large">
        <Verdict mark={STATE_MARKS[state]}>
          {state === "verified" ? S.integrity.state.verified(verified!.size) : S.integrity.state[state]}
        </Verdict>
      </p>
      <p class="muted">{helpFor(integrity)}</p>
      <dl class="fact-list">
        <dt>{S.integrity.entries}</dt>
        <dd class="number">{whole(entries)}</dd>
        <dt>{S.integrity.pending}</dt>
        <dd class="number">{whole(pending)}</dd>
        <dt>{S.integrity.checkpoint}</dt>
        <dd class="number">{S.integrity.checkpointOf(checkpoint.size, spanOf(checkpoint.age))}</dd>
        <dt>{S.integrity.unsigned}</dt>
        <dd class="number">{whole(unsigned)}</dd>
        {verified && (
          <>
            <dt>{S.integrity.began}</dt>
            <dd>
              <Time at={verified.began} long />
            </dd>
          </>
        )}
        <dt>{S.integrity.last}</dt>
        <dd>
          {last ? (
            <>
              <Verdict mark={VERDICT_MARKS[last.verdict]}>{S.integrity.verdict[last.verdict]}</Verdict>{" "}
              <Time at={last.at} long /> {S.integrity.lastOf(last.by, whole(last.covered))}
            </>
          ) : (
            S.integrity.lastNone
          )}
        </dd>
      </dl>
    </section>
  );
};

const helpFor = ({ state, verified }: Integrity): string => {
  if (state === "broken") return S.integrity.brokenHelp;
  return verified
    ? S.integrity.verifiedHelp(spanOf(Math.max(0, Date.now() - Date.parse(verified.at))), verified.by)
    : S.integrity.notCheckedHelp;
};

const Yourself = ({ integrity: { check_yourself: command, keys } }: Props) => (
  <section class="evidence-part" aria-labelledby="yourself">
    <h2 id="yourself">{S.integrity.yourself}</h2>
    <p class="muted">{S.integrity.yourselfHelp}</p>
    <pre class="command">{command}</pre>
    <button type="button" class="more" onClick={() => void copy(command)}>
      {S.integrity.copy}
    </button>
    <h3>{S.integrity.keys}</h3>
    <PlainTable caption={S.integrity.keys} head={[S.integrity.keyName, S.integrity.keyUse, S.integrity.copyKey]}>
      {keys.map(({ name, verifier_key: key, current }) => (
        <tr key={name}>
          <th scope="row" class="mono">
            {name}
          </th>
          <td>{current ? S.integrity.current : S.integrity.former}</td>
          <td>
            <button type="button" onClick={() => void copy(key)}>
              {S.integrity.copyKey}
            </button>
          </td>
        </tr>
      ))}
    </PlainTable>
  </section>
);

const Gaps = ({ gaps }: Pick<Integrity, "gaps">) => (
  <section class="evidence-part" aria-labelledby="gaps">
    <h2 id="gaps">{S.integrity.gaps}</h2>
    {gaps === null && <p>{S.integrity.gapsUnknown}</p>}
    {gaps?.length === 0 && <p class="muted">{S.integrity.noGaps}</p>}
    {gaps !== null && gaps.length > 0 && (
      <PlainTable caption={S.integrity.gaps} head={[S.integrity.from, S.integrity.to, S.integrity.reason]}>
        {gaps.map(({ from, to, reason }) => (
          <tr key={`${from} ${to} ${reason}`}>
            <td>{from}</td>
            <td>{to}</td>
            <td class="wide">{reason}</td>
          </tr>
        ))}
      </PlainTable>
    )}
  </section>
);
