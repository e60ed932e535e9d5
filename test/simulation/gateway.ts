/**
 * One life of the gateway: the parts that src/assemble.ts puts together, on a simulated disk, store and network. Left
 * out are the listeners (who asks calls the handlers), the admin console, retention and the revocations file.
 */
import { createPrivateKey } from "node:crypto";
import { startCallbacks } from "../../src/assemble/callbacks.ts";
import { Standing } from "../../src/assemble/changeover.ts";
import { startOwnership, type Records } from "../../src/assemble/ownership.ts";
import { undo, type Stops } from "../../src/assemble/stops.ts";
import { PassedSockets } from "../../src/assemble/passed-sockets.ts";
import { tellOf } from "../../src/assemble/upstreams.ts";
import { Counts } from "../../src/console/counts.ts";
import { createCheckpoints } from "../../src/journal/checkpoint.ts";
import { Floods } from "../../src/journal/floods.ts";
import { places } from "../../src/journal/places.ts";
import { recover } from "../../src/journal/recover.ts";
import { beginRun } from "../../src/journal/run.ts";
import { Segments } from "../../src/journal/segments.ts";
import { FileJournal } from "../../src/journal/writer.ts";
import type { Disk } from "../../src/journal/disk.ts";
import type { Handler } from "../../src/message.ts";
import { createRevocations, type Revocations } from "../../src/tenants/credential.ts";
import type { StoreThread } from "../../src/tenants/ownership.ts";
import type { Relay } from "../../src/upstream/relay.ts";
import type { UpstreamStatus } from "../../src/upstream/switchboard.ts";
import { DIRECTORY, readingOf, UPSTREAM, type Variant } from "./config.ts";
import { clocks } from "./globals.ts";
import type { Mutant } from "./mutants/mutant.ts";

export type Facilities = {
  readonly disk: Disk;
  readonly storeThread: () => StoreThread;
  readonly relay: Relay;
  readonly mutant: Mutant;
  /** The gateway takes for unconfirmed what it has heard so far. */
  readonly unconfirmed: () => void;
};

export type SimGateway = {
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
  const stops: Stops = [];
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
  await beginRun(journal, { version: "0", config_hash: first.hash });
  stops.push(() => journal.append({ kind: "stop", reason: "asked to stop" }).catch(() => undefined));
  const floods = new Floods({ note: journal.note });
  stops.push(floods.flush);
  const noting = { ...bound(journal), note: floods.note };
  const counts = new Counts();
  const revocations = createRevocations();
  let standing: Standing | undefined;
  const current = () => standing?.generation?.settings ?? settings;
  const started = await startOwnership(
    settings,
    {
      journal: noting,
      counts,
      current,
      storeThread: () => (facilities.mutant.storeThread ?? same)(facilities.storeThread()),
    },
    stops,
  );
  const { ownership } = started;
  const unconfirm = ownership.unconfirm.bind(ownership);
  ownership.unconfirm = (upstream) => {
    facilities.unconfirmed();
    unconfirm(upstream);
  };
  const records = (facilities.mutant.records ?? same)(started);
  const inForce = (standing = new Standing({
    house: { journal: noting, counts, revocations, records },
    tell: tellOf({ journal: noting, counts, alarms: records.alarms, current }),
    sockets: new PassedSockets(),
  }));
  stops.push(() => inForce.close());
  await inForce.changeTo(first);
  const callbacks = await callbacksOf(inForce, { records, counts, stops, relay: facilities.relay, settings });
  return {
    clients: inForce.handler,
    callbacks,
    records,
    revocations,
    reload: (next) => inForce.changeTo(readingOf(next)),
    status: () => inForce.generation!.boards.get(UPSTREAM)!.switchboard.status(),
    stop: () => undo(stops),
  };
};

/** As `openJournal` does, without the lock: the simulation has one process at a time. */
const openJournal = async (disk: Disk): Promise<FileJournal> => {
  const at = places(DIRECTORY);
  await disk.makeDirectory(DIRECTORY);
  const recovered = await recover({ disk, dir: DIRECTORY, how: "durable", published: [] });
  const segments = new Segments(
    { disk, at, leaves: recovered.leaves, how: "durable", limit: SEGMENT_BYTES },
    recovered.tail,
  );
  return new FileJournal({
    ...recovered,
    dir: DIRECTORY,
    disk,
    segments,
    clocks,
    newest: undefined,
    onFailure: "refuse",
    stuckMs: 2000,
    tell: () => undefined,
    written: () => undefined,
    lock: { dir: DIRECTORY, fault: () => Promise.resolve(undefined), release: () => Promise.resolve() },
  });
};

const bound = ({
  dir,
  disk,
  unsettled,
  deleted,
  keys,
  revoked,
  asides,
  begun,
  append,
  status,
  believed,
  head,
  close,
}: FileJournal) => ({
  dir,
  disk,
  unsettled,
  deleted,
  keys,
  revoked,
  asides,
  begun,
  append,
  status,
  believed,
  head,
  close,
});

type Desk = {
  readonly records: Records;
  readonly counts: Counts;
  readonly stops: Stops;
  readonly relay: Relay;
  readonly settings: ReturnType<typeof readingOf>["settings"];
};

/** The handler of the callbacks listener, which the product gives to `listen`. */
const callbacksOf = async (standing: Standing, { records, counts, stops, relay, settings }: Desk): Promise<Handler> => {
  let handler: Handler | undefined;
  await startCallbacks(
    settings,
    {
      records,
      counts,
      current: () => standing.generation!,
      sockets: new PassedSockets(),
      outside: {
        listen: (options, given) => {
          handler = given;
          return Promise.resolve({
            name: options.name,
            url: "http://10.9.0.1:8444",
            port: 8444,
            taken: () => ({ open: 0, left: 1 }),
            passed: false,
            update: () => undefined,
            drain: () => undefined,
            quietFor: () => Infinity,
            stop: () => Promise.resolve(),
          });
        },
        relayOf: ({ validator }) => Promise.resolve(validator === null ? undefined : relay),
      },
    },
    stops,
  );
  return handler!;
};
