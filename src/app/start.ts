/**
 * The composition root: makes every part from the settings, opens the listeners, and stops the parts in reverse order.
 * Parts are made only in this folder and in wiring/.
 */
import { resolve } from "node:path";
import { startAdmin } from "./wiring/admin-listener.ts";
import { createAuditJobs } from "./wiring/journal/jobs/audit-jobs.ts";
import { createAudit } from "./wiring/journal/audit-api.ts";
import { createConsole, type Console } from "./wiring/console.ts";
import { startCallbacks } from "./wiring/callbacks.ts";
import { startCommands } from "./wiring/journal/commands.ts";
import { adminSources, type SideListeners } from "./admin-sources.ts";
import { createConfigView } from "./config/view/config-view.ts";
import { startCore, type Core } from "./core.ts";
import { QUIET_MS } from "./drain.ts";
import type { Gateway, StartOptions } from "./gateway.ts";
import { watchDiskUse } from "./wiring/journal/disk-use.ts";
import { gaugeOpenDoNotCalls, type OpenDoNotCallsGauge } from "./wiring/journal/open-dnc-gauge.ts";
import { createFlows, type Flows } from "./wiring/flows.ts";
import { sampleOpenDoNotCalls } from "./wiring/admin/open-dnc-samples.ts";
import { createAdminApi, type AdminApi } from "./wiring/admin-api.ts";
import { PassedSockets } from "./wiring/systemd-sockets.ts";
import { startProbes } from "./wiring/probes.ts";
import { Reloader } from "./reload.ts";
import { requireShared, sharingOf } from "./wiring/revocations/cluster-sharing.ts";
import { RevocationKeeper } from "./wiring/revocations/revocations.ts";
import { startBackgroundVerify, type BackgroundVerify } from "./wiring/journal/background-verify.ts";
import { startSegmentMaintenance } from "./wiring/journal/segment-maintenance.ts";
import { startSetAsideCommands, type SetAsideCommands } from "./wiring/journal/set-aside.ts";
import { startTenantsCacheWriter } from "./config/tenants-cache-writer.ts";
import { startRetention, type Retention } from "./wiring/journal/retention.ts";
import { runShutdown, type ShutdownSteps } from "./shutdown.ts";
import { createStop } from "./stop.ts";
import { consoleAddress } from "../admin/sessions/one-time-links.ts";
import { newToken } from "../admin/token.ts";
import { events } from "../common/log/events.ts";
import { revocationsFile } from "../settings/files/revocations-file.ts";

/** Rejects when a part cannot be made, after stopping the parts that were made before it. */
export const startGateway = async (options: StartOptions): Promise<Gateway> => {
  const stops: ShutdownSteps = [];
  try {
    return await start(options, stops);
  } catch (error) {
    await runShutdown(stops);
    throw error;
  }
};

const start = async (options: StartOptions, stops: ShutdownSteps): Promise<Gateway> => {
  const { settings, leading, file, stableMs, reloading = (again) => again() } = options;
  const side: SideListeners = { admin: undefined, probes: leading?.probes, callbacks: undefined };
  stops.push(() => side.probes?.stop());
  const core = await startCore(options, options.sockets ?? new PassedSockets(), stops);
  const { journal, checkpoints, active, current } = core;
  const verification = await startVerification(core, stops);
  const tenantsCacheWriter = startTenantsCacheWriter(() => active.generation!, stops);
  const switched = async (): Promise<void> => {
    side.probes?.update(current());
    tenantsCacheWriter.switched();
    configView.keep();
    await Promise.all([
      side.callbacks?.refresh(),
      adminApi.refresh(),
      core.forwarding.update(current()),
      core.telemetry.update(current()),
      core.nodePeers?.refresh(side.admin?.url),
    ]);
  };
  const configView = createConfigView(
    { file, dir: journal.dir, reading: core.reading, problemWith: (read) => active.problemWith(read) },
    stops,
  );
  const reloader = new Reloader({ file, active, journal, stableMs, reloading, switched });
  const keeper = await openRevocationKeeper(core, stops);
  const retention = await startDeletions(core, verification.gauge, stops);
  const token = options.adminToken ?? newToken();
  const audit = createAudit(
    { journal, checkpoints, settings: current, elsewhere: core.openDncs && (() => core.openDncs!.lacks()) },
    stops,
  );
  const commands = await startCommands(
    {
      lock: core.lock,
      audit,
      revoke: (request) => keeper.decide(request),
      retention,
      setAside: verification.setAside,
      peers: core.peers,
    },
    stops,
  );
  const auditJobs = await createAuditJobs({ core, audit, ...verification }, stops);
  const flows = createFlows(core);
  const console = await createConsole({ ...core, token, url: () => side.admin?.url }, stops);
  const diskUse = await watchDiskUse(settings.audit.dir, () => journal.status().failed !== undefined, stops);
  const adminApi: AdminApi = await createAdminApi(
    adminSources({
      core,
      side,
      reloader,
      configView,
      keeper,
      retention,
      ...verification,
      audit,
      auditJobs,
      flows,
      file,
      commands,
      diskUse,
      console,
      sandbox: options.sandbox,
    }),
  );
  const drain = { quiet: QUIET_MS };
  const callbackSteps = await openListeners({ options, core, side, adminApi, flows, token, drain }, stops);
  await core.nodePeers?.refresh(side.admin?.url);
  core.outbox.outbox.start();
  stops.push(() => core.outbox.outbox.stop());
  stops.push(() => reloader.close());
  stops.push(repeatWarnings(adminApi.warnings));
  tenantsCacheWriter.switched();
  configView.keep();
  adminApi.stage = "serving";
  if (side.admin || core.openDncs) verification.gauge.start();
  if (side.admin) {
    sampleOpenDoNotCalls({ recent: core.recent, read: verification.gauge.owners }, stops);
  }
  const stop = createStop({ current, adminApi, steps: stops, callbackSteps, drain });
  return runningGateway({ core, side, reloader, adminApi, console, file, stop });
};

type Verification = {
  readonly gauge: OpenDoNotCallsGauge;
  readonly backgroundVerify: BackgroundVerify;
  readonly setAside: SetAsideCommands;
};

/** Starts what reads the journal again, and what sets a damaged segment aside. */
const startVerification = async (core: Core, stops: ShutdownSteps): Promise<Verification> => {
  const { journal, checkpoints, signer, publishedCheckpoints: published, openDoNotCalls } = core;
  const gauge = gaugeOpenDoNotCalls({ journal, counter: openDoNotCalls }, stops);
  const backgroundVerify = await startBackgroundVerify({ journal, checkpoints, signer, published }, stops);
  const setAside = await startSetAsideCommands({
    journal,
    checkpoints,
    signer,
    openDoNotCalls,
    known: gauge.known,
    rereading: backgroundVerify,
  });
  return { gauge, backgroundVerify, setAside };
};

const openRevocationKeeper = async (core: Core, stops: ShutdownSteps): Promise<RevocationKeeper> => {
  const { journal, revocations, reading, cluster } = core;
  const keeper = await requireShared(
    RevocationKeeper.open({
      file: revocationsFile(reading().settings.audit.dir),
      revocations,
      journal,
      configHash: () => reading().hash,
      sharing: cluster && sharingOf(cluster),
    }),
  );
  stops.push(() => keeper.close());
  return keeper;
};

/** To be called after the revocations are read: an entry about deleted segments states what is revoked. */
const startDeletions = async (core: Core, gauge: OpenDoNotCallsGauge, stops: ShutdownSteps): Promise<Retention> => {
  const { journal, checkpoints, openDoNotCalls, current } = core;
  const retention = await startRetention({ journal, checkpoints, openDoNotCalls, known: gauge.known, current }, stops);
  startSegmentMaintenance({ journal, current }, stops);
  return retention;
};

type ListenerParts = {
  readonly options: StartOptions;
  readonly core: Core;
  readonly side: SideListeners;
  readonly adminApi: AdminApi;
  readonly flows: Flows;
  readonly token: string;
  readonly drain: { readonly quiet: number };
};

/** Opens all listeners and switches to the first generation. Resolves to the steps that close the callbacks. */
const openListeners = async (parts: ListenerParts, stops: ShutdownSteps): Promise<ShutdownSteps> => {
  const { options, core, side, adminApi, flows, token, drain } = parts;
  const { settings } = options;
  const { active, counts, records, sockets, reading } = core;
  // Before the clients' listeners, so that it stops after them: while requests end, probes still get the reason why the
  // gateway is not ready.
  side.admin = await startAdmin(settings, { handler: adminApi.handler, token, counts, sockets }, stops);
  // Streams end before the admin listener stops, and after the last request has its outcome.
  stops.push(() => flows.watchers.stop());
  side.probes ??= await startProbes(settings, adminApi.probed, sockets);
  side.probes?.answer(adminApi.probed);
  // A standby's settings may have changed while it waited.
  side.probes?.update(settings);
  stops.push(() => active.close());
  // Stopped after the clients' listeners: without an answer to its announcements OCS does not dial.
  const callbackSteps: ShutdownSteps = [];
  stops.push(() => runShutdown(callbackSteps));
  stops.push(() => active.drain(drain.quiet));
  await active.switchTo(reading());
  active.admin = side.admin;
  const callbackDeps = { records, counts, current: () => active.generation!, sockets, quiet: () => drain.quiet };
  side.callbacks = await startCallbacks(settings, callbackDeps, callbackSteps);
  return callbackSteps;
};

type RunningParts = {
  readonly core: Core;
  readonly side: SideListeners;
  readonly reloader: Reloader;
  readonly adminApi: AdminApi;
  readonly console: Console;
  readonly file: string;
  readonly stop: Gateway["stop"];
};

const runningGateway = ({ core, side, reloader, adminApi, console, file, stop }: RunningParts): Gateway => {
  const { active, current, checkpoints, markers, lost } = core;
  return {
    get listeners() {
      return [...active.listeners.values()].map(({ name, url }) => ({ name, url }));
    },
    admin: side.admin?.url,
    consoleLink: (maker, validMs) =>
      side.admin && consoleAddress(side.admin.url, console.sessions.createLink({ maker }, validMs)),
    callbacks: side.callbacks!.urls,
    verifierKey: checkpoints.verifierKey,
    reload: (options) => reloader.reload(options),
    state: () => ({
      reasons: adminApi.notReady(),
      warnings: adminApi.warnings(),
      configHash: active.generation!.hash,
    }),
    get configHash() {
      return active.generation!.hash;
    },
    get files() {
      return new Map([...active.generation!.files, ...reloader.files]);
    },
    get config() {
      return reloader.config.size > 0
        ? reloader.config
        : (active.generation!.config ?? new Map([[resolve(file), active.generation!.hash]]));
    },
    get watch() {
      return current().config.watch;
    },
    noteFault: (fault) => markers.note({ kind: "fault", fault }),
    lost,
    stop,
  };
};

const HOUR_MS = 3_600_000;

/** Logs all warnings at the start and every hour. Returns the function that ends it. */
const repeatWarnings = (warnings: () => readonly string[]): (() => void) => {
  const logAll = (): void => warnings().forEach((warning) => events.operatorWarning({ warning }));
  logAll();
  const timer = setInterval(logAll, HOUR_MS).unref();
  return () => clearInterval(timer);
};
