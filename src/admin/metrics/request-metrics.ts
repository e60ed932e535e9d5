/** Metrics of requests: who answered them, why they were refused, where their time goes. */
import { PHASES } from "../counters.ts";
import { flag, single, type Rows } from "./exposition.ts";
import type { MetricRow, Sources } from "./sources.ts";

/** A limit is listed once this part of it is used. */
const NEAR = 0.5;

export const REQUEST_METRICS: readonly MetricRow[] = [
  {
    name: "ocsgw_requests_total",
    type: "counter",
    help: "Requests by tenant, action, who answered (origin) and status class.",
    rows: function* ({ counts }) {
      for (const { count, ...labels } of counts.requests()) yield [labels, count];
    },
  },
  {
    name: "ocsgw_refusals_total",
    type: "counter",
    help:
      "Requests that the gateway refused, by code. Requests that were sent and got no answer are in " +
      "ocsgw_no_answer_total.",
    rows: function* ({ counts }) {
      for (const { count, ...labels } of counts.refusals()) yield [labels, count];
    },
  },
  {
    name: "ocsgw_no_answer_total",
    type: "counter",
    help: "Requests that were sent to OCS and got no complete answer, by code. OCS may have carried them out.",
    rows: function* ({ counts }) {
      for (const { count, ...labels } of counts.noAnswers()) yield [labels, count];
    },
  },
  {
    name: "ocsgw_auth_failures_total",
    type: "counter",
    help: "Requests without a valid credential, by reason. The journal has the details of each.",
    rows: function* ({ counts }) {
      for (const [reason, count] of counts.authFailures) yield [{ reason }, count];
    },
  },
  {
    name: "ocsgw_would_refuse_total",
    type: "counter",
    help: "Requests of tenants in observe mode that enforcement would have refused, by code.",
    rows: function* ({ counts }) {
      for (const { count, ...labels } of counts.wouldRefuse()) yield [labels, count];
    },
  },
  {
    name: "ocsgw_idempotency_total",
    type: "counter",
    help:
      "Requests with an Idempotency-Key: the first with their key, repeats that got its reply (replayed), came while " +
      "it was running or differ from it (reused), and those whose key could not be kept (refused).",
    rows: function* ({ counts }) {
      for (const [result, count] of counts.keys) yield [{ result }, count];
    },
  },
  {
    name: "ocsgw_phase_seconds",
    type: "histogram",
    help: "Time that requests spend in each phase.",
    rows: ({ counts: { phases } }) => PHASES.map((phase) => [{ phase }, phases[phase]]),
  },
  {
    name: "ocsgw_requests_in_doubt",
    type: "gauge",
    help: "Requests of earlier runs without a recorded outcome, found at this start. The journal has their ids.",
    rows: ({ inDoubt }) => single(inDoubt),
  },
  {
    name: "ocsgw_limit_used_ratio",
    type: "gauge",
    help: "Used part of a rate limit, or of a tenant's queue (limit=queue), from 0 to 1. Absent below 0.5.",
    rows: limitsNearTheirEnd,
  },
  {
    name: "ocsgw_limits_shared",
    type: "gauge",
    help:
      "Where gateways share a database: 0 while it does not answer, and this gateway counts rate limits alone, with " +
      "its part of each.",
    rows: ({ limitLeases }) => single(limitLeases && flag(limitLeases().isShared)),
  },
  {
    name: "ocsgw_limit_points_in_hand",
    type: "gauge",
    help: "Points of shared rate limits that this gateway has taken for the next 100 ms.",
    rows: ({ limitLeases }) => single(limitLeases?.().inHand),
  },
  {
    name: "ocsgw_limit_statements_total",
    type: "counter",
    help: "Statements on shared rate limits: at most 10 a second for limits in use, and 100 for requests that wait.",
    rows: ({ limitLeases }) => single(limitLeases?.().statements),
  },
];

/** A queue that is full now counts as a limit. */
function* limitsNearTheirEnd({ limits, queueMax, upstreams }: Sources): Rows {
  for (const { tenant, limit, used } of limits?.() ?? []) if (used >= NEAR) yield [{ tenant, limit }, used];
  for (const { name, queue } of upstreams()) {
    const max = queueMax?.(name);
    if (max === undefined) continue;
    for (const { tenant, waiting } of queue)
      if (waiting >= NEAR * max) yield [{ tenant, limit: "queue" }, Math.min(1, waiting / max)];
  }
}
