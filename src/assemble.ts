/** The composition root: settings → parts → listening. Stops them in reverse. Every part is made in this file and in the folder beside it. */
import { resolve } from "node:path";
import { startAdmin, type Admin } from "./assemble/admin.ts";
import { createAudit } from "./assemble/audit.ts";
import { startCallbacks, type Callbacks } from "./assemble/callbacks.ts";
import { startCommands } from "./assemble/commands.ts";
import { Standing } from "./assemble/changeover.ts";
import { QUIET_MS } from "./assemble/drain.ts";
import type { Reading } from "./assemble/generation.ts";
import { startJournal } from "./assemble/journal.ts";
import { createNoAnswers } from "./assemble/no-answers.ts";
import { watchDiskUse } from "./assemble/disk-use.ts";
import { gaugeOpenDoNotCalls } from "./assemble/open-do-not-calls.ts";
import { handlesOf, startOwnership } from "./assemble/ownership.ts";
import { createOversight } from "./assemble/oversight.ts";
import { PassedSockets } from "./assemble/passed-sockets.ts";
import { startProbes } from "./assemble/probes.ts";
import { LIMIT } from "./assemble/listeners.ts";
import { Reloader, type Reloaded, type ReloadOptions } from "./assemble/reload.ts";
import { RevocationKeeper } from "./assemble/revocations.ts";
import { startRereading } from "./assemble/rereading.ts";
import { startSegmentUpkeep } from "./assemble/segment-upkeep.ts";
import { startSettingAside } from "./assemble/set-aside.ts";
import { startTenantsKeeping } from "./assemble/tenants-keeping.ts";
import { startRetention } from "./assemble/retention.ts";
import type { Leading } from "./assemble/standby.ts";
import { undo, type Stops } from "./assemble/stops.ts";
import { statesOf, tellOf } from "./assemble/upstreams.ts";
import { VERSION } from "./assemble/version.ts";
import { Counts } from "./console/counts.ts";
import { newToken } from "./console/token.ts";
import { events } from "./events.ts";
import type { Parts } from "./gateway/words.ts";
import type { FilesRead } from "./settings/load.ts";
import { revocationsFile } from "./settings/revocations-file.ts";
import type { Settings } from "./settings/schema.ts";
import { AUTH_FAILURES, createRevocations } from "./tenants/credential.ts";
import { usedOf } from "./tenants/quota.ts";

export type Gateway = {
  /** As they are now. */
  readonly listeners: readonly { readonly name: string; readonly url: string }[];
  readonly admin: string | undefined;
  /** Where OCS announces records, by upstream. */
  readonly callbacks: Readonly<Record<string, string>>;
  /** The checkpoints' verifier key (C2SP vkey). */
  readonly verifierKey: string;
  /** Reads the config file again and switches to it, or keeps what is in force and says why. Never rejects. */
  readonly reload: (options?: ReloadOptions) => Promise<Reloaded>;
  /** Of the config that is in force: SHA-256, hexadecimal. */
  readonly configHash: string;
  /** Files that the generation in force was made of, besides the config itself, and those that the last reading named. */
  readonly files: FilesRead;
  /** The files of the config itself, as they were last read. */
  readonly config: FilesRead;
  /** Which changes come into force by themselves. */
  readonly watch: Settings["config"]["watch"];
  /** What `/readyz` says, for whoever supervises this process. `reasons`: why it does not serve. */
  readonly state: () => State;
  /** Resolves with why this gateway cannot go on, and must be stopped: it has lost its journal's lock. */
  readonly lost: Promise<string>;
  /** Says that it is not ready; after `drain.delay` lets what is under way end, then stops everything. */
  readonly stop: (reason: string, how?: Stopping) => Promise<void>;
};

export type Stopping = {
  /** The journal is another's: clients have no time to go elsewhere, and OCS's announcements are heard no more. */
  readonly now?: boolean;
  /** Milliseconds in which nobody may ask before idle connections are closed; QUIET_MS when left out. */
  readonly quiet?: number;
};

export type State = {
  readonly reasons: readonly string[];
  readonly warnings: readonly string[];
  readonly configHash: string;
};

export type AssembleOptions = {
  readonly settings: Settings;
  /** SHA-256 of the config, hexadecimal. */
  readonly configHash: string;
  /** What the settings name, as it was read; left out, a reload takes it for changed. */
  readonly files?: FilesRead;
  /** What else was read; left out, it is read again when it is needed. */
  readonly read?: Pick<Reading, "config" | "keys" | "pieces" | "kept">;
  /** For so long files must be the same before a watcher takes something away; 3 s when left out. */
  readonly stableMs?: number;
  /** Where the settings come from. */
  readonly file: string;
  /** For the admin API; a new one when left out. Where there is an admin listener it is left in the journal's directory. */
  readonly adminToken?: string;
  /** What a standby has already. */
  readonly leading?: Leading;
  /** That systemd listens on already; none when left out. */
  readonly sockets?: PassedSockets;
  /** Called with each reading of the config after the first, whoever asks for it, that may be switched to; its result is that of the reading. */
  readonly reloading?: <Value>(read: () => Promise<Value>) => Promise<Value>;
  /** By this name others hear who has the journal open; `ocsgw run` when left out. */
  readonly command?: string;
  /** Told of every request when its reply is decided. Must not throw. */
  readonly observed?: Parts["observe"];
};

export const assemble = async (options: AssembleOptions): Promise<Gateway> => {
  const stops: Stops = [];
  try {
    return await start(options, stops);
  } catch (error) {
    await undo(stops);
    throw error;
  }
};

const start = async (
  {
    settings,
    configHash,
    files = new Map(),
    read,
    stableMs,
    file,
    adminToken,
    leading,
    sockets = new PassedSockets(),
    reloading = (again) => again(),
    command,
    observed,
  }: AssembleOptions,
  stops: Stops,
): Promise<Gateway> => {
  const { promise: lost, resolve: lose } = Promise.withResolvers<string>();
  const first: Reading = { ...read, settings, hash: configHash, files };
  let probes = leading?.probes;
  stops.push(() => probes?.stop());
  const { lock, journal, checkpoints, secondPlaces, outside, openDoNotCalls, switchovers, signer, elsewhere, doubts } =
    await startJournal(settings, configHash, stops, { lock: leading?.lock, command, unlocked: lose });
  const counts = new Counts(AUTH_FAILURES);
  const revocations = createRevocations(() => journal.believed().now / 1000);
  // The records are there before what is in force.
  let inForce: Standing | undefined;
  const current = (): Settings => inForce?.generation?.settings ?? settings;
  const records = await startOwnership(settings, { journal, counts, current, switchovers }, stops);
  const noAnswers = createNoAnswers();
  stops.push(noAnswers.flush);
  const standing: Standing = new Standing({
    house: { journal, counts, revocations, records, noAnswers, observed },
    tell: tellOf({ journal, counts, alarms: records.alarms, current }),
    sockets,
  });
  inForce = standing;
  const gauge = gaugeOpenDoNotCalls({ journal, counter: openDoNotCalls }, stops);
  const rereading = await startRereading({ journal, checkpoints, signer, published: elsewhere }, stops);
  const aside = await startSettingAside({
    journal,
    checkpoints,
    signer,
    openDoNotCalls,
    known: gauge.known,
    rereading,
  });
  const switched = async (): Promise<void> => {
    probes?.update(current());
    tenantsKeeping.switched();
    await Promise.all([callbacks?.refresh(), oversight.refresh()]);
  };
  const reloader = new Reloader({ file, standing, journal, stableMs, reloading, switched });
  const reload = (options?: ReloadOptions): Promise<Reloaded> => reloader.reload(options);
  const tenantsKeeping = startTenantsKeeping(() => standing.generation!, stops);
  const keeper = await RevocationKeeper.open({
    file: revocationsFile(settings.audit.dir),
    revocations,
    journal,
    configHash: () => (standing.generation ?? first).hash,
  });
  stops.push(() => keeper.close());
  // Behind it: an entry about deleted segments states what is revoked.
  const retention = await startRetention({ journal, checkpoints, openDoNotCalls, known: gauge.known, current }, stops);
  startSegmentUpkeep({ journal, current }, stops);
  const token = adminToken ?? newToken();
  const audit = createAudit({ journal, checkpoints, settings: () => (standing.generation ?? first).settings }, stops);
  const commands = await startCommands({ lock, audit, revoke: (said) => keeper.decide(said), retention, aside }, stops);
  const diskUse = await watchDiskUse(settings.audit.dir, () => journal.status().failed !== undefined, stops);
  let admin: Admin | undefined;
  let callbacks: Callbacks | undefined;
  const oversight = await createOversight({
    reading: () => standing.generation ?? first,
    refused: () => reloader.refused,
    reload,
    version: VERSION,
    token,
    journal,
    checkpoints,
    secondPlaces,
    outside,
    counts,
    revoke: (said) => keeper.decide(said),
    revocationTroubles: () => keeper.troubles(),
    retention,
    audit,
    upstreams: () => statesOf(standing.generation?.boards.values() ?? [], current()),
    noAnswers: noAnswers.warnings,
    keySets: () => standing.generation?.credentials.keySets() ?? [],
    handles: () => handlesOf(records.ownership, (standing.generation ?? first).settings),
    openDoNotCalls: gauge.read,
    diskUse,
    rereading,
    commandsTrouble: commands.trouble,
    measures: {
      connections: () =>
        [
          ...standing.listeners.values(),
          ...[admin?.listener, probes?.listener].filter((each) => each !== undefined),
          ...(callbacks?.listeners ?? []),
        ].map(({ name, taken }) => ({ listener: name, ...taken() })),
      descriptorLimit: LIMIT,
      inDoubt: doubts,
      limits: () => [...usedOf(standing.generation?.limiters ?? new Map(), current().tenants)],
    },
  });
  // Before the listeners, so that in the reverse order of the stops it outlives them: while requests end, probes hear why it is not ready.
  admin = await startAdmin(settings, { handler: oversight.handler, token, counts, sockets }, stops);
  probes ??= await startProbes(settings, oversight.probed, sockets);
  probes?.answer(oversight.probed);
  // A standby's settings may have changed while it waited.
  probes?.update(settings);
  stops.push(() => standing.close());
  // Closed behind the clients' listeners: OCS does not dial while nobody answers what it announces.
  const ears: Stops = [];
  stops.push(() => undo(ears));
  let quiet = QUIET_MS;
  stops.push(() => standing.drain(quiet));
  await standing.changeTo(first);
  standing.admin = admin;
  const hearing = { records, counts, current: () => standing.generation!, sockets, quiet: () => quiet };
  callbacks = await startCallbacks(settings, hearing, ears);
  stops.push(() => reloader.close());
  stops.push(remind(oversight.warnings));
  tenantsKeeping.switched();
  oversight.stage = "serving";
  if (admin) gauge.start();
  let stopped: Promise<void> | undefined;
  const end: Gateway["stop"] = async (reason, how = {}) => {
    oversight.stage = "draining";
    quiet = how.now ? 0 : (how.quiet ?? QUIET_MS);
    events.stopping(reason);
    const { delay } = current().drain;
    if (!how.now && delay > 0) await new Promise((resolve) => setTimeout(resolve, delay));
    // Another gateway may have the store of record handles by now: what OCS announces is for that one.
    const deaf = how.now ? undo(ears) : undefined;
    await undo(stops);
    await deaf;
    events.stopped();
  };
  return {
    get listeners() {
      return [...standing.listeners.values()].map(({ name, url }) => ({ name, url }));
    },
    admin: admin?.url,
    callbacks: callbacks.urls,
    verifierKey: checkpoints.verifierKey,
    reload,
    state: () => ({
      reasons: oversight.notReady(),
      warnings: oversight.warnings(),
      configHash: standing.generation!.hash,
    }),
    get configHash() {
      return standing.generation!.hash;
    },
    get files() {
      return new Map([...standing.generation!.files, ...reloader.files]);
    },
    get config() {
      return reloader.config.size > 0
        ? reloader.config
        : (standing.generation!.config ?? new Map([[resolve(file), standing.generation!.hash]]));
    },
    get watch() {
      return current().config.watch;
    },
    lost,
    // What could not end in order is told to the first who asks.
    stop: (reason, how) => (stopped ? stopped.catch(() => undefined) : (stopped = end(reason, how))),
  };
};

const HOUR_MS = 3_600_000;

/** What nobody may overlook is told at the start and every hour. Returns the function that ends it. */
const remind = (warnings: () => readonly string[]): (() => void) => {
  const tell = (): void => warnings().forEach(events.wantsLookingAfter);
  tell();
  const timer = setInterval(tell, HOUR_MS).unref();
  return () => clearInterval(timer);
};
