/**
 * One life of the gateway: the parts that src/app/start.ts puts together, on a simulated disk, store and network. Left
 * out are the listeners (who asks calls the handlers), the admin console, retention and the revocations file.
 */
import { createPrivateKey } from "node:crypto";
import type { Cluster } from "../../src/app/wiring/cluster/cluster.ts";
import { clusterFacts, StatementCounts } from "../../src/app/wiring/cluster/facts.ts";
import { startCallbacks } from "../../src/app/wiring/callbacks.ts";
import { ActiveGeneration } from "../../src/app/switch-generation.ts";
import { startOwnership, type Records } from "../../src/app/wiring/ownership.ts";
import { runShutdown, type ShutdownSteps } from "../../src/app/shutdown.ts";
import { PassedSockets } from "../../src/app/wiring/systemd-sockets.ts";
import { upstreamEventHandler } from "../../src/app/wiring/upstreams.ts";
import { Counts } from "../../src/admin/counters.ts";
import { createCheckpoints } from "../../src/journal/integrity/checkpoints/checkpoint.ts";
import { RefusalSampling } from "../../src/journal/write/refusal-sampling/refusal-sampling.ts";
import { REFUSALS } from "../../src/gateway/refusals.ts";
import { paths } from "../../src/journal/paths.ts";
import { recover } from "../../src/journal/write/recovery/recover.ts";
import { writeStartEntries } from "../../src/journal/write/start-entries.ts";
import { Segments } from "../../src/journal/segments/segment-writer.ts";
import { JournalWriter } from "../../src/journal/write/writer.ts";
import type { Disk } from "../../src/journal/disk.ts";
import type { Handler } from "../../src/common/message.ts";
import { createRevocations, type Revocations } from "../../src/identity/credentials.ts";
import { Membership } from "../../src/cluster/membership.ts";
import type { SharedOwnership } from "../../src/ownership/replicated/shared-ownership.ts";
import type { StoreThread } from "../../src/ownership/ownership.ts";
import type { ValidatorClient } from "../../src/callbacks/validator-client.ts";
import type { UpstreamStatus } from "../../src/upstream/switchboard.ts";
import { DIRECTORY, readingOf, UPSTREAM, type Variant } from "./config.ts";
import type { Link } from "./database/link.ts";
import { clocks } from "./globals.ts";
import type { Mutant } from "./mutants/mutant.ts";

export type Facilities = {
  readonly disk: Disk;
  readonly storeThread: () => StoreThread;
  readonly relay: ValidatorClient;
  readonly mutant: Mutant;
  /** The database that it shares with other gateways. */
  readonly shared: Shared | undefined;
  /** A gateway alone takes for unconfirmed what it has heard so far. */
  readonly unconfirmed: () => void;
};

type Shared = {
  readonly node: string;
  readonly database: ReturnType<Link["for"]>;
  /** It has no place in the database any more. */
  readonly onReplaced: (reason: string) => void;
};

export type SimGateway = {
  /** Where gateways share the owners. */
  readonly shared: SharedOwnership | undefined;
  readonly membership: Membership | undefined;
  readonly clients: Handler;
  readonly callbacks: Handler;
  readonly records: Records;
  readonly revocations: Revocations;
  readonly reload: (variant: Variant) => Promise<void>;
  readonly status: () => UpstreamStatus;
  readonly stop: () => Promise<void>;
};

/** PKCS#8 of an Ed25519 key that never changes, so that every run of a seed writes the same bytes. */
const KEY = createPrivateKey({
  key: Buffer.concat([Buffer.from("302e020100300506032b657004220420", "hex"), Buffer.alloc(32, 7)]),
  format: "der",
  type: "pkcs8",
});
const same = <Value>(value: Value): Value => value;
const ORIGIN = "simulation.test/journal";
const SEGMENT_BYTES = 64 << 10;

export const startGateway = async (variant: Variant, facilities: Facilities): Promise<SimGateway> => {
  const stops: ShutdownSteps = [];
  const first = readingOf(variant);
  const { settings } = first;
  const journal = await openJournal(facilities.disk);
  stops.push(() => journal.close());
  const checkpoints = await createCheckpoints(journal, {
    key: KEY,
    origin: ORIGIN,
    everyMs: settings.audit.checkpoint.every,
  });
  stops.push(() => checkpoints.stop());
  await writeStartEntries(journal, { version: "0", config_hash: first.hash });
  stops.push(() => journal.append({ kind: "stop", reason: "asked to stop" }).catch(() => undefined));
  const floods = new RefusalSampling({ note: journal.note });
  stops.push(floods.flush);
  const noting = { ...bound(journal), note: floods.note };
  const counts = new Counts();
  const revocations = createRevocations();
  let standing: ActiveGeneration | undefined;
  const current = () => standing?.generation?.settings ?? settings;
  const cluster = facilities.shared && (await joinCluster(facilities.shared, stops));
  const started = await startOwnership(
    settings,
    {
      journal: noting,
      counts,
      current,
      cluster,
      onOtherOcs: (upstream, endpoint) =>
        standing?.generation?.upstreams.get(upstream)?.switchboard.noteAnnouncement(endpoint),
      storeThread: () => (facilities.mutant.storeThread ?? same)(facilities.storeThread()),
    },
    stops,
  );
  if (!cluster) watchUnconfirmed(started.ownership, facilities);
  const records = (facilities.mutant.records ?? same)(started);
  const inForce = (standing = new ActiveGeneration({
    services: { journal: noting, counts, revocations, records },
    onUpstreamEvent: upstreamEventHandler({
      journal: noting,
      counts,
      alarms: records.alarms,
      current,
      isShared: cluster !== undefined,
    }),
    sockets: new PassedSockets(),
  }));
  stops.push(() => inForce.close());
  await inForce.switchTo(first);
  const callbacks = await callbacksOf(inForce, { records, counts, stops, relay: facilities.relay, settings });
  return {
    shared: cluster && (started.ownership as SharedOwnership),
    membership: cluster?.membership,
    clients: inForce.handler,
    callbacks,
    records,
    revocations,
    reload: (next) => inForce.switchTo(readingOf(next)),
    status: () => inForce.generation!.upstreams.get(UPSTREAM)!.switchboard.status(),
    stop: () => runShutdown(stops),
  };
};

const watchUnconfirmed = (ownership: Records["ownership"], { unconfirmed }: Pick<Facilities, "unconfirmed">): void => {
  const unconfirm = ownership.unconfirm.bind(ownership);
  ownership.unconfirm = (upstream) => {
    unconfirmed();
    unconfirm(upstream);
  };
  const onActive = ownership.onActive.bind(ownership);
  ownership.onActive = (upstream, active) => {
    const before = ownership.epochOf(upstream);
    onActive(upstream, active);
    // The same OCS is connected again: `Epochs` makes the handles unconfirmed without a call of `unconfirm` above.
    if (active.how !== "start" && ownership.epochOf(upstream) === before) unconfirmed();
  };
};

/** As `startCluster` does, with the simulated database. */
const joinCluster = async ({ node, database, onReplaced }: Shared, stops: ShutdownSteps): Promise<Cluster> => {
  const membership = new Membership({ database: database.beats, node, version: "0", observer: { onReplaced } });
  await membership.join();
  stops.push(() => membership.leave());
  const parts = { database: database.database, membership };
  return { ...parts, node, facts: clusterFacts({ ...parts, counts: new StatementCounts() }) };
};

/** As `openJournal` does, without the lock: the simulation has one process at a time. */
const openJournal = async (disk: Disk): Promise<JournalWriter> => {
  const at = paths(DIRECTORY);
  await disk.makeDirectory(DIRECTORY);
  const recovered = await recover({ disk, dir: DIRECTORY, how: "durable", published: [] });
  const segments = new Segments(
    { disk, at, leaves: recovered.leaves, how: "durable", limit: SEGMENT_BYTES },
    recovered.tail,
  );
  return new JournalWriter({
    ...recovered,
    dir: DIRECTORY,
    disk,
    segments,
    clocks,
    newest: undefined,
    onFailure: "refuse",
    refusal: REFUSALS["journal-unavailable"],
    stuckMs: 2000,
    onNews: () => undefined,
    written: () => undefined,
    lock: { dir: DIRECTORY, fault: () => Promise.resolve(undefined), release: () => Promise.resolve() },
  });
};

const bound = ({
  dir,
  disk,
  unsettled,
  lastDeleted,
  keys,
  revoked,
  setAsideRanges,
  openedFrom,
  append,
  status,
  believed,
  head,
  close,
}: JournalWriter) => ({
  dir,
  disk,
  unsettled,
  lastDeleted,
  keys,
  revoked,
  setAsideRanges,
  openedFrom,
  append,
  status,
  believed,
  head,
  close,
});

type Desk = {
  readonly records: Records;
  readonly counts: Counts;
  readonly stops: ShutdownSteps;
  readonly relay: ValidatorClient;
  readonly settings: ReturnType<typeof readingOf>["settings"];
};

/** The handler of the callbacks listener, which the product gives to `listen`. */
const callbacksOf = async (
  standing: ActiveGeneration,
  { records, counts, stops, relay, settings }: Desk,
): Promise<Handler> => {
  let handler: Handler | undefined;
  await startCallbacks(
    settings,
    {
      records,
      counts,
      current: () => standing.generation!,
      sockets: new PassedSockets(),
      network: {
        listen: (options, given) => {
          handler = given;
          return Promise.resolve({
            name: options.name,
            url: "http://10.9.0.1:8444",
            port: 8444,
            connectionCount: () => ({ open: 0, left: 1 }),
            isSocketInherited: false,
            update: () => undefined,
            drain: () => undefined,
            idleFor: () => Infinity,
            stop: () => Promise.resolve(),
          });
        },
        validatorOf: ({ validator }) => Promise.resolve(validator === null ? undefined : relay),
      },
    },
    stops,
  );
  return handler!;
};
