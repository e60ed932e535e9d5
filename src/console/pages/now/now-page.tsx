/** Is it healthy, which tenants wait, and what is refused? Asked again every two seconds. */
import { useMemo } from "preact/hooks";
import type { Connections, Now } from "../../../admin/api/now-schema.ts";
import { get } from "../../api.ts";
import { useLoaded } from "../../load.ts";
import { Chart } from "../../parts/chart/chart.tsx";
import { MarkerList } from "../../parts/chart/markers.tsx";
import { outcomeLines, wholeSteps } from "../../parts/chart/request-lines.ts";
import { shortNumber } from "../../parts/chart/values.ts";
import { LaneTable } from "../../parts/lane-table.tsx";
import { LookList } from "../../parts/look-list.tsx";
import { Empty, ErrorStrip, Skeleton } from "../../parts/states.tsx";
import { TenantTable } from "../../parts/tenant-table.tsx";
import { sumOf, WaitingList } from "../../parts/waiting-list.tsx";
import { person } from "../../session.ts";
import { S } from "../../strings.ts";
import { shortTime, spanOf } from "../../time.ts";
import "./now.css";

const EVERY_MS = 2000;
/** Lanes without a request that are listed: a few show that there is room. */
const QUIET_LANES = 4;
const SHOWN_LOOKS = 6;
const PROMQL = "sum by (origin, status_class) (rate(ocsgw_requests_total[5m]))";

export const NowPage = () => {
  const { value, error, again } = useLoaded("now", (signal) => get<Now>("/api/now", undefined, signal), {
    every: EVERY_MS,
  });
  return (
    <div class="now-page">
      {error !== undefined && <ErrorStrip error={error} retry={again} />}
      {value ? <Content now={value} /> : error === undefined && <Skeleton rows={12} />}
    </div>
  );
};

const Content = ({ now }: { readonly now: Now }) => (
  <>
    <Numbers now={now} />
    <div class="now-grid">
      <div class="now-left">
        <Hour now={now} />
        {now.upstreams.map((each) => (
          <Upstream key={each.name} connections={each} />
        ))}
      </div>
      <section class="now-look" aria-labelledby="look">
        <h2 id="look">{S.now.look}</h2>
        {now.look.length > 0 ? <LookList look={now.look} most={SHOWN_LOOKS} /> : <NothingToLookAt />}
      </section>
      <section class="now-tenants" aria-labelledby="tenants">
        <h2 id="tenants">{S.now.tenants}</h2>
        {now.tenants.length === 0 ? (
          <Empty title={S.now.noTenants}>
            <p>{S.now.noTenantsHelp}</p>
          </Empty>
        ) : (
          <TenantTable tenants={now.tenants} caption={S.tenants.caption} />
        )}
        {now.tenant_count > now.tenants.length && (
          <p>
            <a href="/tenants">{S.now.allTenants(now.tenant_count)}</a>
          </p>
        )}
      </section>
    </div>
  </>
);

const NothingToLookAt = () => (
  <div class="nothing">
    <p>{S.now.nothing}</p>
    <p class="muted">{S.now.nothingHelp}</p>
  </div>
);

const Numbers = ({ now: { rates, no_answer_10m, dnc_open, queue_p95_ms } }: { readonly now: Now }) => {
  const perSecond = (value: number): string => S.now.perSecond(shortNumber(value));
  const all = rates.ok + rates.ocs_no + rates.refused + rates.no_answer;
  const numbers: readonly (readonly [says: string, value: string, hue?: string])[] = [
    [S.now.requests, shortNumber(all)],
    [S.now.ocsNo, perSecond(rates.ocs_no), rates.ocs_no > 0 ? "hue-ocs-no" : ""],
    [S.now.refused, perSecond(rates.refused), rates.refused > 0 ? "hue-refused" : ""],
    [S.now.noAnswer, no_answer_10m.toLocaleString("en"), no_answer_10m > 0 ? "hue-unknown" : ""],
    [S.now.dncOpen, dnc_open === null ? S.chart.unknown : dnc_open.toLocaleString("en")],
    [S.now.queue, queue_p95_ms === null ? S.chart.unknown : spanOf(queue_p95_ms)],
  ];
  return (
    <dl class="numbers" aria-label={S.now.numbers}>
      {numbers.map(([says, value, hue = ""]) => (
        <div key={says}>
          <dt>{says}</dt>
          <dd class={`number ${hue}`}>{value}</dd>
        </div>
      ))}
    </dl>
  );
};

const Hour = ({ now: { series, markers, counted_since } }: { readonly now: Now }) => {
  const shown = useMemo(() => wholeSteps(series), [series]);
  const lines = useMemo(() => outcomeLines(shown), [shown]);
  return (
    <section aria-labelledby="hour">
      <h2 id="hour" class="visually-hidden">
        {S.tenants.charts}
      </h2>
      <Chart
        title={S.now.chart}
        times={shown.times}
        lines={lines}
        stacked
        markers={markers}
        format={shortNumber}
        promql={person()?.tenants === "all" ? PROMQL : undefined}
        empty={S.now.noRequests(shortTime(counted_since, true, Date.now(), 0))}
      >
        <MarkerList markers={markers} />
      </Chart>
    </section>
  );
};

const Upstream = ({ connections }: { readonly connections: Connections }) => {
  const { name, up, endpoints, lanes, waiting } = connections;
  const active = endpoints.find((each) => each.active);
  return (
    <section aria-labelledby={`lanes-${name}`}>
      <h2 id={`lanes-${name}`}>{S.now.lanes(name)}</h2>
      <p class={up ? "muted" : "hue-refused"}>
        {up && active ? S.now.active(S.upstreams.roles[active.role], active.endpoint) : S.now.down}
      </p>
      <LaneTable lanes={lanes} caption={S.now.lanes(name)} quiet={QUIET_LANES} empty={S.now.noLanes} />
      <section class="now-waiting" aria-labelledby={`waiting-${name}`}>
        <h3 id={`waiting-${name}`}>{S.now.waiting(sumOf(waiting))}</h3>
        <WaitingList waiting={waiting} />
      </section>
    </section>
  );
};
