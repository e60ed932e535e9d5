/** Calling lists, and the records of one of them, chain by chain. Which one is in the address. */
import type { SandboxRecords, SandboxState } from "../../../admin/schemas/sandbox.ts";
import { ApiError, get } from "../../api.ts";
import { useLoaded } from "../../load.ts";
import { Masked } from "../../parts/masked.tsx";
import { PlainTable } from "../../parts/data/plain-table.tsx";
import { ErrorStrip, Skeleton } from "../../parts/states.tsx";
import { Time } from "../../parts/time.tsx";
import { address, hrefOf, setQuery } from "../../router.ts";
import { S } from "../../strings.ts";

const T = S.sandbox;
const EVERY_MS = 5000;
const PAGE = 50;

const right = (says: string) => ({ says, right: true }) as const;

export const ListsPart = ({ lists }: Pick<SandboxState, "lists">) => {
  const { list, from = "0" } = address.value.query;
  const offset = /^\d{1,9}$/.test(from) ? Number(from) : 0;
  return (
    <section id="lists" class="evidence-part" aria-labelledby="lists-title">
      <h2 id="lists-title">{T.lists}</h2>
      <p class="muted">{T.listsHelp}</p>
      <PlainTable caption={T.lists} head={[T.name, T.tenant, T.dialedBy, right(T.records), T.byStatus]}>
        {lists.map(({ dbid, name, tenant, dialed_by, records, by_status }) => (
          <tr key={dbid}>
            <th scope="row">
              <a
                href={hrefOf("/sandbox", { list: String(dbid) })}
                aria-label={T.show(name)}
                {...(String(dbid) === list && { "aria-current": "true" as const })}
              >
                {name}
              </a>
            </th>
            <td>{tenant}</td>
            <td class="number">{dialed_by ?? T.noGroup}</td>
            <td class="number right">{records.toLocaleString("en")}</td>
            <td>{by_status.map(({ status, count }) => T.statusCount(status, count)).join(", ")}</td>
          </tr>
        ))}
      </PlainTable>
      {list === undefined || !/^\d{1,9}$/.test(list) ? (
        <p class="muted more">{T.choose}</p>
      ) : (
        <Records list={list} offset={offset} />
      )}
    </section>
  );
};

const Records = ({ list, offset }: { readonly list: string; readonly offset: number }) => {
  const { value, error, again } = useLoaded(
    `${list} ${offset}`,
    (signal) => get<SandboxRecords>(`/api/sandbox/lists/${list}/records`, { offset, limit: PAGE }, signal),
    { every: EVERY_MS },
  );
  if (error instanceof ApiError && error.status === 404) return <p class="more">{T.noList}</p>;
  return (
    <div class="more">
      {error !== undefined && <ErrorStrip error={error} retry={again} />}
      {value ? <RecordTable page={value} /> : error === undefined && <Skeleton rows={8} />}
    </div>
  );
};

const HEAD = [
  T.record,
  T.chain,
  T.phone,
  T.customer,
  T.status,
  T.type,
  T.result,
  right(T.attempts),
  T.handle,
  T.scheduled,
  T.hours,
];

const RecordTable = ({ page: { name, total, offset, records } }: { readonly page: SandboxRecords }) => {
  if (total === 0) return <p>{T.noRecords}</p>;
  const show = (from: number): void => setQuery({ from: from <= 0 ? undefined : String(from) });
  return (
    <>
      <div class="toolbar-part">
        <h3>{T.recordsOf(name)}</h3>
        <span class="number muted">{T.range(offset + 1, offset + records.length, total)}</span>
        <button type="button" disabled={offset === 0} onClick={() => show(offset - PAGE)}>
          {T.earlier}
        </button>
        <button type="button" disabled={offset + records.length >= total} onClick={() => show(offset + PAGE)}>
          {T.later}
        </button>
      </div>
      <PlainTable caption={T.recordsOf(name)} head={HEAD}>
        {records.map((record, at) => (
          <RecordRow key={record.record} record={record} isFirst={record.chain !== records[at - 1]?.chain} />
        ))}
      </PlainTable>
    </>
  );
};

type RowProps = { readonly record: SandboxRecords["records"][number]; readonly isFirst: boolean };

const RecordRow = ({ record, isFirst }: RowProps) => (
  <tr class={isFirst ? "chain-first" : "chain-next"}>
    <th scope="row" class="number">
      {record.record}
    </th>
    <td class="number">{T.placeIn(record.chain, record.place)}</td>
    <td class="mono">
      <Masked text={record.phone} />
    </td>
    <td class="mono">{record.customer === null ? T.none : <Masked text={record.customer} />}</td>
    <td>{record.status}</td>
    <td>{record.type}</td>
    <td>{record.result ?? T.none}</td>
    <td class="number right">{record.attempts}</td>
    <td class="number">{record.handle ?? T.none}</td>
    <td>{record.scheduled === null ? T.none : <Time at={record.scheduled} decimals={0} />}</td>
    <td class="number">{T.hoursOf(record.from, record.till, record.zone)}</td>
  </tr>
);
