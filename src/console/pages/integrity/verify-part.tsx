/** Starts a verification of the whole journal, follows it, and shows what it found. */
import { useEffect, useState } from "preact/hooks";
import type { Verification } from "../../../admin/api/evidence/verifications.ts";
import { ApiError, get, post, remove } from "../../api.ts";
import { useLoaded } from "../../load.ts";
import { whole } from "../../parts/data/numbers.ts";
import { isPurposeNeeded, PurposeField, purposeIn } from "../../parts/field.tsx";
import { JobProgress, percentOf } from "../../parts/data/progress.tsx";
import { ErrorStrip } from "../../parts/states.tsx";
import { Verdict, type Mark } from "../../parts/data/verdict.tsx";
import { S } from "../../strings.ts";

const PATH = "/api/audit/verifications";
const RUNNING_MS = 1000;

export const VERDICT_MARKS: Readonly<Record<"ok" | "broken" | "cannot-tell", Mark>> = {
  ok: "good",
  broken: "bad",
  "cannot-tell": "unknown",
};

/** `running`: the id of the verification that runs, whoever started it. */
type Props = { readonly running: string | null; readonly onChange: () => void };

export const VerifyPart = ({ running, onChange }: Props) => {
  const [shown, setShown] = useState<string | undefined>(running ?? undefined);
  const [error, setError] = useState<unknown>();
  const [purpose, setPurpose] = useState("");
  useEffect(() => {
    if (running !== null) setShown(running);
  }, [running]);
  const start = async (event: Event): Promise<void> => {
    event.preventDefault();
    setError(undefined);
    try {
      setShown((await post<Verification>(PATH, purposeIn(purpose))).id);
      onChange();
    } catch (caught) {
      const { id } = caught instanceof ApiError ? caught.body : {};
      if (typeof id === "string") setShown(id);
      else setError(caught);
    }
  };
  return (
    <section class="evidence-part" aria-labelledby="verify">
      <h2 id="verify">{S.integrity.running}</h2>
      <p class="muted">{S.integrity.verifyHelp}</p>
      {error !== undefined && <ErrorStrip error={error} />}
      <form class="evidence-form" onSubmit={(event) => void start(event)}>
        {isPurposeNeeded() && <PurposeField label={S.integrity.purpose} value={purpose} onInput={setPurpose} />}
        <div class="form-end">
          <button type="submit" class="primary" disabled={running !== null}>
            {S.integrity.verify}
          </button>
        </div>
      </form>
      {shown !== undefined && <Shown key={shown} id={shown} onEnd={onChange} />}
    </section>
  );
};

const Shown = ({ id, onEnd }: { readonly id: string; readonly onEnd: () => void }) => {
  const [isRunning, setRunning] = useState(true);
  const { value, error } = useLoaded(id, (signal) => get<Verification>(`${PATH}/${id}`, undefined, signal), {
    ...(isRunning && { every: RUNNING_MS }),
  });
  const state = value?.state;
  useEffect(() => {
    if (state === undefined || state === "running") return;
    setRunning(false);
    onEnd();
  }, [state]);
  if (!value) return error === undefined ? null : <ErrorStrip error={error} />;
  return (
    <div class="verification" role="status">
      <p>
        {S.integrity.ended[value.state]}, {S.integrity.startedBy(value.by)}
        {value.error !== null && `: ${value.error}`}
      </p>
      {value.state === "running" && <Progress verification={value} />}
      {value.report && <Report report={value.report} away={value.away} />}
    </div>
  );
};

const Progress = ({ verification: { id, progress } }: { readonly verification: Verification }) => (
  <div class="toolbar-part">
    <JobProgress
      label={S.integrity.running}
      {...progress}
      says={S.integrity.progress(whole(progress.entries), whole(progress.of), percentOf(progress))}
    />
    <button type="button" onClick={() => void remove(`${PATH}/${id}`)}>
      {S.integrity.cancel}
    </button>
  </div>
);

type ReportProps = {
  readonly report: NonNullable<Verification["report"]>;
  readonly away: Verification["away"];
};

const Report = ({ report: { verdict, covered, findings, more, missing, notes, notProved }, away }: ReportProps) => (
  <>
    <p class="verdict-large">
      <Verdict mark={VERDICT_MARKS[verdict]}>
        {S.integrity.verdict[verdict]}
        {verdict === "ok" && `, ${S.integrity.rangeOf("0", whole(Math.max(0, covered - 1)))}`}
      </Verdict>
    </p>
    <Sentences
      title={S.integrity.findings}
      of={[...findings.map(({ text }) => text), ...(more > 0 ? [S.integrity.more(more)] : [])]}
    />
    <Sentences title={S.integrity.missing} of={missing} />
    <Sentences title={S.integrity.notes} of={[...away, ...notes]} />
    <Sentences title={S.integrity.notProved} of={notProved} />
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
