/** The numbers in Prometheus' text format. Labels are configured names and words of ours: never a phone, a handle, a customer id or an address of a client. */
import { Counter, Gauge, Registry, collectDefaultMetrics, type Metric } from "prom-client";
import { droppedLogLines } from "../events.ts";
import type { JournalStatus } from "../journal/append.ts";
import type { TenantCount } from "../journal/open-do-not-calls.ts";
import type { Certificate } from "./certificates.ts";
import { BOUNDS, PHASES, type Counts, type Histogram } from "./counts.ts";
import type { HandlesState, KeySetState, StandbyState, UpstreamState } from "./status.ts";

/** Asked anew whenever somebody reads the numbers: all of it may change. */
export type Sources = {
  readonly counts: Counts;
  readonly tenants: readonly { readonly name: string; readonly upstream: string }[];
  /** As they are at this moment. */
  readonly upstreams: () => readonly UpstreamState[];
  readonly handles?: (() => readonly HandlesState[]) | undefined;
  /** Of issuers whose keys are fetched. */
  readonly keySets?: (() => readonly KeySetState[]) | undefined;
  readonly journal: () => Pick<JournalStatus, "failed" | "failures">;
  /** Milliseconds. */
  readonly checkpointAge: () => number;
  readonly certificates: readonly Certificate[];
  readonly configHash: string;
  /** Why the config file as it is on disk is not in force. */
  readonly refused?: string | undefined;
  /** Undefined while the number is not known. */
  readonly openDoNotCalls?: (() => readonly TenantCount[] | undefined) | undefined;
  /** Bytes; undefined while they are not known. */
  readonly diskUse?: (() => { readonly journal: number; readonly free: number } | undefined) | undefined;
  /** What was read again of the journal's old entries. */
  /** What witnesses and a time stamping authority said of the checkpoints. */
  readonly outside?: {
    readonly witnesses: () => readonly {
      readonly witness: string;
      readonly size: number;
      readonly age: number | undefined;
    }[];
    readonly quorum: () => { readonly isMet: boolean; readonly size: number } | null;
    readonly timestamps: () => { readonly last: { readonly age: number } | undefined } | null;
  } | undefined;
  readonly rereading?: { readonly verified: () => { readonly size: number } | undefined; readonly damage: () => readonly string[] } | undefined;
};

type Labels = Readonly<Record<string, string>>;
type Rows = Iterable<readonly [Labels, number]>;
type Shape = { readonly name: string; readonly help: string; readonly labels?: readonly string[] };

const LANE_STATES = ["idle", "connecting", "busy", "ready"] as const;

/** The function that writes them. */
export const createMetrics = (sources: Sources): (() => Promise<string>) => {
  const registry = new Registry();
  addCounters(registry, sources);
  addTimes(registry, sources.counts);
  addUpstreams(registry, sources);
  addJournal(registry, sources);
  addOutside(registry, sources);
  addAges(registry, sources);
  addKeySets(registry, sources);
  // The process is watched from the first time that somebody asks: a gateway whose numbers nobody reads pays for none.
  let all: Registry | undefined;
  return () => (all ??= Registry.merge([registry, ofProcess()])).metrics();
};

let processRegistry: Registry | undefined;

/** prom-client's own names (process_*, nodejs_*), which common dashboards know. They are the process's, however many gateways it has. */
const ofProcess = (): Registry => {
  if (!processRegistry) collectDefaultMetrics({ register: (processRegistry = new Registry()) });
  return processRegistry;
};

const addCounters = (registry: Registry, { counts, upstreams }: Sources): void => {
  counter(registry, { name: "ocsgw_requests_total", help: "Requests by who answered and how.", labels: ["tenant", "action", "origin", "status_class"] }, function* () {
    for (const { count, ...labels } of counts.requests()) yield [labels, count];
  });
  counter(registry, { name: "ocsgw_refusals_total", help: "Requests that the gateway refused, by code; those that were sent and got no answer are in ocsgw_no_answer_total.", labels: ["tenant", "code"] }, function* () {
    for (const { count, ...labels } of counts.refusals()) yield [labels, count];
  });
  counter(registry, { name: "ocsgw_no_answer_total", help: "Requests that were sent to OCS and got no whole answer, by code; OCS may have carried them out.", labels: ["tenant", "code"] }, function* () {
    for (const { count, ...labels } of counts.noAnswers()) yield [labels, count];
  });
  counter(registry, { name: "ocsgw_auth_failures_total", help: "Requests without a usable credential, by what was wrong with it; the journal says more of each.", labels: ["reason"] }, function* () {
    for (const [reason, count] of counts.authFailures) yield [{ reason }, count];
  });
  counter(registry, { name: "ocsgw_would_refuse_total", help: "Requests of tenants with mode: observe that their policy would have refused, by code.", labels: ["tenant", "code"] }, function* () {
    for (const { count, ...labels } of counts.wouldRefuse()) yield [labels, count];
  });
  counter(registry, { name: "ocsgw_alarms_total", help: "Alarms raised: record handles used by two tenants, announced by strangers or tried out, and answers of OCS that may be another request's.", labels: ["upstream"] }, function* () {
    for (const { name } of upstreams()) yield [{ upstream: name }, counts.alarms.get(name) ?? 0];
  });
  counter(registry, { name: "ocsgw_callbacks_total", help: "What OCS announced, by what became of it.", labels: ["upstream", "result"] }, function* () {
    for (const [upstream, results] of counts.callbacks) for (const [result, count] of results) yield [{ upstream, result }, count];
  });
  counter(registry, { name: "ocsgw_log_lines_dropped_total", help: "Log lines that were dropped, because nothing took them from stderr in time." }, () => [[{}, droppedLogLines()]]);
  counter(registry, { name: "ocsgw_switchovers_total", help: "Times that an OCS life ended: the other OCS took over, or handles proved a restart." }, () => [[{}, counts.switchovers]]);
};

const addTimes = (registry: Registry, { phases, appends }: Counts): void => {
  histogram(registry, { name: "ocsgw_phase_seconds", help: "Where requests spend their time." }, PHASES.map((phase) => [{ phase }, phases[phase]]));
  histogram(registry, { name: "ocsgw_journal_append_seconds", help: "Until an intent or an outcome is on disk." }, [[{}, appends]]);
};

const addUpstreams = (registry: Registry, sources: Sources): void => {
  const { upstreams } = sources;
  gauge(registry, { name: "ocsgw_lanes", help: "Connections to OCS by state.", labels: ["upstream", "state"] }, function* () {
    for (const { name, lanes } of upstreams()) {
      for (const state of LANE_STATES) yield [{ upstream: name, state }, lanes.filter((lane) => lane.state === state).length];
    }
  });
  gauge(registry, { name: "ocsgw_record_handles", help: "Record handles that are a tenant's now.", labels: ["upstream", "tenant"] }, function* () {
    for (const { upstream, tenant, handles } of sources.handles?.() ?? []) yield [{ upstream, tenant }, handles];
  });
  gauge(registry, { name: "ocsgw_queue_depth", help: "Requests that wait for a lane.", labels: ["upstream", "tenant"] }, function* () {
    const queues = new Map(upstreams().map(({ name, queue }) => [name, new Map(queue.map(({ tenant, waiting }) => [tenant, waiting]))]));
    for (const { name, upstream } of sources.tenants) yield [{ upstream, tenant: name }, queues.get(upstream)?.get(name) ?? 0];
  });
  gauge(registry, { name: "ocsgw_upstream_up", help: "1 where an OCS takes requests; 0 for its standby, and for one that cannot be reached.", labels: ["upstream", "endpoint", "role"] }, function* () {
    for (const { name, endpoints } of upstreams()) for (const { endpoint, role, up } of endpoints) yield [{ upstream: name, endpoint, role }, up ? 1 : 0];
  });
  gauge(registry, { name: "ocsgw_standby", help: "1 for what the last probe of the standby OCS saw.", labels: ["upstream", "endpoint", "seen"] }, function* () {
    for (const [labels, { seen }] of standbysOf(upstreams())) yield [{ ...labels, seen }, 1];
  });
  gauge(registry, { name: "ocsgw_standby_healthy", help: "0 while the standby OCS does not do what it does while all is well.", labels: ["upstream", "endpoint"] }, function* () {
    for (const [labels, { healthy }] of standbysOf(upstreams())) yield [labels, healthy ? 1 : 0];
  });
};

const standbysOf = (upstreams: readonly UpstreamState[]): (readonly [Labels, StandbyState])[] =>
  upstreams.flatMap(({ name, endpoints }) => endpoints.flatMap(({ endpoint, standby }) => (standby ? [[{ upstream: name, endpoint }, standby] as const] : [])));

const addJournal = (registry: Registry, { journal, diskUse, rereading }: Sources): void => {
  gauge(registry, { name: "ocsgw_journal_up", help: "0 while the journal cannot be written, and nothing new is sent unless on_failure says so." }, () => [[{}, journal().failed === undefined ? 1 : 0]]);
  counter(registry, { name: "ocsgw_journal_failures_total", help: "Times that the journal could not be written any more." }, () => [[{}, journal().failures]]);
  const disk = (which: "journal" | "free") => (): Rows => {
    const use = diskUse?.();
    return use ? [[{}, use[which]]] : [];
  };
  gauge(registry, { name: "ocsgw_journal_bytes", help: "Bytes of all files in the journal's directory." }, disk("journal"));
  gauge(registry, { name: "ocsgw_disk_free_bytes", help: "Bytes that can still be written where the journal lies." }, disk("free"));
  gauge(registry, { name: "ocsgw_journal_verified_entries", help: "Entries, from the first on, that were read again and found as they were signed." }, () => [[{}, rereading?.verified()?.size ?? 0]]);
  gauge(registry, { name: "ocsgw_journal_damage", help: "Places below the last checkpoint that are not as they were signed; each is an alarm in the journal." }, () => [[{}, rereading?.damage().length ?? 0]]);
};

/** Absent where nobody outside was asked, and ages before the first answer of this run. */
const addOutside = (registry: Registry, { outside }: Sources): void => {
  const labels = ["witness"];
  gauge(registry, {
    name: "ocsgw_witness_cosigned_entries",
    help: "Entries that a witness has cosigned.",
    labels,
  }, function* () {
    for (const { witness, size } of outside?.witnesses() ?? []) yield [{ witness }, size];
  });
  gauge(registry, {
    name: "ocsgw_witness_age_seconds",
    help: "Since a witness cosigned, in this run.",
    labels,
  }, function* () {
    for (const { witness, age } of outside?.witnesses() ?? []) if (age !== undefined) yield [{ witness }, age / 1000];
  });
  gauge(registry, {
    name: "ocsgw_witness_quorum_met",
    help: "0 while fewer witnesses cosign than audit.checkpoint.witness_quorum asks for.",
  }, () => {
    const quorum = outside?.quorum();
    return quorum ? [[{}, quorum.isMet ? 1 : 0]] : [];
  });
  gauge(registry, {
    name: "ocsgw_timestamp_age_seconds",
    help: "Since a checkpoint got a timestamp, in this run.",
  }, () => {
    const last = outside?.timestamps()?.last;
    return last ? [[{}, last.age / 1000]] : [];
  });
};

const addAges = (registry: Registry, sources: Sources): void => {
  gauge(registry, { name: "ocsgw_journal_checkpoint_age_seconds", help: "Since the journal was last signed." }, () => [[{}, sources.checkpointAge() / 1000]]);
  gauge(registry, { name: "ocsgw_cert_expiry_seconds", help: "Until the first certificate of a file in use ends.", labels: ["of", "what"] }, function* () {
    for (const { of, what, notAfter } of sources.certificates) yield [{ of, what }, (notAfter - Date.now()) / 1000];
  });
  gauge(registry, { name: "ocsgw_config_info", help: "The config file that is in force, by the SHA-256 of its text.", labels: ["hash"] }, () => [[{ hash: sources.configHash }, 1]]);
  addOpenDoNotCalls(registry, sources);
  gauge(registry, { name: "ocsgw_config_reload_ok", help: "0 while the config file on disk was refused and an earlier one is in force." }, () => [[{}, sources.refused === undefined ? 1 : 0]]);
};

/** Absent before the first answer of the address. */
const addKeySets = (registry: Registry, { keySets }: Sources): void => {
  const labels = ["issuer"];
  gauge(registry, {
    name: "ocsgw_key_set_age_seconds",
    help: "Since the keys of an issuer with jwks_uri were fetched.",
    labels,
  }, function* () {
    for (const { issuer, age } of keySets?.() ?? []) if (age !== undefined) yield [{ issuer }, age / 1000];
  });
  gauge(registry, {
    name: "ocsgw_key_set_up",
    help: "0 while the keys of an issuer with jwks_uri cannot be fetched.",
    labels,
  }, function* () {
    for (const { issuer, age, failing } of keySets?.() ?? []) {
      if (age !== undefined || failing !== undefined) yield [{ issuer }, failing === undefined ? 1 : 0];
    }
  });
};

/** Of a client of several tenants that did not say for which. */
const NO_TENANT = "none";

const addOpenDoNotCalls = (registry: Registry, sources: Sources): void => {
  const labels = ["tenant"];
  gauge(registry, { name: "ocsgw_dnc_open", help: "Do-Not-Calls that were asked for and that OCS has not taken since; absent while the number is not known, as in the first seconds after a start.", labels }, function* () {
    const counts = sources.openDoNotCalls?.();
    if (!counts) return;
    const open = new Map(counts.map((each) => [each.tenant ?? NO_TENANT, each.open]));
    for (const tenant of new Set([...sources.tenants.map(({ name }) => name), ...open.keys()])) yield [{ tenant }, open.get(tenant) ?? 0];
  });
  gauge(registry, { name: "ocsgw_dnc_open_oldest_seconds", help: "Since the oldest open Do-Not-Call of the tenant was asked for; absent where none is open.", labels }, function* () {
    for (const { tenant, oldest } of sources.openDoNotCalls?.() ?? []) yield [{ tenant: tenant ?? NO_TENANT }, Math.max(0, (Date.now() - oldest / 1000) / 1000)];
  });
};

const counter = (registry: Registry, { name, help, labels = [] }: Shape, rows: () => Rows): Counter =>
  new Counter({
    name, help, labelNames: [...labels], registers: [registry],
    collect() {
      this.reset();
      for (const [of, value] of rows()) this.inc(of, value);
    },
  });

const gauge = (registry: Registry, { name, help, labels = [] }: Shape, rows: () => Rows): Gauge =>
  new Gauge({
    name, help, labelNames: [...labels], registers: [registry],
    collect() {
      this.reset();
      // A gauge without labels is set to 0 by that, and what is not known is not 0.
      if (labels.length === 0) this.remove();
      for (const [of, value] of rows()) this.set(of, value);
    },
  });

/** prom-client's own histogram has no way in for buckets that were counted elsewhere, but its registry takes whatever tells its values. */
const histogram = (registry: Registry, { name, help }: Shape, series: readonly (readonly [Labels, Histogram])[]): void => {
  const get = () => Promise.resolve({ name, help, type: "histogram", aggregator: "sum", values: series.flatMap(([labels, own]) => samples(name, labels, own)) });
  registry.registerMetric({ name, help, get } as unknown as Metric);
};

type Sample = { readonly metricName: string; readonly labels: Labels; readonly value: number };

const samples = (name: string, labels: Labels, { buckets, sum }: Histogram): Sample[] => {
  let below = 0;
  const cumulative = Array.from(buckets, (count, at): Sample => ({
    metricName: `${name}_bucket`, labels: { ...labels, le: at < BOUNDS.length ? String(BOUNDS[at]! / 1000) : "+Inf" }, value: (below += count),
  }));
  return [...cumulative, { metricName: `${name}_sum`, labels, value: sum / 1000 }, { metricName: `${name}_count`, labels, value: below }];
};
