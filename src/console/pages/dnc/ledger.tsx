/** The Do-Not-Calls of a month by tenant, and whether their numbers are complete. */
import type { Ledger } from "../../../admin/api/dnc/dnc.ts";
import { whole } from "../../parts/data/numbers.ts";
import { PlainTable } from "../../parts/data/plain-table.tsx";
import { Skeleton, Strip } from "../../parts/states.tsx";
import { Verdict, type Mark } from "../../parts/data/verdict.tsx";
import { hrefOf, setQuery } from "../../router.ts";
import { S } from "../../strings.ts";

type Row = Ledger["rows"][number];

export const thisMonth = (): string => new Date().toISOString().slice(0, 7);

const moved = (month: string, by: number): string => {
  const [year, number] = month.split("-").map(Number) as [number, number];
  return new Date(Date.UTC(year, number - 1 + by)).toISOString().slice(0, 7);
};

const lastDayOf = (month: string): string => {
  const [year, number] = month.split("-").map(Number) as [number, number];
  return new Date(Date.UTC(year, number, 0)).toISOString().slice(0, 10);
};

type Props = { readonly month: string; readonly ledger: Ledger | undefined };

export const LedgerPart = ({ month, ledger }: Props) => (
  <section class="evidence-part" aria-labelledby="ledger">
    <div class="part-head">
      <h2 id="ledger">{S.dnc.ledger}</h2>
      <Months month={month} ledger={ledger} />
    </div>
    <p class="muted">{S.dnc.ledgerHelp}</p>
    {ledger && ledger.gaps.length > 0 && <Gaps gaps={ledger.gaps} />}
    {ledger ? <Rows month={month} rows={ledger.rows} /> : <Skeleton rows={3} />}
  </section>
);

const Months = ({ month, ledger }: Props) => {
  const { first = month, last = thisMonth() } = ledger?.months ?? {};
  const show = (next: string): void => setQuery({ month: next === thisMonth() ? undefined : next });
  const filter = { filter: "action:DoNotCall", from: `${month}-01`, to: lastDayOf(month), format: "bundle" };
  return (
    <div class="toolbar-part">
      <button type="button" disabled={month <= first} onClick={() => show(moved(month, -1))}>
        {S.dnc.earlier}
      </button>
      <label class="inline-field">
        <span class="visually-hidden">{S.dnc.month}</span>
        <input
          type="month"
          value={month}
          onChange={({ currentTarget: { value } }) => /^\d{4}-\d\d$/.test(value) && show(value)}
        />
      </label>
      <button
        type="button"
        disabled={month >= (last > thisMonth() ? last : thisMonth())}
        onClick={() => show(moved(month, 1))}
      >
        {S.dnc.later}
      </button>
      <a href={hrefOf("/exports", filter)}>{S.dnc.export}</a>
    </div>
  );
};

const Gaps = ({ gaps }: Pick<Ledger, "gaps">) => (
  <Strip kind="warning">
    <p>{S.dnc.gaps}</p>
    <ul class="reasons">
      {gaps.map(({ from, to, reason }) => (
        <li key={`${from} ${to} ${reason}`}>{S.dnc.gap(from, to, reason)}</li>
      ))}
    </ul>
  </Strip>
);

const HEAD = [
  S.dnc.tenant,
  ...[
    S.dnc.requested,
    S.dnc.ok,
    S.dnc.ocsNo,
    S.dnc.notSent,
    S.dnc.accepted,
    S.dnc.unknown,
    S.dnc.repeated,
    S.dnc.stillOpen,
  ].map((says) => ({ says, right: true }) as const),
  S.dnc.sequence,
  S.dnc.isComplete,
];

const MARKS: Readonly<Record<Row["complete"], Mark>> = { yes: "good", no: "bad", unknown: "unknown" };

const Rows = ({ month, rows }: { readonly month: string; readonly rows: readonly Row[] }) =>
  rows.length === 0 ? (
    <p class="muted">{S.dnc.nothing}</p>
  ) : (
    <PlainTable caption={S.dnc.ledgerCaption(month)} head={HEAD}>
      {rows.map((row) => (
        <tr key={row.sequence ?? ""}>
          <th scope="row">{row.tenant ?? S.dnc.noTenant}</th>
          {[
            row.asked,
            row.confirmed,
            row.ocs_refused,
            row.not_sent,
            row.accepted,
            row.unknown,
            row.repeated,
            row.open,
          ].map((number, place) => (
            <td key={place} class={`number right ${number === 0 ? "muted" : ""}`}>
              {whole(number)}
            </td>
          ))}
          <td class="number">
            {row.first === null || row.last === null ? S.dnc.noNumbers : S.dnc.of(row.first, row.last)}
          </td>
          <td>
            <Verdict mark={MARKS[row.complete]}>{S.dnc.complete[row.complete]}</Verdict>
            {row.missing.length > 0 && <div class="muted">{S.dnc.missing(rangesOf(row.missing))}</div>}
          </td>
        </tr>
      ))}
    </PlainTable>
  );

const SHOWN = 5;

const rangesOf = (ranges: Row["missing"]): string => {
  const shown = ranges.slice(0, SHOWN).map(([from, to]) => (from === to ? String(from) : `${from}–${to}`));
  return [...shown, ...(ranges.length > SHOWN ? ["…"] : [])].join(", ");
};
