import { usedLimits } from "../tenancy/quota.ts";
import type { UpstreamState } from "../admin/status.ts";
import type { AuditParts } from "../admin/audit-parts.ts";
import type { ConfigView } from "./config/view/config-view.ts";
import type { Core } from "./core.ts";
import type { Reloader } from "./reload.ts";
import { VERSION } from "./version.ts";
import type { AdminSources } from "./wiring/admin-api.ts";
import type { Admin } from "./wiring/admin-listener.ts";
import type { Callbacks } from "./wiring/callbacks.ts";
import type { AuditJobs } from "./wiring/journal/jobs/audit-jobs.ts";
import type { BackgroundVerify } from "./wiring/journal/background-verify.ts";
import { requestsHere } from "./wiring/cluster/requests-elsewhere.ts";
import type { Commands } from "./wiring/journal/commands.ts";
import type { OpenDoNotCallsGauge } from "./wiring/journal/open-dnc-gauge.ts";
import type { Retention } from "./wiring/journal/retention.ts";
import { LIMIT } from "./wiring/listeners.ts";
import { handlesOf } from "./wiring/ownership.ts";
import type { RevocationKeeper } from "./wiring/revocations/revocations.ts";
import type { Probes } from "./wiring/probes.ts";
import { createExplain } from "./wiring/admin/explain.ts";
import { helpContent } from "./wiring/admin/help.ts";
import { isolationFacts } from "./wiring/admin/isolation/facts.ts";
import { viewOfOutbox } from "./wiring/outbox/outbox-view.ts";
import { nowSources } from "./wiring/admin/now-sources.ts";
import { upstreamStates } from "./wiring/admin/upstream-states.ts";

/** The listeners that are not for clients; undefined while closed or not configured. */
export type SideListeners = {
  admin: Admin | undefined;
  probes: Probes | undefined;
  callbacks: Callbacks | undefined;
};

type Parts = {
  readonly core: Core;
  readonly side: SideListeners;
  readonly reloader: Reloader;
  readonly configView: ConfigView;
  readonly keeper: RevocationKeeper;
  readonly retention: Retention;
  readonly gauge: OpenDoNotCallsGauge;
  readonly backgroundVerify: BackgroundVerify;
  readonly audit: AuditParts;
  readonly auditJobs: AuditJobs;
  readonly flows: AdminSources["flows"];
  /** The config file. */
  readonly file: string;
  readonly commands: Commands;
  readonly diskUse: AdminSources["diskUse"];
  readonly console: AdminSources["console"];
  readonly sandbox: AdminSources["sandbox"];
};

/** What the admin API, the probes and the metrics read, and what the admin API can change. */
export const adminSources = (parts: Parts): AdminSources => {
  const {
    core,
    side,
    reloader,
    configView,
    keeper,
    retention,
    gauge,
    backgroundVerify,
    audit,
    auditJobs,
    flows,
    file,
    commands,
    diskUse,
    console,
    sandbox,
  } = parts;
  const { active, reading, current, journal, checkpoints, checkpointSinks, outside, counts, records, noAnswers } = core;
  const { recent, markers } = core;
  const upstreams = (): UpstreamState[] => {
    const { generation } = active;
    return generation
      ? upstreamStates(generation.upstreams.values(), current(), generation.deps.redact.identifier)
      : [];
  };
  return {
    version: VERSION,
    console: { ...console, ...nodeParts(core) },
    sandbox,
    journal,
    checkpoints,
    checkpointSinks,
    evidence: outside,
    counts,
    retention,
    audit,
    auditJobs,
    flows,
    explain: createExplain({ ask: audit.ask, file, reading, dir: journal.dir }),
    isolation: () => isolationFacts(current(), console.users(), current().admin?.oidc),
    backgroundVerify,
    diskUse,
    reading,
    refused: () => reloader.refused,
    reload: (options) => reloader.reload(options),
    configView,
    help: () => helpContent(),
    revoke: (request) => keeper.decide(request),
    revocationTroubles: () => keeper.troubles(),
    partTroubles: () =>
      [
        commands.trouble(),
        core.keys.trouble(),
        ...(core.cluster?.facts.troubles() ?? []),
        ...(core.openDncs?.troubles() ?? []),
      ].filter((trouble) => trouble !== undefined),
    noAnswers: noAnswers.warnings,
    openDoNotCalls: gauge.read,
    outbox: viewOfOutbox(core.outbox, current),
    upstreams,
    cluster: () => core.cluster?.facts.state(),
    now: nowSources({
      recent,
      markers,
      upstreams,
      openDoNotCalls: gauge.owners,
      hadRequests: (tenant) => counts.hasTenant(tenant),
      current,
      limiters: () => active.generation?.limiters,
      checkpoints,
    }),
    keySets: () => active.generation?.credentials.keySets() ?? [],
    handles: () => handlesOf(records.ownership, current()),
    metricsOnly: {
      connections: () =>
        [
          ...active.listeners.values(),
          ...[side.admin?.listener, side.probes?.listener].filter((each) => each !== undefined),
          ...(side.callbacks?.listeners ?? []),
        ].map(({ name, connectionCount }) => ({ listener: name, ...connectionCount() })),
      descriptorLimit: LIMIT,
      limitLeases: core.limits && (() => core.limits!.state()),
      laneLeases: core.lanes && (() => core.lanes!.states()),
      inDoubt: core.doubts,
      forwarding: core.forwarding.samples,
      telemetry: core.telemetry.counts,
      cluster: core.cluster?.facts.metrics,
      ownershipLogs: records.logs,
      limits: () => [...usedLimits(active.generation?.limiters ?? new Map(), current().tenants)],
    },
  };
};

/** Nothing without `shared`. */
const nodeParts = ({ nodePeers: peers, requests }: Pick<Core, "nodePeers" | "requests">) =>
  peers ? { nodes: peers.nodes, peerDesk: peers.peerDesk, requestHere: requestsHere(requests) } : {};
