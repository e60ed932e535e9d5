/** Exports: a new one, the files that are there, and who exported what. */
import { useState } from "preact/hooks";
import type { AccessPage } from "../../../admin/api/evidence/access.ts";
import type { Export } from "../../../admin/api/evidence/exports.ts";
import { get } from "../../api.ts";
import { shortTokens } from "../../filter-text.ts";
import { useChange, useLoaded } from "../../load.ts";
import { PlainTable } from "../../parts/data/plain-table.tsx";
import { Empty, ErrorStrip, Skeleton } from "../../parts/states.tsx";
import { Time } from "../../parts/time.tsx";
import { person } from "../../session.ts";
import { S } from "../../strings.ts";
import { ExportForm } from "./export-form.tsx";
import { ExportTable } from "./export-table.tsx";
import "../evidence.css";

const RUNNING_MS = 1000;
const QUIET_MS = 15_000;

export const ExportsPage = () => {
  const [isRunning, setRunning] = useState(false);
  const { value, error, again } = useLoaded(
    "exports",
    async (signal) => {
      const reply = await get<{ readonly exports: readonly Export[] }>("/api/audit/exports", undefined, signal);
      setRunning(reply.exports.some(({ state }) => state === "running"));
      return reply;
    },
    { every: isRunning ? RUNNING_MS : QUIET_MS },
  );
  const ended = value?.exports.filter(({ state }) => state !== "running").map(({ id }) => id);
  return (
    <div class="evidence-page">
      <section class="evidence-part" aria-labelledby="new">
        <h2 id="new">{S.exports.title}</h2>
        <ExportForm onStarted={again} />
      </section>
      <section class="evidence-part" aria-labelledby="files">
        <h2 id="files">{S.exports.list}</h2>
        {error !== undefined && <ErrorStrip error={error} retry={again} />}
        {value ? <Files exports={value.exports} onChange={again} /> : error === undefined && <Skeleton rows={4} />}
      </section>
      {person()?.tenants === "all" && <History ended={ended?.join(" ")} />}
    </div>
  );
};

type FilesProps = { readonly exports: readonly Export[]; readonly onChange: () => void };

const Files = ({ exports, onChange }: FilesProps) =>
  exports.length === 0 ? (
    <Empty title={S.exports.none}>
      <p>{S.exports.noneHelp}</p>
    </Empty>
  ) : (
    <ExportTable exports={exports} onChange={onChange} />
  );

const SHOWN = 20;

/** `ended`: the exports of this run that are in the journal; another value when one more is. */
const History = ({ ended }: { readonly ended: string | undefined }) => {
  const { value, error, again } = useLoaded("history", (signal) =>
    get<AccessPage>("/api/access", { operation: "export", limit: SHOWN }, signal),
  );
  useChange(ended, again);
  return (
    <section class="evidence-part" aria-labelledby="history">
      <div class="part-head">
        <h2 id="history">{S.exports.history}</h2>
        <a href="/access?operation=export">{S.exports.all}</a>
      </div>
      <p class="muted">{S.exports.historyHelp}</p>
      {error !== undefined && <ErrorStrip error={error} />}
      {value?.accesses.length === 0 && <p>{S.exports.historyNone}</p>}
      {value && value.accesses.length > 0 && (
        <PlainTable caption={S.exports.history} head={[S.exports.time, S.exports.user, S.exports.query, S.exports.why]}>
          {value.accesses.map(({ index, time, user, query, purpose }) => (
            <tr key={index}>
              <td>
                <Time at={time} long />
              </td>
              <th scope="row">{user}</th>
              <td class="mono filter-cell">{query === undefined ? S.exports.everything : shortTokens(query)}</td>
              <td class="note-cell">{purpose ?? <span class="muted">{S.exports.noPurpose}</span>}</td>
            </tr>
          ))}
        </PlainTable>
      )}
    </section>
  );
};
