/** Starts a proof of isolation, follows it, and shows its result and those before it. */
import { useEffect, useState } from "preact/hooks";
import type { Proof, ProofRow, Proofs as ProofList } from "../../../admin/api/evidence/isolation-proofs.ts";
import { ApiError, get, post, remove } from "../../api.ts";
import { useLoaded } from "../../load.ts";
import { JobProgress } from "../../parts/data/progress.tsx";
import { PlainTable } from "../../parts/data/plain-table.tsx";
import { Verdict } from "../../parts/data/verdict.tsx";
import { isPurposeNeeded, PurposeField, purposeIn } from "../../parts/field.tsx";
import { Empty, ErrorStrip, Skeleton } from "../../parts/states.tsx";
import { Time } from "../../parts/time.tsx";
import { address, setQuery } from "../../router.ts";
import { S } from "../../strings.ts";
import { Report } from "./report.tsx";
import { VERDICT_MARKS } from "./verdict-marks.ts";

const PATH = "/api/isolation/proofs";
const RUNNING_MS = 500;

export const Proofs = () => {
  const { value, error, again } = useLoaded("proofs", (signal) => get<ProofList>(PATH, undefined, signal));
  const [chosen, setChosen] = useState<string | undefined>();
  const done = (value?.proofs ?? []).filter(({ state }) => state === "done");
  const shown = address.value.query["proof"] ?? done[0]?.id;
  const running = value?.running ?? chosen;
  return (
    <>
      <section class="evidence-part" aria-labelledby="prove">
        <h2 id="prove">{S.isolation.prove}</h2>
        <p class="muted">{S.isolation.proveHelp}</p>
        {error !== undefined && <ErrorStrip error={error} retry={again} />}
        <Start
          isRunning={value !== undefined && value.running !== null}
          onStart={(id) => {
            setChosen(id);
            again();
          }}
        />
        {running !== undefined && (
          <Running
            key={running}
            id={running}
            onEnd={() => {
              setQuery({ proof: undefined });
              again();
            }}
          />
        )}
      </section>
      {value ? <Results proofs={value} done={done} shown={shown} /> : error === undefined && <Skeleton rows={4} />}
    </>
  );
};

type StartProps = { readonly isRunning: boolean; readonly onStart: (id: string) => void };

const Start = ({ isRunning, onStart }: StartProps) => {
  const [purpose, setPurpose] = useState("");
  const [error, setError] = useState<unknown>();
  const start = async (event: Event): Promise<void> => {
    event.preventDefault();
    setError(undefined);
    try {
      onStart((await post<Proof>(PATH, purposeIn(purpose))).id);
    } catch (caught) {
      const { id } = caught instanceof ApiError ? caught.body : {};
      if (typeof id === "string") onStart(id);
      else setError(caught);
    }
  };
  return (
    <form class="evidence-form" onSubmit={(event) => void start(event)}>
      {error !== undefined && <ErrorStrip error={error} />}
      {isPurposeNeeded() && <PurposeField label={S.isolation.purpose} value={purpose} onInput={setPurpose} />}
      <div class="form-end">
        <button type="submit" class="primary" disabled={isRunning}>
          {S.isolation.start}
        </button>
      </div>
    </form>
  );
};

/** `onEnd` is called once. */
const Running = ({ id, onEnd }: { readonly id: string; readonly onEnd: () => void }) => {
  const [isRunning, setRunning] = useState(true);
  const { value, error } = useLoaded(id, (signal) => get<Proof>(`${PATH}/${id}`, undefined, signal), {
    ...(isRunning && { every: RUNNING_MS }),
  });
  const state = value?.state;
  useEffect(() => {
    if (state === undefined || state === "running") return;
    setRunning(false);
    onEnd();
  }, [state]);
  if (!value) return error === undefined ? null : <ErrorStrip error={error} />;
  const { by, percent, error: why } = value;
  return (
    <div class="verification" role="status">
      <p>
        {why === null
          ? S.isolation.stateBy(S.isolation.states[value.state], by)
          : S.isolation.stateWhy(S.isolation.states[value.state], by, why)}
      </p>
      {value.state === "running" && (
        <div class="toolbar-part">
          <JobProgress label={S.isolation.running} entries={percent} of={100} says={S.isolation.progress(percent)} />
          <button type="button" onClick={() => void remove(`${PATH}/${id}`)}>
            {S.isolation.cancel}
          </button>
        </div>
      )}
    </div>
  );
};

type ResultsProps = {
  readonly proofs: ProofList;
  readonly done: readonly ProofRow[];
  /** The id of the proof whose report is shown. */
  readonly shown: string | undefined;
};

const HEAD = [
  S.isolation.facts.when,
  S.isolation.facts.by,
  S.isolation.facts.purpose,
  S.isolation.facts.config,
  S.isolation.result,
] as const;

const Results = ({ proofs, done, shown }: ResultsProps) => (
  <>
    <section class="evidence-part" aria-labelledby="last">
      <h2 id="last">{S.isolation.last}</h2>
      {shown === undefined ? (
        <Empty title={S.isolation.none}>
          <p>{S.isolation.noneHelp}</p>
        </Empty>
      ) : (
        <Shown key={shown} id={shown} configHash={proofs.config_hash} />
      )}
    </section>
    {proofs.proofs.length > 1 && (
      <section class="evidence-part" aria-labelledby="earlier">
        <h2 id="earlier">{S.isolation.earlier}</h2>
        <PlainTable caption={S.isolation.earlier} head={HEAD}>
          {proofs.proofs.map((row) => (
            <Row key={row.id} row={row} isShown={row.id === shown} isDone={done.includes(row)} />
          ))}
        </PlainTable>
      </section>
    )}
  </>
);

const Shown = ({ id, configHash }: { readonly id: string; readonly configHash: string }) => {
  const { value, error, again } = useLoaded(id, (signal) => get<Proof>(`${PATH}/${id}`, undefined, signal));
  if (!value) return error === undefined ? <Skeleton rows={6} /> : <ErrorStrip error={error} retry={again} />;
  return value.report && <Report proof={value} report={value.report} configHash={configHash} />;
};

type RowProps = { readonly row: ProofRow; readonly isShown: boolean; readonly isDone: boolean };

const Row = ({ row, isShown, isDone }: RowProps) => (
  <tr>
    <th scope="row">
      <Time at={row.started} long />
    </th>
    <td>{row.by}</td>
    <td class="note-cell">{row.purpose}</td>
    <td class="mono">{row.config_hash.slice(0, 12)}</td>
    <td>
      <div class="row-actions">
        {row.verdict === null ? (
          S.isolation.states[row.state]
        ) : (
          <Verdict mark={VERDICT_MARKS[row.verdict]}>{S.isolation.verdicts[row.verdict]}</Verdict>
        )}
        {isDone &&
          (isShown ? (
            <span class="muted">{S.isolation.shown}</span>
          ) : (
            <button type="button" onClick={() => setQuery({ proof: row.id }, false)}>
              {S.isolation.show}
            </button>
          ))}
      </div>
    </td>
  </tr>
);
