/** The exports of this run of the gateway: progress, result, file. */
import type { Export } from "../../../admin/api/evidence/exports.ts";
import { remove, send } from "../../api.ts";
import { shortTokens } from "../../filter-text.ts";
import { bytes } from "../../parts/data/numbers.ts";
import { PlainTable } from "../../parts/data/plain-table.tsx";
import { JobProgress, percentOf } from "../../parts/data/progress.tsx";
import { Time } from "../../parts/time.tsx";
import { Verdict, type Mark } from "../../parts/data/verdict.tsx";
import { person } from "../../session.ts";
import { S } from "../../strings.ts";
import { longTime } from "../../time.ts";

type Props = { readonly exports: readonly Export[]; readonly onChange: () => void };

const HEAD = [S.exports.started, S.exports.by, S.exports.what, S.exports.state, S.exports.file, S.exports.actions];

export const ExportTable = ({ exports, onChange }: Props) => (
  <PlainTable caption={S.exports.caption} head={HEAD}>
    {exports.map((each) => (
      <Row key={each.id} made={each} onChange={onChange} />
    ))}
  </PlainTable>
);

const Row = ({ made, onChange }: { readonly made: Export; readonly onChange: () => void }) => {
  const { id, started, by, filter, format, purpose, state, file } = made;
  const act = (): void => void remove(`/api/audit/exports/${id}`).then(onChange, onChange);
  return (
    <tr>
      <td>
        <Time at={started} decimals={0} />
      </td>
      <td>{by}</td>
      <th scope="row" class="filter-cell">
        <span class="mono">{filter === "" ? S.exports.everything : shortTokens(filter)}</span>
        <div class="muted">{[S.exports.formats[format], ...(purpose === null ? [] : [purpose])].join(" · ")}</div>
      </th>
      <td class="state-cell">
        <State made={made} />
      </td>
      <td>{file && <File id={id} file={file} />}</td>
      <td>
        {(state === "running" || file) && (
          <button type="button" onClick={act}>
            {state === "running" ? S.exports.cancel : S.exports.remove}
          </button>
        )}
      </td>
    </tr>
  );
};

const MARKS: Readonly<Record<Export["state"], Mark>> = {
  running: "none",
  done: "good",
  failed: "bad",
  cancelled: "none",
};

const State = ({ made: { state, progress, found, error, format } }: { readonly made: Export }) => {
  if (state === "running")
    return (
      <JobProgress label={S.exports.states.running} {...progress} says={S.exports.progress(percentOf(progress))} />
    );
  const sentences = [
    ...(error === null ? [] : [error]),
    ...(found
      ? [S.exports.found(found.matching, found.entries, format === "bundle" || format === "case"), ...found.warnings]
      : []),
    ...(found?.not_covered ?? []),
  ];
  return (
    <>
      <Verdict mark={MARKS[state]}>{S.exports.states[state]}</Verdict>
      {found && found.complete !== null && (
        <>
          {" "}
          <Verdict mark={found.complete ? "good" : "bad"}>
            {found.complete ? S.exports.complete : S.exports.notComplete}
          </Verdict>
        </>
      )}
      {sentences.map((each) => (
        <div key={each} class="muted">
          {each}
        </div>
      ))}
    </>
  );
};

type FileProps = { readonly id: string; readonly file: NonNullable<Export["file"]> };

const File = ({ id, file: { name, bytes: size, sha256, expires } }: FileProps) => {
  const path = `/api/audit/exports/${id}/file`;
  return (
    <>
      {person()?.via === "session" ? (
        <a href={path} download={name}>
          {S.exports.download}
        </a>
      ) : (
        <button type="button" onClick={() => void save(path, name)}>
          {S.exports.download}
        </button>
      )}{" "}
      <span class="number">{bytes(size)}</span>
      <div class="muted" title={S.exports.sha(sha256)}>
        {S.exports.until(longTime(expires, true))}
      </div>
    </>
  );
};

/** A link cannot send the admin token, which is in this page's memory only. */
const save = async (path: string, name: string): Promise<void> => {
  const response = await send("GET", path);
  const link = document.createElement("a");
  link.href = URL.createObjectURL(await response.blob());
  link.download = name;
  link.click();
  URL.revokeObjectURL(link.href);
};
