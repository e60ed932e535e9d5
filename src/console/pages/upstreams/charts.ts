/** The charts of an OCS: what each draws, from the series of the last 60 minutes. */
import type { Series, Upstreams } from "../../../admin/api/now-schema.ts";
import type { ChartProps } from "../../parts/chart/chart.tsx";
import type { ChartMarker } from "../../parts/chart/markers.tsx";
import {
  label,
  ocsLines,
  outcomeLines,
  phaseQuery,
  queueLines,
  wasSent,
  wholeSteps,
} from "../../parts/chart/request-lines.ts";
import { shortNumber } from "../../parts/chart/values.ts";
import { S } from "../../strings.ts";
import { spanOf } from "../../time.ts";

type Upstream = Upstreams["upstreams"][number];

const markersOf = ({ name, switchovers }: Upstream, { times }: Series): readonly ChartMarker[] =>
  switchovers
    .filter(({ time }) => Date.parse(time) / 1000 >= (times[0] ?? 0))
    .map(({ time, to }) => ({ time, kind: "switchover", upstream: name, text: to ?? "" }));

export const chartsOf = (upstream: Upstream, given: Series): readonly ChartProps[] => {
  const { name, queue, connections } = upstream;
  const series = wholeSteps(given);
  const { chart, limit } = S.tenants;
  const at = label(name);
  const base = {
    times: series.times,
    markers: markersOf(upstream, series),
    format: shortNumber,
    empty: S.upstreams.empty,
    drawsZero: wasSent(series),
  };
  return [
    { ...base, title: chart.requests, stacked: true, lines: outcomeLines(series) },
    {
      ...base,
      title: chart.queue,
      format: spanOf,
      lines: queueLines(series),
      limit: { value: queue.max_wait_ms, says: limit.queue(spanOf(queue.max_wait_ms)) },
      promql: phaseQuery(name, "queue"),
    },
    { ...base, title: chart.ocs, format: spanOf, lines: ocsLines(series), promql: phaseQuery(name, "ocs") },
    {
      ...base,
      title: chart.lanes,
      lines: [{ label: S.tenants.used, values: series.lanes_used, hue: "link", pattern: "plain" }],
      limit: { value: connections, says: limit.lanes(connections) },
      promql: `ocsgw_lanes{upstream=${at},state="busy"}`,
    },
  ];
};
