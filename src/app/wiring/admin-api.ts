/** What the admin API shows: metrics, readiness, status and warnings, collected from the parts. Changes nothing. */
import { endings } from "../../admin/certificate-expiry.ts";
import type { Counts } from "../../admin/counters.ts";
import { createAdminRoutes, type AdminDeps } from "../../admin/routes.ts";
import { createMetrics } from "../../admin/metrics/metrics.ts";
import type { Sources } from "../../admin/metrics/sources.ts";
import { modesOf, rolloutOf } from "../../admin/now/rollout.ts";
import type { NowSources } from "../../admin/now/sources.ts";
import { createDocs } from "../../documentation/site/serve.ts";
import { readConsole } from "../../admin/static/console-files.ts";
import type { ProbeDeps, Ready } from "../../admin/probes.ts";
import {
  unavailableIssuers,
  partlyUnreachable,
  refusalsOf,
  totals,
  unhealthyStandbys,
  unreachable,
  type HandlesState,
  type KeySetState,
  type Status,
  type UpstreamState,
} from "../../admin/status.ts";
import type { Journal } from "../../journal/journal.ts";
import type { Checkpoints } from "../../journal/integrity/checkpoints/checkpoint.ts";
import { fillingUp, type DiskUse } from "../../journal/segments/disk-use.ts";
import type { TenantCount } from "../../journal/open-dnc/open-dnc-rows.ts";
import type { Handler } from "../../common/message.ts";
import { certificatesOf } from "./admin/certificates.ts";
import { evidenceOf } from "./admin/evidence-status.ts";
import type { AdminFacts } from "./admin/now-sources.ts";
import type { OutboxView } from "./outbox/outbox-view.ts";
import type { Retention } from "./journal/retention.ts";
import type { OutsideEvidence } from "./journal/outside-evidence.ts";
import type { CheckpointSinks } from "./journal/checkpoint-sinks.ts";
import type { Reading } from "../config/reading.ts";
import type { AuditJobs } from "./journal/jobs/audit-jobs.ts";
import type { Console } from "./console.ts";
import type { BackgroundVerify } from "./journal/background-verify.ts";

export type AdminSources = {
  /** The reading in force. */
  readonly reading: () => Pick<Reading, "settings" | "hash">;
  /** Why the gateway rejected the config file on disk; undefined when it is in force. */
  readonly refused: () => string | undefined;
  readonly reload: AdminDeps["reload"];
  readonly configView: AdminDeps["configView"];
  readonly help: AdminDeps["help"];
  readonly revoke: AdminDeps["revoke"];
  /** Warnings about revocations that the revocations file had lost. */
  readonly revocationTroubles: () => readonly string[];
  readonly version: string;
  readonly audit: AdminDeps["audit"];
  readonly auditJobs: AuditJobs;
  readonly flows: AdminDeps["flows"];
  readonly explain: AdminDeps["explain"];
  readonly isolation: AdminDeps["isolation"];
  readonly retention: Retention;
  readonly console: Console & Partial<Pick<AdminDeps, "nodes" | "peerDesk" | "requestHere">>;
  readonly journal: Journal;
  readonly checkpoints: Checkpoints;
  readonly checkpointSinks: Pick<CheckpointSinks, "troubles" | "states">;
  readonly evidence: Pick<OutsideEvidence, "witnesses" | "quorum" | "timestamps">;
  readonly counts: Counts;
  /** Undefined until they are counted. */
  readonly openDoNotCalls: () => readonly TenantCount[] | undefined;
  readonly outbox: OutboxView;
  readonly backgroundVerify: BackgroundVerify;
  readonly diskUse: () => DiskUse | undefined;
  readonly upstreams: () => readonly UpstreamState[];
  readonly handles: () => readonly HandlesState[];
  readonly keySets: () => readonly KeySetState[];
  /** Warnings with the number of requests that got no answer in the last minute. */
  readonly noAnswers: () => readonly string[];
  /** Why commands cannot reach the gateway, and why idempotency keys cannot be kept. */
  readonly partTroubles: () => readonly string[];
  readonly cluster: AdminDeps["cluster"];
  readonly now: (facts: AdminFacts) => NowSources;
  readonly sandbox: AdminDeps["sandbox"];
  /** Used for the metrics only. */
  readonly metricsOnly: Pick<
    Sources,
    | "connections"
    | "descriptorLimit"
    | "inDoubt"
    | "limits"
    | "laneLeases"
    | "limitLeases"
    | "forwarding"
    | "telemetry"
    | "cluster"
    | "ownershipLogs"
  >;
};

export type AdminApi = {
  /** For the admin listener. */
  readonly handler: Handler;
  /** For the listener of probes. */
  readonly probed: ProbeDeps;
  /** Reads the certificates again; to be called when another reading is in force. */
  readonly refresh: () => Promise<void>;
  /** Why the gateway cannot serve, one phrase per reason; empty when it is ready. */
  readonly notReady: () => readonly string[];
  /** Warnings for the operator: problems that do not stop the gateway from serving. */
  readonly warnings: () => readonly string[];
  stage: "starting" | "serving" | "draining";
};

export const createAdminApi = async (sources: AdminSources): Promise<AdminApi> => {
  const {
    reading,
    refused,
    reload,
    checkpoints,
    checkpointSinks,
    counts,
    upstreams,
    handles,
    audit,
    revoke,
    retention,
    console,
  } = sources;
  let certificates = await certificatesOf(reading().settings);
  const consoleFiles = await readConsole();
  const metrics = createMetrics({
    counts,
    upstreams,
    handles,
    keySets: sources.keySets,
    journal: sources.journal.status,
    checkpointAge: () => checkpoints.last().age,
    get configHash() {
      return reading().hash;
    },
    get tenants() {
      return reading().settings.tenants;
    },
    get certificates() {
      return certificates;
    },
    openDoNotCalls: sources.openDoNotCalls,
    outbox: sources.outbox.samples,
    diskUse: sources.diskUse,
    backgroundVerify: sources.backgroundVerify,
    evidence: sources.evidence,
    get refused() {
      return refused();
    },
    version: sources.version,
    get serving() {
      return api.stage === "serving";
    },
    logins: () => console.sessions.results,
    checkpointSinks: checkpointSinks.states,
    retention,
    ...sources.metricsOnly,
    queueMax: (upstream) => reading().settings.upstreams[upstream]?.queue.max,
  });
  const notReady = (): string[] => [...(api.stage === "serving" ? [] : [api.stage]), ...reasons(sources)];
  /** Those that the page Now does not have as rows of their own. */
  const otherWarnings = (): string[] =>
    [
      refused() ?? [],
      fillingUp(sources.diskUse()) ?? [],
      ...checkpointSinks.troubles(),
      ...sources.revocationTroubles(),
      ...sources.backgroundVerify.damage(),
      ...sources.partTroubles(),
      ...unavailableIssuers(sources.keySets()),
      ...retention.warnings(),
      ...sources.outbox.warnings(),
    ].flat();
  const warnings = (): string[] => [
    ...otherWarnings(),
    ...endings(certificates),
    ...partlyUnreachable(upstreams()),
    ...unhealthyStandbys(upstreams()),
    ...sources.noAnswers(),
  ];
  const status = (): Status => ({
    ready: notReady().length === 0,
    reasons: notReady(),
    warnings: warnings(),
    ...statusOf(sources),
  });
  const api: AdminApi = {
    handler: createAdminRoutes({
      notReady,
      publicReadiness: () => publicReadiness(api.stage, sources),
      warnings,
      metrics,
      status,
      reload,
      audit,
      outbox: sources.outbox,
      ...sources.auditJobs,
      flows: sources.flows,
      explain: sources.explain,
      isolation: sources.isolation,
      configView: sources.configView,
      help: sources.help,
      revoke,
      retention,
      cluster: sources.cluster,
      now: sources.now({
        certificates: () => certificates,
        otherWarnings: () => [sources.journal.status().failed ?? [], otherWarnings()].flat(),
      }),
      version: sources.version,
      sandbox: sources.sandbox,
      consoleFiles,
      docs: createDocs(sources.version),
      ...console,
    }),
    probed: { ready: () => publicReadiness(api.stage, sources), metrics },
    notReady,
    warnings,
    refresh: async () => {
      console.refresh();
      certificates = await certificatesOf(reading().settings);
    },
    stage: "starting",
  };
  return api;
};

const reasons = ({ journal, upstreams }: AdminSources): string[] => {
  const { failed } = journal.status();
  return [...(failed === undefined ? [] : [failed]), ...unreachable(upstreams())];
};

/** Readiness for the probes listener: without names, addresses and paths. */
const publicReadiness = (stage: AdminApi["stage"], { journal, upstreams }: AdminSources): Ready => {
  const reasons = [
    ...(stage === "serving" ? [] : [stage]),
    ...(journal.status().failed === undefined ? [] : ["the journal cannot be written"]),
    ...(unreachable(upstreams()).length === 0 ? [] : ["no OCS reachable"]),
  ];
  return reasons.length === 0 ? { status: "ready" } : { status: "not ready", reasons };
};

const statusOf = ({
  version,
  reading,
  journal,
  checkpoints,
  counts,
  upstreams,
  handles,
  openDoNotCalls,
  outbox,
  diskUse,
  auditJobs,
  evidence,
}: AdminSources): Omit<Status, "ready" | "reasons" | "warnings"> => {
  const { failed, ...rest } = journal.status();
  const { size, age } = checkpoints.last();
  return {
    version,
    uptime: Math.round(process.uptime() * 1000),
    config_hash: reading().hash,
    modes: modesOf(reading().settings.tenants),
    rollout: rolloutOf(
      reading().settings.tenants.map(({ name, mode }) => ({ name, mode, hadRequests: counts.hasTenant(name) })),
    ),
    upstreams: upstreams(),
    records: handles(),
    journal: {
      ...rest,
      failed: failed ?? null,
      checkpoint: { size, age: Math.round(age) },
      disk: diskOf(diskUse()),
      ...auditJobs.integrity.reached(),
      ...evidenceOf(evidence),
    },
    open_do_not_calls:
      openDoNotCalls()?.map(({ tenant, open, oldest }) => ({
        tenant,
        open,
        oldest: Math.max(0, Math.round(Date.now() - oldest / 1000)),
      })) ?? null,
    outbox: outbox.samples().counts,
    requests: totals(counts.requests(), ["origin", "status_class"]),
    refusals: refusalsOf(counts.refusals()),
    auth_failures: [...counts.authFailures]
      .filter(([, count]) => count > 0)
      .map(([reason, count]) => ({ reason, count })),
    no_answers: totals(counts.noAnswers(), ["code"]),
  };
};

const diskOf = (use: DiskUse | undefined): Status["journal"]["disk"] =>
  use ? { journal: use.journal, free: use.free, per_hour: use.perHour ?? null, full_in: use.fullInMs ?? null } : null;
