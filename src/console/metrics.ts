/**
 * The numbers in Prometheus' text format: a metric is a row of `METRICS`. Labels are configured names and words of ours: never a phone, a
 * handle, a customer id or an address of a client. What is not known yet is absent, and never 0.
 */
import { Registry } from "prom-client";
import { droppedLogLines } from "../events.ts";
import type { JournalStatus } from "../journal/append.ts";
import type { TenantCount } from "../journal/open-do-not-calls.ts";
import type { Certificate } from "./certificates.ts";
import { PHASES, type Counts, type Histogram } from "./counts.ts";
import { register, type Labels, type Metric, type Rows } from "./exposition.ts";
import { openDescriptors, processMetrics } from "./process-metrics.ts";
import type { HandlesState, KeySetState, QueueState, StandbyState, UpstreamState } from "./status.ts";

/** Asked anew whenever somebody reads the numbers: all of it may change. */
export type Sources = {
  readonly counts: Counts;
  readonly tenants: readonly { readonly name: string; readonly upstream: string }[];
  /** As they are at this moment. */
  readonly upstreams: () => readonly UpstreamState[];
  readonly handles?: (() => readonly HandlesState[]) | undefined;
  /** Of issuers whose keys are fetched. */
  readonly keySets?: (() => readonly KeySetState[]) | undefined;
  readonly journal: () => Pick<JournalStatus, "failed" | "failures"> & Partial<Pick<JournalStatus, "waiting" | "lag">>;
  /** Milliseconds. */
  readonly checkpointAge: () => number;
  readonly certificates: readonly Certificate[];
  readonly configHash: string;
  /** Why the config file as it is on disk is not in force. */
  readonly refused?: string | undefined;
  /** Undefined while the number is not known. */
  readonly openDoNotCalls?: (() => readonly TenantCount[] | undefined) | undefined;
  /** Bytes; undefined while they are not known. */
  readonly diskUse?:
    | (() => { readonly journal: number; readonly free: number; readonly fullInMs?: number | undefined } | undefined)
    | undefined;
  /** What witnesses and a time stamping authority said of the checkpoints. */
  readonly outside?:
    | {
        readonly witnesses: () => readonly {
          readonly witness: string;
          readonly size: number;
          readonly age: number | undefined;
          /** Why it does not cosign. */
          readonly trouble?: string | undefined;
        }[];
        readonly quorum: () => { readonly isMet: boolean; readonly size: number } | null;
        readonly timestamps: () => { readonly last: { readonly age: number } | undefined } | null;
      }
    | undefined;
  /** What was read again of the journal's old entries. */
  readonly rereading?:
    | { readonly verified: () => { readonly size: number } | undefined; readonly damage: () => readonly string[] }
    | undefined;
  readonly version?: string | undefined;
  /** Of the gateway's listeners: connections that are open now, and how many more it takes. */
  readonly connections?:
    | (() => readonly { readonly listener: string; readonly open: number; readonly left: number }[])
    | undefined;
  /** Descriptors that the process may have; undefined without a limit. */
  readonly descriptorLimit?: number | undefined;
  readonly secondPlaces?: (() => readonly PlaceState[]) | undefined;
  readonly retention?:
    | {
        /** `waits`: in words, why nothing is deleted although it may be due. `next_look`: milliseconds. */
        readonly state: () => { readonly waits: string | null; readonly next_look: number };
        /** Entries that this run deleted. */
        readonly deleted: () => number;
      }
    | undefined;
  /** Requests of earlier runs that this start found without an outcome. */
  readonly inDoubt?: number | undefined;
  /** Rate limits of which at least half is used up now: the used part, from 0 to 1. */
  readonly limits?:
    | (() => readonly { readonly tenant: string; readonly limit: string; readonly used: number }[])
    | undefined;
  /** How many requests a tenant may have waiting at an upstream. */
  readonly queueMax?: ((upstream: string) => number | undefined) | undefined;
};

/** A second place of the checkpoints. */
export type PlaceState = {
  /** As it stands in the config. */
  readonly place: string;
  /** Undefined before the first checkpoint was brought there. */
  readonly arrives: boolean | undefined;
  /** Checkpoints that wait for it. */
  readonly waiting: number;
};

const LANE_STATES = ["idle", "connecting", "busy", "ready"] as const;
/** Of a client of several tenants that did not say for which. A tenant of that name is counted with them: a series is written once. */
const NO_TENANT = "none";
/** A limit below this is not near its end. */
const NEAR = 0.5;

/** The function that writes them. */
export const createMetrics = (sources: Sources): (() => Promise<string>) => {
  const registry = new Registry();
  register(registry, METRICS, sources);
  // The process is watched from the first time that somebody asks: a gateway whose numbers nobody reads pays for none.
  let all: Registry | undefined;
  return () => (all ??= Registry.merge([registry, processMetrics()])).metrics();
};

type Row = Metric<Sources>;

/** Without labels; nothing while it is not known. */
const single = (value: number | undefined): Rows => (value === undefined ? [] : [[{}, value]]);
const yes = (is: boolean): number => (is ? 1 : 0);

const REQUESTS: readonly Row[] = [
  {
    name: "ocsgw_requests_total",
    type: "counter",
    help: "Requests by who answered and how.",
    rows: function* ({ counts }) {
      for (const { count, ...labels } of counts.requests()) yield [labels, count];
    },
  },
  {
    name: "ocsgw_refusals_total",
    type: "counter",
    help: "Requests that the gateway refused, by code; those that were sent and got no answer are in ocsgw_no_answer_total.",
    rows: function* ({ counts }) {
      for (const { count, ...labels } of counts.refusals()) yield [labels, count];
    },
  },
  {
    name: "ocsgw_no_answer_total",
    type: "counter",
    help: "Requests that were sent to OCS and got no whole answer, by code; OCS may have carried them out.",
    rows: function* ({ counts }) {
      for (const { count, ...labels } of counts.noAnswers()) yield [labels, count];
    },
  },
  {
    name: "ocsgw_auth_failures_total",
    type: "counter",
    help: "Requests without a usable credential, by what was wrong with it; the journal says more of each.",
    rows: function* ({ counts }) {
      for (const [reason, count] of counts.authFailures) yield [{ reason }, count];
    },
  },
  {
    name: "ocsgw_would_refuse_total",
    type: "counter",
    help: "Requests of tenants with mode: observe that their policy would have refused, by code.",
    rows: function* ({ counts }) {
      for (const { count, ...labels } of counts.wouldRefuse()) yield [labels, count];
    },
  },
  {
    name: "ocsgw_phase_seconds",
    type: "histogram",
    help: "Where requests spend their time.",
    rows: ({ counts: { phases } }) => PHASES.map((phase) => [{ phase }, phases[phase]]),
  },
  {
    name: "ocsgw_requests_in_doubt",
    type: "gauge",
    help: "Requests of earlier runs that this start found without a recorded outcome; the journal has their ids.",
    rows: ({ inDoubt }) => single(inDoubt),
  },
  {
    name: "ocsgw_limit_used_ratio",
    type: "gauge",
    help: "Used part of a rate limit, and of a tenant's queue (limit=queue), from 0 to 1; absent where it is below one half.",
    rows: limitsNearTheirEnd,
  },
];

/** A queue that was full at this moment counts as a limit. */
function* limitsNearTheirEnd({ limits, queueMax, upstreams }: Sources): Rows {
  for (const { tenant, limit, used } of limits?.() ?? []) if (used >= NEAR) yield [{ tenant, limit }, used];
  for (const { name, queue } of upstreams()) {
    const max = queueMax?.(name);
    if (max === undefined) continue;
    for (const { tenant, waiting } of queue)
      if (waiting >= NEAR * max) yield [{ tenant, limit: "queue" }, Math.min(1, waiting / max)];
  }
}

const UPSTREAMS: readonly Row[] = [
  {
    name: "ocsgw_upstream_up",
    type: "gauge",
    help: "1 where an OCS takes requests; 0 for its standby, and for one that cannot be reached.",
    rows: function* ({ upstreams }) {
      for (const { name, endpoints } of upstreams())
        for (const { endpoint, role, up } of endpoints) yield [{ upstream: name, endpoint, role }, yes(up)];
    },
  },
  {
    name: "ocsgw_switchovers_total",
    type: "counter",
    help: "Times that an OCS life ended: the other OCS took over, or handles proved a restart.",
    rows: ({ counts, upstreams }) => byUpstream(upstreams(), counts.switchovers),
  },
  {
    name: "ocsgw_upstream_phase_seconds",
    type: "histogram",
    help: "How long requests wait for a lane (queue), and for the answer of OCS (ocs), by upstream.",
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
    help: "Connections to OCS by state.",
    rows: function* ({ upstreams }) {
      for (const { name, lanes } of upstreams()) {
        for (const state of LANE_STATES)
          yield [{ upstream: name, state }, lanes.filter((lane) => lane.state === state).length];
      }
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
    help: "How long the request that has waited longest for a lane has waited; 0 where none waits.",
    rows: (sources) => byQueue(sources, ({ oldest }) => oldest / 1000),
  },
  {
    name: "ocsgw_standby",
    type: "gauge",
    help: "1 for what the last probe of the standby OCS saw.",
    rows: function* ({ upstreams }) {
      for (const [labels, { seen }] of standbysOf(upstreams())) yield [{ ...labels, seen }, 1];
    },
  },
  {
    name: "ocsgw_standby_healthy",
    type: "gauge",
    help: "0 while the standby OCS does not do what it does while all is well.",
    rows: function* ({ upstreams }) {
      for (const [labels, { healthy }] of standbysOf(upstreams())) yield [labels, yes(healthy)];
    },
  },
  {
    name: "ocsgw_record_handles",
    type: "gauge",
    help: "Record handles that are a tenant's now.",
    rows: function* ({ handles }) {
      for (const { upstream, tenant, handles: owned } of handles?.() ?? []) yield [{ upstream, tenant }, owned];
    },
  },
  {
    name: "ocsgw_callbacks_total",
    type: "counter",
    help: "What OCS announced, by what became of it.",
    rows: function* ({ counts }) {
      for (const [upstream, results] of counts.callbacks)
        for (const [result, count] of results) yield [{ upstream, result }, count];
    },
  },
  {
    name: "ocsgw_callback_seconds",
    type: "histogram",
    help: "From OCS's announcement or call report to the gateway's reply; OCS dials no earlier.",
    rows: function* ({ counts }) {
      for (const [upstream, latency] of counts.callbackLatency) yield [{ upstream }, latency];
    },
  },
  {
    name: "ocsgw_alarms_total",
    type: "counter",
    help: "Alarms raised: record handles used by two tenants, announced by strangers or tried out, and answers of OCS that may be another request's.",
    rows: ({ counts, upstreams }) => byUpstream(upstreams(), counts.alarms),
  },
];

/** 0 for an upstream of which nothing was counted. */
function* byUpstream(upstreams: readonly UpstreamState[], counts: ReadonlyMap<string, number>): Rows {
  for (const { name } of upstreams) yield [{ upstream: name }, counts.get(name) ?? 0];
}

/** 0 for a tenant that has no request waiting. */
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

const JOURNAL: readonly Row[] = [
  {
    name: "ocsgw_journal_up",
    type: "gauge",
    help: "0 while the journal cannot be written, and nothing new is sent unless on_failure says so.",
    rows: ({ journal }) => single(yes(journal().failed === undefined)),
  },
  {
    name: "ocsgw_journal_failures_total",
    type: "counter",
    help: "Times that the journal could not be written any more.",
    rows: ({ journal }) => single(journal().failures),
  },
  {
    name: "ocsgw_journal_append_seconds",
    type: "histogram",
    help: "Until an intent or an outcome is on disk.",
    rows: ({ counts }): Rows<Histogram> => [[{}, counts.appends]],
  },
  {
    name: "ocsgw_journal_waiting_entries",
    type: "gauge",
    help: "Entries that wait for the disk.",
    rows: ({ journal }) => single(journal().waiting),
  },
  {
    name: "ocsgw_journal_lag_seconds",
    type: "gauge",
    help: "How long the oldest entry that waits for the disk has waited; 0 where none waits.",
    rows: ({ journal }) => single(seconds(journal().lag)),
  },
  {
    name: "ocsgw_journal_bytes",
    type: "gauge",
    help: "Bytes of all files in the journal's directory.",
    rows: ({ diskUse }) => single(diskUse?.()?.journal),
  },
  {
    name: "ocsgw_disk_free_bytes",
    type: "gauge",
    help: "Bytes that can still be written where the journal lies.",
    rows: ({ diskUse }) => single(diskUse?.()?.free),
  },
  {
    name: "ocsgw_disk_full_in_seconds",
    type: "gauge",
    help: "Until the journal's disk is full at the pace of the last hour; absent while that is not known or does not come.",
    rows: ({ diskUse }) => single(seconds(diskUse?.()?.fullInMs)),
  },
  {
    name: "ocsgw_journal_verified_entries",
    type: "gauge",
    help: "Entries, from the first on, that were read again and found as they were signed; absent before the first time.",
    rows: ({ rereading }) => single(rereading?.verified()?.size),
  },
  {
    name: "ocsgw_journal_damage",
    type: "gauge",
    help: "Places below the last checkpoint that are not as they were signed; each is an alarm in the journal. Absent before anything was read again.",
    rows: ({ rereading }) => {
      const places = rereading?.damage().length ?? 0;
      return single(places === 0 && rereading?.verified() === undefined ? undefined : places);
    },
  },
  {
    name: "ocsgw_journal_checkpoint_age_seconds",
    type: "gauge",
    help: "Since the journal was last signed.",
    rows: ({ checkpointAge }) => single(checkpointAge() / 1000),
  },
  {
    name: "ocsgw_second_place_up",
    type: "gauge",
    help: "0 while checkpoints do not reach a second place, or earlier ones were removed there; absent before the first one was brought there.",
    rows: function* ({ secondPlaces }) {
      for (const { place, arrives } of secondPlaces?.() ?? [])
        if (arrives !== undefined) yield [{ place }, yes(arrives)];
    },
  },
  {
    name: "ocsgw_second_place_waiting",
    type: "gauge",
    help: "Checkpoints that wait for a second place.",
    rows: function* ({ secondPlaces }) {
      for (const { place, waiting } of secondPlaces?.() ?? []) yield [{ place }, waiting];
    },
  },
  {
    name: "ocsgw_retention_ok",
    type: "gauge",
    help: "0 while nothing is deleted although it may be due; ocsgw audit retention says why.",
    rows: ({ retention }) => single(retention && yes(retention.state().waits === null)),
  },
  {
    name: "ocsgw_retention_next_look_seconds",
    type: "gauge",
    help: "Until the gateway looks next for entries that are old enough to be deleted.",
    rows: ({ retention }) => single(seconds(retention?.state().next_look)),
  },
  {
    name: "ocsgw_retention_deleted_entries_total",
    type: "counter",
    help: "Entries that were deleted because their retention time was over.",
    rows: ({ retention }) => single(retention?.deleted()),
  },
];

const seconds = (ms: number | undefined): number | undefined => (ms === undefined ? undefined : ms / 1000);

/** Absent where nobody outside was asked, and before the first answer of this run. */
const OUTSIDE: readonly Row[] = [
  {
    name: "ocsgw_witness_cosigned_entries",
    type: "gauge",
    help: "Entries that a witness has cosigned.",
    rows: function* ({ outside }) {
      for (const { witness, size } of outside?.witnesses() ?? []) yield [{ witness }, size];
    },
  },
  {
    name: "ocsgw_witness_age_seconds",
    type: "gauge",
    help: "Since a witness cosigned, in this run.",
    rows: function* ({ outside }) {
      for (const { witness, age } of outside?.witnesses() ?? []) if (age !== undefined) yield [{ witness }, age / 1000];
    },
  },
  {
    name: "ocsgw_witness_quorum_met",
    type: "gauge",
    help: "0 while fewer witnesses cosign than audit.checkpoint.witness_quorum asks for; absent before the first of them was heard in this run.",
    rows: ({ outside }) => {
      const quorum = outside?.quorum();
      const isHeard = outside?.witnesses().some(({ age, trouble }) => age !== undefined || trouble !== undefined);
      return single(quorum && isHeard ? yes(quorum.isMet) : undefined);
    },
  },
  {
    name: "ocsgw_timestamp_age_seconds",
    type: "gauge",
    help: "Since a checkpoint got a timestamp, in this run.",
    rows: ({ outside }) => single(seconds(outside?.timestamps()?.last?.age)),
  },
];

const labelOf = ({ tenant }: TenantCount): string => tenant ?? NO_TENANT;

const DO_NOT_CALLS: readonly Row[] = [
  {
    name: "ocsgw_dnc_open",
    type: "gauge",
    help: "Do-Not-Calls that were asked for and that OCS has not taken since; absent while the number is not known, as in the first seconds after a start.",
    rows: function* ({ openDoNotCalls, tenants }) {
      const counts = openDoNotCalls?.();
      if (!counts) return;
      const open = new Map<string, number>();
      for (const each of counts) open.set(labelOf(each), (open.get(labelOf(each)) ?? 0) + each.open);
      for (const tenant of new Set([...tenants.map(({ name }) => name), ...open.keys()]))
        yield [{ tenant }, open.get(tenant) ?? 0];
    },
  },
  {
    name: "ocsgw_dnc_open_oldest_seconds",
    type: "gauge",
    help: "Since the oldest open Do-Not-Call of the tenant was asked for; absent where none is open.",
    rows: function* ({ openDoNotCalls }) {
      const first = new Map<string, number>();
      for (const each of openDoNotCalls?.() ?? [])
        first.set(labelOf(each), Math.min(each.oldest, first.get(labelOf(each)) ?? each.oldest));
      for (const [tenant, oldest] of first) yield [{ tenant }, Math.max(0, (Date.now() - oldest / 1000) / 1000)];
    },
  },
];

const GATEWAY: readonly Row[] = [
  {
    name: "ocsgw_build_info",
    type: "gauge",
    help: "The version of the gateway and of Node.",
    rows: ({ version }) => (version === undefined ? [] : [[{ version, node: process.versions.node }, 1]]),
  },
  {
    name: "ocsgw_config_info",
    type: "gauge",
    help: "The config in force, by its SHA-256: of the config file, and of tenants.d where there is one.",
    rows: ({ configHash }) => [[{ hash: configHash }, 1]],
  },
  {
    name: "ocsgw_config_reload_ok",
    type: "gauge",
    help: "0 while the config file on disk was refused and an earlier one is in force.",
    rows: ({ refused }) => single(yes(refused === undefined)),
  },
  {
    name: "ocsgw_plain_on_tls_total",
    type: "counter",
    help: "Clients that spoke HTTP in clear text to a port that speaks TLS.",
    rows: ({ counts }) => [...counts.plainOnTls].map(([listener, count]) => [{ listener }, count] as const),
  },
  {
    name: "ocsgw_log_lines_dropped_total",
    type: "counter",
    help: "Log lines that were dropped, because nothing took them from stderr in time.",
    rows: () => single(droppedLogLines()),
  },
  {
    name: "ocsgw_key_set_age_seconds",
    type: "gauge",
    help: "Since the keys of an issuer with jwks_uri were fetched.",
    rows: function* ({ keySets }) {
      for (const { issuer, age } of keySets?.() ?? []) if (age !== undefined) yield [{ issuer }, age / 1000];
    },
  },
  {
    name: "ocsgw_key_set_up",
    type: "gauge",
    help: "0 while the keys of an issuer with jwks_uri cannot be fetched.",
    rows: function* ({ keySets }) {
      for (const { issuer, age, failing } of keySets?.() ?? []) {
        if (age !== undefined || failing !== undefined) yield [{ issuer }, yes(failing === undefined)];
      }
    },
  },
  {
    name: "ocsgw_cert_expiry_seconds",
    type: "gauge",
    help: "Until the first certificate of a file in use ends.",
    rows: function* ({ certificates }) {
      for (const { of, what, notAfter } of certificates) yield [{ of, what }, (notAfter - Date.now()) / 1000];
    },
  },
  {
    name: "ocsgw_connections",
    type: "gauge",
    help: "Connections that a listener has now.",
    rows: function* ({ connections }) {
      for (const { listener, open } of connections?.() ?? []) yield [{ listener }, open];
    },
  },
  {
    name: "ocsgw_connections_left",
    type: "gauge",
    help: "Connections that a listener still takes before it closes new ones at once.",
    rows: function* ({ connections }) {
      for (const { listener, left } of connections?.() ?? []) yield [{ listener }, left];
    },
  },
  {
    name: "ocsgw_descriptors_left",
    type: "gauge",
    help: "Files and connections that the process may still open; absent without a limit.",
    rows: async ({ descriptorLimit }) => {
      const open = descriptorLimit === undefined ? undefined : await openDescriptors();
      return single(open === undefined ? undefined : Math.max(0, descriptorLimit! - open));
    },
  },
];

/** In the order in which they are written. */
export const METRICS: readonly Row[] = [...REQUESTS, ...UPSTREAMS, ...DO_NOT_CALLS, ...JOURNAL, ...OUTSIDE, ...GATEWAY];
