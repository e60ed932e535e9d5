/** The charts of a tenant: what each draws, from the series of the last 60 minutes. */
import type { Marker, Tenant } from "../../../admin/api/now-schema.ts";
import type { ChartProps } from "../../parts/chart/chart.tsx";
import {
  codeLines,
  label,
  ocsLines,
  outcomeLines,
  phaseQuery,
  queueLines,
  ratesIn,
  wasSent,
  wholeSteps,
} from "../../parts/chart/request-lines.ts";
import { shortNumber } from "../../parts/chart/values.ts";
import { S } from "../../strings.ts";
import { shortTime, spanOf } from "../../time.ts";

const { chart, empty, limit } = S.tenants;

export const chartsOf = (value: Tenant): readonly ChartProps[] => {
  const { tenant, queue, markers, counted_since, probing_per_minute } = value;
  const series = wholeSteps(value.series);
  const [name, upstream] = [label(tenant.name), label(tenant.upstream)];
  const base = { times: series.times, markers, format: shortNumber };
  const inMs = { ...base, format: spanOf };
  const always = <Value>(what: Value): Value[] => series.times.map(() => what);
  return [
    {
      ...base,
      title: chart.requests,
      stacked: true,
      lines: outcomeLines(series),
      promql: `sum by (origin, status_class) (rate(ocsgw_requests_total{tenant=${name}}[5m]))`,
      empty: empty.requests(shortTime(counted_since, true, Date.now(), 0)),
    },
    {
      ...inMs,
      title: chart.queue,
      lines: queueLines(series),
      limit: { value: queue.max_wait_ms, says: limit.queue(spanOf(queue.max_wait_ms)) },
      promql: phaseQuery(tenant.upstream, "queue"),
      empty: empty.queue,
    },
    {
      ...inMs,
      title: chart.ocs,
      lines: ocsLines(series),
      promql: phaseQuery(tenant.upstream, "ocs"),
      empty: empty.ocs,
    },
    {
      ...base,
      title: chart.lanes,
      lines: [
        { label: S.tenants.used, values: series.lanes_used, hue: "link", pattern: "plain" },
        ...(tenant.lanes_entitled === null
          ? []
          : [
              {
                label: S.tenants.entitled,
                values: always(tenant.lanes_entitled),
                hue: "text-muted" as const,
                dash: "dashed" as const,
              },
            ]),
      ],
      limit: { value: tenant.lanes_max, says: limit.lanes(tenant.lanes_max) },
      promql: `ocsgw_lanes{upstream=${upstream},state="busy"}`,
      empty: empty.lanes,
      drawsZero: wasSent(series),
    },
    {
      ...base,
      title: chart.refusals,
      lines: codeLines(series, "refused", tenant.dbid),
      promql: `topk(5, sum by (code) (rate(ocsgw_refusals_total{tenant=${name}}[5m]) * 60))`,
      empty: empty.refusals,
    },
    {
      ...base,
      title: chart.would,
      lines: codeLines(series, "would_refuse", tenant.dbid),
      promql: `sum by (code) (increase(ocsgw_would_refuse_total{tenant=${name}}[14d]))`,
      empty: empty.would[tenant.mode],
    },
    {
      ...base,
      title: chart.dnc,
      lines: [
        { label: S.tenants.asked, values: series.dnc_asked, hue: "link" },
        { label: S.tenants.confirmed, values: series.dnc_confirmed, hue: "ok", dash: "dashed" },
        { label: S.tenants.open, values: series.dnc_open, hue: "refused", dash: "dotted" },
      ],
      promql: `ocsgw_dnc_open{tenant=${name}}`,
      empty: empty.dnc,
    },
    {
      ...base,
      title: chart.gone,
      lines: [
        { label: S.tenants.goneLine, values: ratesIn(series.gone, series, 60), hue: "ocs-no", pattern: "rising" },
      ],
      limit: { value: probing_per_minute, says: limit.gone(probing_per_minute) },
      empty: empty.gone,
    },
  ] satisfies readonly (ChartProps & { readonly markers: readonly Marker[] })[];
};
