/** Who could reach what of whom: one cell for each pair of tenants, and the same counted by resource. */
import type { ProofReport } from "../../../admin/api/evidence/isolation-proofs.ts";
import { whole } from "../../parts/data/numbers.ts";
import { PlainTable } from "../../parts/data/plain-table.tsx";
import { Verdict } from "../../parts/data/verdict.tsx";
import { S } from "../../strings.ts";
import { totalOf, totalsByResource, type Total } from "./totals.ts";

type Props = { readonly report: ProofReport };

export const Matrix = ({ report }: Props) =>
  report.pairs.length === 0 ? null : (
    <>
      <h3>{S.isolation.matrix}</h3>
      <p class="muted">{S.isolation.matrixHelp}</p>
      <PlainTable
        caption={S.isolation.matrix}
        head={[S.isolation.asks, ...report.tenants.map(({ name, dbid }) => labelOf(report, { name, dbid }))]}
      >
        {report.tenants.map((tenant, from) => (
          <tr key={from}>
            <th scope="row">{labelOf(report, tenant)}</th>
            {report.tenants.map((_other, to) => (
              <td key={to}>
                {from === to ? (
                  <span class="muted">{S.isolation.self}</span>
                ) : (
                  <Cell total={totalOf(report, from, to)} />
                )}
              </td>
            ))}
          </tr>
        ))}
      </PlainTable>
    </>
  );

/** Tenants of two OCSs may have one name. */
const labelOf = ({ tenants }: ProofReport, { name, dbid }: ProofReport["tenants"][number]): string =>
  tenants.filter((each) => each.name === name).length > 1 ? `${name} (${dbid})` : name;

const Cell = ({ total: { passed, failed, open } }: { readonly total: Total }) => (
  <>
    {failed > 0 ? (
      <Verdict mark="bad">{S.isolation.broken(whole(failed), whole(passed + failed))}</Verdict>
    ) : (
      passed > 0 && <Verdict mark="good">{S.isolation.passed(whole(passed))}</Verdict>
    )}
    {open > 0 && (
      <div>
        <Verdict mark="unknown">{S.isolation.open}</Verdict>
      </div>
    )}
  </>
);

const HEAD = [
  S.isolation.resource,
  { says: S.isolation.count, right: true },
  { says: S.isolation.failedCount, right: true },
  { says: S.isolation.openCount, right: true },
] as const;

export const ByResource = ({ report }: Props) =>
  report.pairs.length === 0 ? null : (
    <>
      <h3>{S.isolation.byResource}</h3>
      <PlainTable caption={S.isolation.byResource} head={HEAD}>
        {totalsByResource(report).map(([resource, { passed, failed, open }]) => (
          <tr key={resource}>
            <th scope="row">{S.isolation.resources[resource]}</th>
            <td class="number right">{whole(passed)}</td>
            <td class="number right">{failed > 0 ? <Verdict mark="bad">{whole(failed)}</Verdict> : whole(failed)}</td>
            <td class="number right">{whole(open)}</td>
          </tr>
        ))}
      </PlainTable>
    </>
  );
