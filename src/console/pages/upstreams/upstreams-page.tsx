/** Each OCS: which address takes requests, what its lanes do, which requests wait, and when it was taken over. */
import { useEffect, useMemo } from "preact/hooks";
import type { Upstreams } from "../../../admin/api/now-schema.ts";
import { get } from "../../api.ts";
import { handleKeys } from "../../keys.ts";
import { useLoaded } from "../../load.ts";
import { Chart } from "../../parts/chart/chart.tsx";
import { ChartTools, isTableView, stepOf, toggleTables } from "../../parts/chart/tools.tsx";
import { LaneTable } from "../../parts/lane-table.tsx";
import { Empty, ErrorStrip, Skeleton } from "../../parts/states.tsx";
import { Time } from "../../parts/time.tsx";
import { WaitingList } from "../../parts/waiting-list.tsx";
import { address, hrefOf } from "../../router.ts";
import { S } from "../../strings.ts";
import { spanOf } from "../../time.ts";
import { chartsOf } from "./charts.ts";
import { TableFrame } from "../../parts/data/table-frame.tsx";
import "./upstreams.css";

const EVERY_MS = 5000;

type Upstream = Upstreams["upstreams"][number];

export const UpstreamsPage = () => {
  const step = stepOf(address.value.query);
  const { value, error, again } = useLoaded(step, (signal) => get<Upstreams>("/api/upstreams", { step }, signal), {
    every: EVERY_MS,
  });
  useEffect(() => handleKeys({ "as-table": toggleTables }), []);
  return (
    <div class="upstreams-page">
      {error !== undefined && <ErrorStrip error={error} retry={again} />}
      {value
        ? value.upstreams.map((each) => <Section key={each.name} upstream={each} />)
        : error === undefined && <Skeleton rows={12} />}
      {value?.upstreams.length === 0 && (
        <Empty title={S.upstreams.none}>
          <p>{S.upstreams.noneHelp}</p>
        </Empty>
      )}
    </div>
  );
};

const Section = ({ upstream }: { readonly upstream: Upstream }) => {
  const { name, connections, lane_isolation, queue, epoch, lanes, waiting, series } = upstream;
  return (
    <section class="upstream" aria-labelledby={`upstream-${name}`}>
      <div class="upstream-head">
        <h2 id={`upstream-${name}`}>{name}</h2>
        <span class="muted">
          {S.upstreams.facts(connections, S.upstreams.isolation[lane_isolation], queue.max, spanOf(queue.max_wait_ms))}
          {", "}
          {S.upstreams.epoch(epoch)}
        </span>
      </div>
      <div class="upstream-grid">
        <div>
          <h3>{S.upstreams.endpoints}</h3>
          <Endpoints endpoints={upstream.endpoints} name={name} />
          <h3>{S.upstreams.lanes}</h3>
          <LaneTable lanes={lanes} caption={S.now.lanes(name)} empty={S.now.noLanes} />
        </div>
        <div>
          <h3>{S.upstreams.waiting}</h3>
          <WaitingList waiting={waiting} />
          <h3>{S.upstreams.switchovers}</h3>
          <Switchovers upstream={upstream} />
          <h3>{S.upstreams.certificates}</h3>
          <Certificates certificates={upstream.certificates} name={name} />
        </div>
      </div>
      {series ? <Charts upstream={upstream} series={series} /> : <p class="muted">{S.upstreams.ownTenants}</p>}
    </section>
  );
};

type Named<Key extends keyof Upstream> = Pick<Upstream, Key> & { readonly name: string };

const Endpoints = ({ endpoints, name }: Named<"endpoints">) => (
  <TableFrame label={`${S.upstreams.endpoints}: ${name}`}>
    <table class="plain-table">
      <caption class="visually-hidden">{S.upstreams.endpoints}</caption>
      <thead>
        <tr>
          <th scope="col">{S.upstreams.role}</th>
          <th scope="col">{S.upstreams.address}</th>
          <th scope="col">{S.upstreams.state}</th>
        </tr>
      </thead>
      <tbody>
        {endpoints.map((each) => (
          <tr key={each.endpoint}>
            <th scope="row">{S.upstreams.roles[each.role]}</th>
            <td class="mono">{each.endpoint}</td>
            <td class={stateHue(each)}>{stateOf(each)}</td>
          </tr>
        ))}
      </tbody>
    </table>
  </TableFrame>
);

type Endpoint = Upstream["endpoints"][number];

const stateOf = ({ active, up, standby }: Endpoint): string => {
  if (active) return up ? S.upstreams.serves : S.upstreams.away;
  return standby ? S.upstreams.standby(standby.seen, standby.healthy) : S.upstreams.unprobed;
};

const stateHue = ({ active, up, standby }: Endpoint): string => {
  if (active) return up ? "hue-ok" : "hue-refused";
  return standby?.healthy === false ? "hue-refused" : "muted";
};

const Switchovers = ({ upstream: { name, switchovers } }: { readonly upstream: Upstream }) => (
  <>
    {switchovers.length === 0 ? (
      <p class="muted">{S.upstreams.noSwitchovers}</p>
    ) : (
      <TableFrame label={`${S.upstreams.switchovers}: ${name}`}>
        <table class="plain-table">
          <caption class="visually-hidden">{S.upstreams.switchovers}</caption>
          <thead>
            <tr>
              <th scope="col">{S.upstreams.time}</th>
              <th scope="col">{S.upstreams.to}</th>
              <th scope="col" class="right">
                {S.upstreams.newRun}
              </th>
              <th scope="col">{S.upstreams.why}</th>
            </tr>
          </thead>
          <tbody>
            {switchovers.map(({ time, to, epoch, reason }) => (
              <tr key={`${time} ${epoch}`}>
                <td>
                  <Time at={time} decimals={0} />
                </td>
                <td class="mono">{to ?? S.chart.unknown}</td>
                <td class="number right">{epoch}</td>
                <td class="wide">{reason ?? ""}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </TableFrame>
    )}
    <p>
      <a href={hrefOf("/flows", { filter: `kind:switchover upstream:${name}` })}>{S.upstreams.olderSwitchovers}</a>
    </p>
  </>
);

const Certificates = ({ certificates, name }: Named<"certificates">) =>
  certificates.length === 0 ? (
    <p class="muted">{S.upstreams.noCertificates}</p>
  ) : (
    <TableFrame label={`${S.upstreams.certificates}: ${name}`}>
      <table class="plain-table">
        <caption class="visually-hidden">{S.upstreams.certificates}</caption>
        <thead>
          <tr>
            <th scope="col">{S.upstreams.file}</th>
            <th scope="col">{S.upstreams.ends}</th>
          </tr>
        </thead>
        <tbody>
          {certificates.map(({ what, ends, warn }) => (
            <tr key={what}>
              <th scope="row">{what}</th>
              <td class={warn ? "hue-refused" : ""}>
                <Time at={ends} long />{" "}
                {warn && (Date.parse(ends) <= Date.now() ? S.upstreams.ended : S.upstreams.soon)}
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </TableFrame>
  );

type ChartsProps = { readonly upstream: Upstream; readonly series: NonNullable<Upstream["series"]> };

const Charts = ({ upstream, series }: ChartsProps) => {
  const charts = useMemo(() => chartsOf(upstream, series), [upstream, series]);
  const asTable = isTableView(address.value.query);
  return (
    <>
      <div class="part-head">
        <h3>{S.upstreams.charts}</h3>
        <ChartTools />
      </div>
      <div class="charts">
        {charts.map((chart) => (
          <Chart key={chart.title} {...chart} asTable={asTable} />
        ))}
      </div>
    </>
  );
};
