/** Do-Not-Calls that OCS has not confirmed, oldest first, and the ledger of a month. */
import { useState } from "preact/hooks";
import type { Ledger, OpenDncs } from "../../../admin/api/dnc/dnc.ts";
import { get } from "../../api.ts";
import { useLoaded } from "../../load.ts";
import { whole } from "../../parts/data/numbers.ts";
import { Empty, ErrorStrip, Skeleton, Strip } from "../../parts/states.tsx";
import { address } from "../../router.ts";
import { S } from "../../strings.ts";
import { spanOf } from "../../time.ts";
import { LedgerPart, thisMonth } from "./ledger.tsx";
import { NoteDialog } from "./note-dialog.tsx";
import { OpenTable, type OpenItem } from "./open-table.tsx";
import "../evidence.css";

const OPEN_MS = 15_000;
const LEDGER_MS = 60_000;

export const DncPage = () => {
  const { month = thisMonth() } = address.value.query;
  const open = useLoaded("open", (signal) => get<OpenDncs>("/api/dnc/open", undefined, signal), { every: OPEN_MS });
  const ledger = useLoaded(month, (signal) => get<Ledger>("/api/dnc/ledger", { month }, signal), { every: LEDGER_MS });
  const [noting, setNoting] = useState<OpenItem>();
  return (
    <div class="evidence-page">
      {open.error !== undefined && <ErrorStrip error={open.error} retry={open.again} />}
      {open.value ? (
        <>
          <Numbers open={open.value} ledger={ledger.value} />
          <Open open={open.value} onNote={setNoting} />
        </>
      ) : (
        open.error === undefined && <Skeleton rows={6} />
      )}
      {ledger.error !== undefined && <ErrorStrip error={ledger.error} retry={ledger.again} />}
      <LedgerPart month={month} ledger={ledger.value} />
      {noting && <NoteDialog item={noting} onClose={() => setNoting(undefined)} onSaved={open.again} />}
    </div>
  );
};

type NumbersProps = { readonly open: OpenDncs; readonly ledger: Ledger | undefined };

const Numbers = ({ open, ledger }: NumbersProps) => {
  const sum = (of: "asked" | "confirmed"): string =>
    ledger ? whole(ledger.rows.reduce((all, row) => all + row[of], 0)) : S.chart.unknown;
  const [oldest] = open.open;
  return (
    <dl class="numbers">
      <div>
        <dt>{S.dnc.open}</dt>
        <dd class={`number ${open.total > open.handled ? "hue-refused" : ""}`}>{whole(open.total)}</dd>
      </div>
      <div>
        <dt>{S.dnc.handled}</dt>
        <dd class="number">{whole(open.handled)}</dd>
      </div>
      {oldest && (
        <div>
          <dt>{S.dnc.oldest}</dt>
          <dd class="number">{spanOf(oldest.age)}</dd>
        </div>
      )}
      <div>
        <dt>{S.dnc.asked}</dt>
        <dd class="number">{sum("asked")}</dd>
      </div>
      <div>
        <dt>{S.dnc.confirmed}</dt>
        <dd class="number">{sum("confirmed")}</dd>
      </div>
    </dl>
  );
};

type OpenProps = { readonly open: OpenDncs; readonly onNote: (item: OpenItem) => void };

const Open = ({ open: { open, total, handled, complete, not_covered }, onNote }: OpenProps) => {
  const [isHiding, setHiding] = useState(false);
  const shown = isHiding ? open.filter((each) => each.handled === null) : open;
  return (
    <>
      {!complete && (
        <Strip kind="warning">
          <p>{S.dnc.notComplete}</p>
          <ul class="reasons">
            {not_covered.map((each) => (
              <li key={each}>{each}</li>
            ))}
          </ul>
        </Strip>
      )}
      <section class="evidence-part" aria-labelledby="open">
        <div class="part-head">
          <h2 id="open">{S.dnc.open}</h2>
          {handled > 0 && (
            <label class="check">
              <input type="checkbox" checked={isHiding} onChange={() => setHiding(!isHiding)} />
              {S.dnc.hide}
            </label>
          )}
        </div>
        <p class="muted">{S.dnc.openHelp}</p>
        {total > open.length && <p>{S.dnc.left(open.length, total)}</p>}
        {isHiding && <p class="muted">{S.dnc.hidden(handled)}</p>}
        {total === 0 ? <NothingOpen isComplete={complete} /> : <OpenTable items={shown} onNote={onNote} />}
      </section>
    </>
  );
};

const NothingOpen = ({ isComplete }: { readonly isComplete: boolean }) => (
  <Empty title={isComplete ? S.dnc.none : S.dnc.noneReadable}>
    <p>{S.dnc.noneHelp}</p>
  </Empty>
);
