import { AUTH_FAILURES, createRevocations } from "../identity/credentials.ts";
import type { LaneLeases } from "../cluster/leases/lanes/lane-leases.ts";
import type { LimitLeases } from "../cluster/leases/limits/limit-leases.ts";
import { Counts } from "../admin/counters.ts";
import { Markers } from "../admin/recent/markers.ts";
import { RecentActivity } from "../admin/recent/recent-activity.ts";
import type { PipelineDeps } from "../gateway/pipeline.ts";
import type { Settings } from "../settings/schema/schema.ts";
import type { Reading } from "./config/reading.ts";
import type { StartOptions } from "./gateway.ts";
import type { ShutdownSteps } from "./shutdown.ts";
import { ActiveGeneration } from "./switch-generation.ts";
import { createAlarms } from "./wiring/alarms.ts";
import { startCluster, type Cluster } from "./wiring/cluster/cluster.ts";
import type { DncSharing } from "./wiring/open-dnc/sharing.ts";
import { startDncSharing } from "./wiring/open-dnc/start-sharing.ts";
import { startLanes } from "./wiring/cluster/lanes.ts";
import { startLimits } from "./wiring/cluster/limits.ts";
import { startJournal, type Started } from "./wiring/journal/journal.ts";
import { startPeers } from "./wiring/journal/peers/start-peers.ts";
import type { PeerWitnesses } from "./wiring/journal/peers/peer-witnesses.ts";
import { createTelemetryKeeper, type TelemetryKeeper } from "./telemetry.ts";
import { createNoAnswers, type NoAnswers } from "./wiring/no-answers.ts";
import { createPeers, type Peers } from "./wiring/cluster/peers.ts";
import { requestsElsewhere } from "./wiring/cluster/requests-elsewhere.ts";
import { createRequests } from "./wiring/idempotency/requests.ts";
import { LastEntry, startKeys, type Keys } from "./wiring/idempotency/keys.ts";
import { startOutbox, type StartedOutbox } from "./wiring/outbox/outbox.ts";
import { startOwnership, type Records } from "./wiring/ownership.ts";
import type { PassedSockets } from "./wiring/systemd-sockets.ts";
import { upstreamEventHandler } from "./wiring/upstreams.ts";

/** The parts that exist before the first generation and stay when a reload replaces it. */
export type Core = Started & {
  readonly counts: Counts;
  readonly recent: RecentActivity;
  readonly markers: Markers;
  readonly revocations: ReturnType<typeof createRevocations>;
  /** Undefined without `shared`. */
  readonly cluster: Cluster | undefined;
  /** How the nodes ask each other's admin API. Undefined without `shared`. */
  readonly nodePeers: Peers | undefined;
  readonly requests: NonNullable<PipelineDeps["requests"]>;
  /** The other gateways as witnesses of the journal. */
  readonly peers: PeerWitnesses | undefined;
  /** Undefined without `shared`. */
  readonly openDncs: DncSharing | undefined;
  readonly lanes: LaneLeases | undefined;
  readonly limits: LimitLeases | undefined;
  readonly records: Records;
  readonly keys: Keys;
  readonly outbox: StartedOutbox;
  readonly noAnswers: NoAnswers;
  readonly telemetry: TelemetryKeeper;
  readonly sockets: PassedSockets;
  /** No generation is in force yet. */
  readonly active: ActiveGeneration;
  /** The reading in force; before the first generation, the one to start with. */
  readonly reading: () => Reading;
  /** Its settings. */
  readonly current: () => Settings;
  /** Resolves with the reason why this process may not go on: it lost the journal's lock, or its place as a node. */
  readonly lost: Promise<string>;
};

/**
 * Opens the journal first, then the database that gateways share, then the ownership database, which is compared with
 * the journal.
 */
export const startCore = async (
  { settings, configHash, files = new Map(), read, leading, command, onReply, onSent }: StartOptions,
  sockets: PassedSockets,
  stops: ShutdownSteps,
): Promise<Core> => {
  const { promise: lost, resolve: onLost } = Promise.withResolvers<string>();
  const markers = new Markers();
  const lastEntry = new LastEntry();
  let outbox: StartedOutbox | undefined;
  let openDncs: DncSharing | undefined;
  const opened = await startJournal(settings, configHash, stops, {
    lock: leading?.lock,
    command,
    unlocked: (reason) => onLost(`it lost exclusive access to its journal: ${reason}`),
    written: (entry, micros, index) => {
      markers.take(entry, micros);
      lastEntry.take(index, micros);
      outbox?.written(entry);
      openDncs?.take(entry, index);
    },
  });
  const { journal, switchovers } = opened;
  const counts = new Counts(AUTH_FAILURES);
  const recent = new RecentActivity();
  const revocations = createRevocations(() => journal.believed().now / 1000);
  const first: Reading = { ...read, settings, hash: configHash, files };
  // Ownership starts before the first generation exists.
  let running: ActiveGeneration | undefined;
  const reading = (): Reading => running?.generation ?? first;
  const current = (): Settings => reading().settings;
  const alarms = createAlarms(journal, counts);
  const cluster = await startCluster(settings, { alarms, onReplaced: onLost }, stops);
  const peers = cluster && (await startPeers({ cluster, opened, alarms }, stops));
  openDncs = cluster && startDncSharing({ cluster, opened, current }, stops);
  const lanes = await startLanes(cluster, settings, stops);
  const limits = await startLimits(cluster, stops);
  const records = await startOwnership(
    settings,
    {
      journal,
      counts,
      current,
      switchovers,
      cluster,
      onOtherOcs: (upstream, endpoint) =>
        running?.generation?.upstreams.get(upstream)?.switchboard.noteAnnouncement(endpoint),
    },
    stops,
  );
  const keys = await startKeys(settings, { journal, counts, lastEntry, cluster }, stops);
  outbox = await startOutbox(
    settings,
    { journal, cluster, records, current, generation: () => running?.generation },
    stops,
  );
  const nodePeers = cluster && (await createPeers({ cluster, settings: current }));
  const elsewhere = nodePeers && requestsElsewhere(nodePeers.nodes);
  const requests = createRequests({ journal, accepted: outbox.outbox.stateOf, elsewhere }, stops);
  const noAnswers = createNoAnswers();
  const telemetry = await createTelemetryKeeper(settings, stops);
  stops.push(noAnswers.flush);
  const active = new ActiveGeneration({
    services: {
      journal,
      counts,
      recent,
      revocations,
      cluster,
      lanes,
      limits,
      records,
      outbox: outbox.deps,
      keys,
      requests,
      noAnswers,
      telemetry,
      onReply,
    },
    onUpstreamEvent: upstreamEventHandler({
      journal,
      counts,
      markers,
      alarms: records.alarms,
      current,
      isShared: cluster !== undefined,
    }),
    sockets,
    onSent: (request, ends) => {
      requests.running.sent(request.id!);
      onSent?.(request, ends);
    },
  });
  running = active;
  return {
    ...opened,
    counts,
    recent,
    markers,
    revocations,
    cluster,
    peers,
    nodePeers,
    requests,
    openDncs,
    lanes,
    limits,
    records,
    keys,
    outbox,
    noAnswers,
    telemetry,
    sockets,
    active,
    reading,
    current,
    lost,
  };
};
