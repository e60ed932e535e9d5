/** Traffic, limits, lanes and refusals of one tenant. */
import { useEffect, useMemo } from "preact/hooks";
import type { Tenant } from "../../../admin/api/now-schema.ts";
import { ApiError, get } from "../../api.ts";
import { handleKeys } from "../../keys.ts";
import { useLoaded } from "../../load.ts";
import { Chart } from "../../parts/chart/chart.tsx";
import { MarkerList } from "../../parts/chart/markers.tsx";
import { LaneTable } from "../../parts/lane-table.tsx";
import { LookList } from "../../parts/look-list.tsx";
import { Empty, ErrorStrip, Skeleton, Strip } from "../../parts/states.tsx";
import { ChartTools, isTableView, stepOf, toggleTables } from "../../parts/chart/tools.tsx";
import { address, hrefOf } from "../../router.ts";
import { S } from "../../strings.ts";
import { shortTime } from "../../time.ts";
import { chartsOf } from "./charts.ts";
import "./tenants.css";

const EVERY_MS = 5000;

export const TenantPage = ({ params }: { readonly params: Readonly<Record<string, string>> }) => {
  const { upstream } = address.value.query;
  const step = stepOf(address.value.query);
  const { value, error, again } = useLoaded(
    `${params["dbid"]} ${upstream} ${step}`,
    (signal) => get<Tenant>(`/api/tenants/${encodeURIComponent(params["dbid"]!)}`, { upstream, step }, signal),
    { every: EVERY_MS },
  );
  useEffect(() => handleKeys({ "as-table": toggleTables }), []);
  if (error instanceof ApiError && error.status === 404)
    return (
      <Empty title={S.tenants.unknown}>
        <p>{S.tenants.unknownHelp}</p>
        <p>
          <a href="/tenants">{S.tenants.back}</a>
        </p>
      </Empty>
    );
  return (
    <div class="tenant-page">
      {error !== undefined && <ErrorStrip error={error} retry={again} />}
      {value ? <Content value={value} /> : error === undefined && <Skeleton rows={12} />}
    </div>
  );
};

const Content = ({ value }: { readonly value: Tenant }) => {
  const charts = useMemo(() => chartsOf(value), [value]);
  const asTable = isTableView(address.value.query);
  return (
    <>
      <Head value={value} />
      {value.tenant.mode === "observe" && <Observing value={value} />}
      {value.look.length > 0 && (
        <section class="tenant-part" aria-labelledby="look">
          <h2 id="look">{S.now.look}</h2>
          <LookList look={value.look} />
        </section>
      )}
      <section class="tenant-part" aria-labelledby="charts">
        <div class="part-head">
          <h2 id="charts">{S.tenants.charts}</h2>
          <ChartTools />
        </div>
        <MarkerList markers={value.markers} />
        <div class="charts">
          {charts.map((chart) => (
            <Chart key={chart.title} {...chart} asTable={asTable} />
          ))}
        </div>
      </section>
      <section class="tenant-part" aria-labelledby="lanes">
        <h2 id="lanes">{S.tenants.lanesNow}</h2>
        <LaneTable lanes={value.lanes} caption={S.tenants.lanesNow} hidesTenant empty={S.tenants.noLanes} />
      </section>
      <div class="tenant-columns">
        <Limits limits={value.limits} />
        <Clients clients={value.clients} />
      </div>
    </>
  );
};

const Head = ({ value: { tenant, objects } }: { readonly value: Tenant }) => {
  const { name, dbid, upstream, mode, records, share } = tenant;
  const facts: readonly (readonly [says: string, value: string])[] = [
    [S.tenants.dbid, String(dbid)],
    [S.tenants.upstream, upstream],
    [S.tenants.mode, S.tenants.modes[mode]],
    [S.tenants.records, S.tenants.recordsModes[records] ?? records],
    [S.tenants.share, String(share)],
  ];
  return (
    <div class="tenant-head">
      <nav aria-label={S.tenants.back}>
        <a href="/tenants">‹ {S.tenants.back}</a>
      </nav>
      <h2>{name}</h2>
      <dl class="facts">
        {facts.map(([says, fact]) => (
          <div key={says}>
            <dt>{says}</dt>
            <dd>{fact}</dd>
          </div>
        ))}
      </dl>
      <span class="muted">{S.tenants.objects(objects.campaigns, objects.campaign_groups, objects.lists)}</span>
      <a href={hrefOf("/flows", { filter: `tenant:${dbid}` })}>{S.tenants.flows}</a>
    </div>
  );
};

const Observing = ({ value: { tenant, series, counted_since } }: { readonly value: Tenant }) => {
  const number = series.would_refuse.reduce((sum, each) => sum + each, 0);
  const hourAgo = new Date(Date.now() - 3_600_000).toISOString();
  const since = counted_since > hourAgo ? counted_since : hourAgo;
  return (
    <Strip kind="observe">
      {S.tenants.observing(number, shortTime(since, true, Date.now(), 0))} {S.tenants.observeHelp(tenant.name)}
    </Strip>
  );
};

const Limits = ({ limits }: Pick<Tenant, "limits">) => (
  <section class="tenant-part" aria-labelledby="limits">
    <h2 id="limits">{S.tenants.limits}</h2>
    {limits.length === 0 ? (
      <p class="muted">{S.tenants.noLimits}</p>
    ) : (
      <table class="plain-table">
        <caption class="visually-hidden">{S.tenants.limits}</caption>
        <thead>
          <tr>
            <th scope="col">{S.tenants.limitName}</th>
            <th scope="col">{S.tenants.allowed}</th>
            <th scope="col" class="right">
              {S.tenants.usedNow}
            </th>
          </tr>
        </thead>
        <tbody>
          {limits.map(({ name, points, window_s, used }) => (
            <tr key={name}>
              <th scope="row">{name}</th>
              <td class="number">{S.tenants.inWindow(points, Math.ceil(window_s))}</td>
              <td class={`number right ${used >= 1 ? "hue-refused" : ""}`}>
                <meter min={0} max={1} high={0.8} value={used} aria-label={S.tenants.usedNow} />{" "}
                {Math.round(used * 100)} %
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    )}
  </section>
);

const Clients = ({ clients }: Pick<Tenant, "clients">) => (
  <section class="tenant-part" aria-labelledby="clients">
    <h2 id="clients">{S.tenants.clients}</h2>
    {clients.length === 0 ? (
      <p class="muted">{S.tenants.noClients}</p>
    ) : (
      <table class="plain-table">
        <caption class="visually-hidden">{S.tenants.clients}</caption>
        <thead>
          <tr>
            <th scope="col">{S.tenants.client}</th>
            <th scope="col">{S.tenants.actions}</th>
          </tr>
        </thead>
        <tbody>
          {clients.map(({ name, actions }) => (
            <tr key={name}>
              <th scope="row">{name}</th>
              <td class="wide">{actions.join(", ")}</td>
            </tr>
          ))}
        </tbody>
      </table>
    )}
  </section>
);
