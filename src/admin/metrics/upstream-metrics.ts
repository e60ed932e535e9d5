/** Metrics of OCS: connections, queues, switchovers, standbys, record handles, callbacks. */
import { flag, type Labels, type Rows } from "./exposition.ts";
import type { MetricRow, Sources } from "./sources.ts";
import type { QueueState, StandbyState, UpstreamState } from "../status.ts";

const LANE_STATES = ["idle", "connecting", "busy", "ready"] as const;

export const UPSTREAM_METRICS: readonly MetricRow[] = [
  {
    name: "ocsgw_upstream_up",
    type: "gauge",
    help: "1 when this OCS takes requests. 0 for a standby, and for an OCS that cannot be reached.",
    rows: function* ({ upstreams }) {
      for (const { name, endpoints } of upstreams())
        for (const { endpoint, role, up } of endpoints) yield [{ upstream: name, endpoint, role }, flag(up)];
    },
  },
  {
    name: "ocsgw_switchovers_total",
    type: "counter",
    help: "Times that all record handles became invalid because the other OCS took over or OCS restarted.",
    rows: ({ counts, upstreams }) => byUpstream(upstreams(), counts.switchovers),
  },
  {
    name: "ocsgw_upstream_phase_seconds",
    type: "histogram",
    help: "Time that requests wait for a lane (queue) and for OCS's answer (ocs).",
    rows: function* ({ counts }) {
      for (const [upstream, { queue, ocs }] of counts.upstreamPhases) {
        yield [{ upstream, phase: "queue" }, queue];
        yield [{ upstream, phase: "ocs" }, ocs];
      }
    },
  },
  {
    name: "ocsgw_lanes",
    type: "gauge",
    help: "Lanes (connections to OCS) by state.",
    rows: function* ({ upstreams }) {
      for (const { name, lanes } of upstreams()) {
        for (const state of LANE_STATES)
          yield [{ upstream: name, state }, lanes.filter((lane) => lane.state === state).length];
      }
    },
  },
  {
    name: "ocsgw_lane_lease",
    type: "gauge",
    help:
      "Lanes where gateways share a database: held by this one, the total of all, and those reserved for gateways " +
      "that do not answer.",
    rows: function* ({ laneLeases }) {
      for (const { upstream, held, total, reserved } of laneLeases?.() ?? []) {
        yield [{ upstream, lanes: "held" }, held];
        yield [{ upstream, lanes: "total" }, total];
        yield [{ upstream, lanes: "reserved" }, reserved];
      }
    },
  },
  {
    name: "ocsgw_lane_leased",
    type: "gauge",
    help: "0 while the lease of lanes has ended and this gateway has only the lane that is reserved for it.",
    rows: function* ({ laneLeases }) {
      for (const { upstream, isLeased } of laneLeases?.() ?? []) yield [{ upstream }, flag(isLeased)];
    },
  },
  {
    name: "ocsgw_queue_depth",
    type: "gauge",
    help: "Requests that wait for a lane.",
    rows: (sources) => byQueue(sources, ({ waiting }) => waiting),
  },
  {
    name: "ocsgw_queue_oldest_seconds",
    type: "gauge",
    help: "How long the oldest request in the queue has waited. 0 when the queue is empty.",
    rows: (sources) => byQueue(sources, ({ oldest }) => oldest / 1000),
  },
  {
    name: "ocsgw_standby",
    type: "gauge",
    help: "1 for the result (seen) of the last probe of the standby OCS.",
    rows: function* ({ upstreams }) {
      for (const [labels, { seen }] of standbysOf(upstreams())) yield [{ ...labels, seen }, 1];
    },
  },
  {
    name: "ocsgw_standby_healthy",
    type: "gauge",
    help: "0 while the standby OCS does not behave like a healthy standby.",
    rows: function* ({ upstreams }) {
      for (const [labels, { healthy }] of standbysOf(upstreams())) yield [labels, flag(healthy)];
    },
  },
  {
    name: "ocsgw_record_handles",
    type: "gauge",
    help: "Record handles that a tenant owns.",
    rows: function* ({ handles }) {
      for (const { upstream, tenant, handles: owned } of handles?.() ?? []) yield [{ upstream, tenant }, owned];
    },
  },
  {
    name: "ocsgw_callbacks_total",
    type: "counter",
    help: "Announcements and call reports from OCS, by result.",
    rows: function* ({ counts }) {
      for (const [upstream, results] of counts.callbacks)
        for (const [result, count] of results) yield [{ upstream, result }, count];
    },
  },
  {
    name: "ocsgw_callback_seconds",
    type: "histogram",
    help: "Time from OCS's announcement or call report to the gateway's reply. OCS waits for it before it dials.",
    rows: function* ({ counts }) {
      for (const [upstream, latency] of counts.callbackLatency) yield [{ upstream }, latency];
    },
  },
  {
    name: "ocsgw_alarms_total",
    type: "counter",
    help:
      "Alarms: a record handle used by two tenants, contradictory announcements, probing for handles, or an OCS " +
      "answer that may belong to another request.",
    rows: ({ counts, upstreams }) => byUpstream(upstreams(), counts.alarms),
  },
];

/** 0 for an upstream without a count. */
function* byUpstream(upstreams: readonly UpstreamState[], counts: ReadonlyMap<string, number>): Rows {
  for (const { name } of upstreams) yield [{ upstream: name }, counts.get(name) ?? 0];
}

/** 0 for a tenant without waiting requests. */
function* byQueue({ upstreams, tenants }: Sources, valueOf: (queue: QueueState) => number): Rows {
  const queues = new Map(
    upstreams().map(({ name, queue }) => [name, new Map(queue.map((each) => [each.tenant, each]))]),
  );
  for (const { name, upstream } of tenants) {
    const queue = queues.get(upstream)?.get(name);
    yield [{ upstream, tenant: name }, queue ? valueOf(queue) : 0];
  }
}

const standbysOf = (upstreams: readonly UpstreamState[]): (readonly [Labels, StandbyState])[] =>
  upstreams.flatMap(({ name, endpoints }) =>
    endpoints.flatMap(({ endpoint, standby }) => (standby ? [[{ upstream: name, endpoint }, standby] as const] : [])),
  );
