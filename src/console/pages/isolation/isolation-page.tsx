/** What separates the tenants, resource by resource; what does not; and the proof. */
import type { Isolation } from "../../../admin/api/evidence/isolation.ts";
import { get } from "../../api.ts";
import { useLoaded } from "../../load.ts";
import { whole } from "../../parts/data/numbers.ts";
import { PlainTable } from "../../parts/data/plain-table.tsx";
import { Verdict, type Mark } from "../../parts/data/verdict.tsx";
import { ErrorStrip, Skeleton, Strip } from "../../parts/states.tsx";
import { hrefOf } from "../../router.ts";
import { S } from "../../strings.ts";
import { Proofs } from "./proofs.tsx";
import "../evidence.css";
import "./isolation.css";

const EVERY_MS = 30_000;

export const IsolationPage = () => {
  const { value, error, again } = useLoaded(
    "isolation",
    (signal) => get<Isolation>("/api/isolation", undefined, signal),
    { every: EVERY_MS },
  );
  return (
    <div class="evidence-page isolation-page">
      {error !== undefined && <ErrorStrip error={error} retry={again} />}
      {value ? (
        <>
          <Barriers isolation={value} />
          <Proofs />
        </>
      ) : (
        error === undefined && <Skeleton rows={12} />
      )}
    </div>
  );
};

type Barrier = Isolation["barriers"][number];

const MARKS: Readonly<Record<Barrier["strength"], Mark>> = {
  enforced: "good",
  alone: "none",
  off: "bad",
  outside: "unknown",
  "not-enforceable": "bad",
};

const HEAD = [
  S.isolation.resource,
  S.isolation.strength,
  S.isolation.by,
  S.isolation.gap,
  S.isolation.tenants,
  { says: S.isolation.refused, right: true },
] as const;

const Barriers = ({ isolation }: { readonly isolation: Isolation }) => {
  const { tenants, observing, barriers, floods, not_counted: failed } = isolation;
  return (
    <section class="evidence-part" aria-labelledby="barriers">
      <h2 id="barriers">{S.isolation.barriers}</h2>
      <p class="muted">{S.isolation.barriersHelp(tenants, observing)}</p>
      {failed !== null && <Strip kind="warning">{S.isolation.failed(failed)}</Strip>}
      <PlainTable caption={S.isolation.barriers} head={HEAD}>
        {barriers.map((barrier) => (
          <Row key={`${barrier.resource} ${barrier.upstreams.join(" ")} ${barrier.by}`} barrier={barrier} />
        ))}
      </PlainTable>
      {floods !== null && floods > 0 && <p class="muted">{S.isolation.floods(floods)}</p>}
    </section>
  );
};

const Row = ({ barrier }: { readonly barrier: Barrier }) => {
  const { resource, upstreams, strength, by, gap, tenants, settings, refused } = barrier;
  return (
    <tr>
      <th scope="row" class="barrier-name">
        {resource}
        {upstreams.length > 0 && <div class="muted">{S.isolation.ofUpstreams(upstreams.join(", "))}</div>}
      </th>
      <td>
        <Verdict mark={MARKS[strength]}>{S.isolation.strengths[strength]}</Verdict>
      </td>
      <td class="barrier-cell">{by}</td>
      <td class="barrier-cell">
        {gap ?? <span class="muted">{S.isolation.nothing}</span>}
        {settings.length > 0 && (
          <details>
            <summary>{S.isolation.settings}</summary>
            <ul class="reasons mono">
              {settings.map((path) => (
                <li key={path}>{path}</li>
              ))}
            </ul>
          </details>
        )}
      </td>
      <td title={tenants.names.join(", ")}>{whole(tenants.count)}</td>
      <td class="number right">
        <Refused refused={refused} resource={resource} />
      </td>
    </tr>
  );
};

const Refused = ({ refused, resource }: Pick<Barrier, "refused" | "resource">) => {
  if (refused === null) return <span class="muted">{S.isolation.notCounted}</span>;
  const { count, more, filter } = refused;
  const number = more ? S.isolation.more(whole(count)) : whole(count);
  if (count === 0) return <>{number}</>;
  return (
    <a href={hrefOf("/flows", { filter })} aria-label={S.isolation.showFlows(resource, number)}>
      {number}
    </a>
  );
};
