/** Tenants with the numbers of the last minute. */
import type { TenantRow } from "../../admin/api/now-schema.ts";
import { hrefOf } from "../router.ts";
import { person } from "../session.ts";
import { S } from "../strings.ts";
import { spanOf } from "../time.ts";
import { Spark } from "./chart/spark.tsx";
import { shortNumber } from "./chart/values.ts";
import { TableFrame } from "./data/table-frame.tsx";

type Props = { readonly tenants: readonly TenantRow[]; readonly caption: string; readonly full?: boolean };

export const tenantHref = ({ dbid, upstream }: Pick<TenantRow, "dbid" | "upstream">): string =>
  hrefOf(`/tenants/${dbid}`, { upstream });

export const TenantTable = ({ tenants, caption, full = false }: Props) => {
  const seesAll = person()?.tenants === "all";
  return (
    <TableFrame label={caption}>
      <table class="plain-table tenant-table">
        <caption class="visually-hidden">{caption}</caption>
        <thead>
          <tr>
            <th scope="col">{S.tenants.name}</th>
            {full && (
              <>
                <th scope="col" class="right">
                  {S.tenants.dbid}
                </th>
                <th scope="col">{S.tenants.upstream}</th>
              </>
            )}
            <th scope="col">{S.tenants.mode}</th>
            <th scope="col" class="right">
              {S.tenants.rate}
            </th>
            <th scope="col">{S.tenants.hour}</th>
            <th scope="col" class="right">
              {S.tenants.refused}
            </th>
            <th scope="col" class="right">
              {S.tenants.noAnswer}
            </th>
            <th scope="col" class="right">
              {S.tenants.queue}
            </th>
            <th scope="col" class="right">
              {seesAll ? S.tenants.lanes : S.tenants.ownLanes}
            </th>
            <th scope="col" class="right">
              {S.tenants.waiting}
            </th>
          </tr>
        </thead>
        <tbody>
          {tenants.map((row) => (
            <Row key={`${row.dbid} ${row.upstream}`} row={row} full={full} />
          ))}
        </tbody>
      </table>
    </TableFrame>
  );
};

const Row = ({ row, full }: { readonly row: TenantRow; readonly full: boolean }) => {
  const { name, dbid, upstream, mode, rates, spark, queue_p95_ms, waiting } = row;
  const all = rates.ok + rates.ocs_no + rates.refused + rates.no_answer;
  return (
    <tr>
      <th scope="row" class="tenant-name">
        <a href={tenantHref(row)}>{name}</a>
      </th>
      {full && (
        <>
          <td class="number right">{dbid}</td>
          <td>{upstream}</td>
        </>
      )}
      <td class={mode === "observe" ? "hue-observe" : "muted"}>{S.tenants.modes[mode]}</td>
      <td class="number right">{shortNumber(all)}</td>
      <td>
        <Spark values={spark} />
      </td>
      <td class={`number right ${rates.refused > 0 ? "hue-refused" : "muted"}`}>{shortNumber(rates.refused)}</td>
      <td class={`number right ${rates.no_answer > 0 ? "hue-unknown" : "muted"}`}>{shortNumber(rates.no_answer)}</td>
      <td class="number right">{queue_p95_ms === null ? S.chart.unknown : spanOf(queue_p95_ms)}</td>
      <td class="number right">{lanesOf(row)}</td>
      <td class={`number right ${waiting > 0 ? "" : "muted"}`}>{waiting.toLocaleString("en")}</td>
    </tr>
  );
};

const lanesOf = ({ lanes_used, lanes_entitled, lanes_max }: TenantRow): string =>
  [lanes_used, ...(lanes_entitled === null ? [] : [lanes_entitled]), lanes_max].map(shortNumber).join(" / ");
