/**
 * `ocsgw run`: runs the gateway until a signal stops it. SIGHUP, or a watched file that changed, reloads the config.
 */
import { resolve } from "node:path";
import { startGateway } from "../app/start.ts";
import type { Gateway, Stopping } from "../app/gateway.ts";
import {
  assignSockets,
  passedSockets,
  SocketsUnusable,
  type PassedSocket,
  type PassedSockets,
} from "../app/wiring/systemd-sockets.ts";
import { readFirst, type ThreadReading } from "../app/config/config-thread.ts";
import { standBy, type Leading } from "../app/standby.ts";
import { startWatching, type Change } from "../app/config/file-watcher.ts";
import { events, nameConfigInLog } from "../common/log/events.ts";
import { withTimeout } from "../common/timeout.ts";
import { ClusterUnavailable } from "../app/wiring/cluster/cluster.ts";
import { NameInUse } from "../cluster/membership.ts";
import { IndexKeyDiffers } from "../journal/integrity/key-checks.ts";
import { JournalHeld } from "../journal/lock/lock.ts";
import { JournalDamaged } from "../journal/errors.ts";
import { printProblems } from "./check/check.ts";
import { keepCompiledSoFar } from "./process/compile-cache.ts";
import { withGivenConfig } from "./process/given-config.ts";
import { hintInContainer } from "./process/container-hint.ts";
import { letHeapGrow } from "./process/heap.ts";
import { ServiceManager } from "./process/systemd-notify.ts";
import { stopOnSignal, firstSignal } from "./process/wait-for-signal.ts";
import { BROKEN, FAILED, NOT_VALID, UNREACHABLE } from "./exit-codes.ts";

export const run = async ({ config, standby }: { config: string; standby?: boolean }): Promise<number> => {
  // Without a handler SIGHUP kills the process; it may arrive while the gateway starts or stops.
  process.off("SIGHUP", early.onSignal).on("SIGHUP", early.onSignal);
  early.isReloadRequested = false;
  for (const signal of ["SIGUSR1", "SIGUSR2"] as const) {
    process.off(signal, logIgnored).on(signal, logIgnored);
  }
  nameConfigInLog(resolve(config));
  const read = await readWhole(config);
  if (!read) {
    hintInContainer(config);
    return printProblems(config);
  }
  // Not earlier: while the config is read, a small heap is better.
  letHeapGrow();
  try {
    // Before the gateway listens: a signal may arrive while it starts or waits.
    const signal = firstSignal();
    const passed = passedSockets();
    const sockets = assignSockets(passed, read.settings);
    const manager = new ServiceManager();
    const afterReload: AfterReload = { updateWatch: () => undefined };
    const begun = standby
      ? await takeOver(read, { config, signal, passed, sockets, manager, afterReload })
      : { read, leading: undefined, sockets };
    if (!begun) return 0;
    return await untilEnd(await start(config, begun, { manager, afterReload }), { signal, manager, afterReload });
  } catch (error) {
    if (error instanceof SocketsUnusable) {
      console.error(error.message);
      return NOT_VALID;
    }
    if (error instanceof IndexKeyDiffers) {
      console.error(`${config}: ${error.message}`);
      return NOT_VALID;
    }
    if (error instanceof JournalDamaged) {
      console.error(withGivenConfig(error.message));
      return BROKEN;
    }
    if (error instanceof ClusterUnavailable || error instanceof NameInUse) {
      console.error(`${config}: ${error.message}`);
      return error instanceof ClusterUnavailable ? UNREACHABLE : FAILED;
    }
    if (!(error instanceof JournalHeld)) throw error;
    console.error(
      `${error.message}\nStop the other gateway first, or set another audit.dir, or start this one with --standby, ` +
        "so that it takes over when the other one stops or dies",
    );
    return FAILED;
  }
};

const logIgnored = (signal: NodeJS.Signals): void => events.signalIgnored({ signal });

/** A SIGHUP during the start is remembered: the gateway reloads as soon as it runs. */
const early = { isReloadRequested: false, onSignal: (): void => void (early.isReloadRequested = true) };

type Read = Extract<ThreadReading, { ok: true }>;
type StartParts = { readonly read: Read; readonly leading: Leading | undefined; readonly sockets: PassedSockets };

/** Undefined for an invalid config. */
const readWhole = async (config: string): Promise<Read | undefined> => {
  const loaded = await readFirst({ file: config });
  if (!loaded.ok) return undefined;
  for (const { file, line, column, message } of loaded.warnings)
    events.configWarning({ where: `${file}:${line}:${column}`, problem: message });
  return loaded;
};

const start = (
  config: string,
  { read, leading, sockets }: StartParts,
  { manager, afterReload }: Pick<Run, "manager" | "afterReload">,
): Promise<Gateway> =>
  startGateway({
    settings: read.settings,
    configHash: read.hash,
    files: read.files,
    read,
    file: config,
    sockets,
    reloading: (again) => manager.reloading(again).finally(() => afterReload.updateWatch()),
    ...(leading && { leading }),
  });

/** `updateWatch` runs after each reload, because other files may have to be watched. */
type AfterReload = { updateWatch: () => void };

type Run = {
  readonly config: string;
  readonly signal: Promise<NodeJS.Signals>;
  readonly manager: ServiceManager;
  readonly afterReload: AfterReload;
};

/** Resolves with the exit code. */
const untilEnd = async (gateway: Gateway, { signal, manager, afterReload }: Omit<Run, "config">): Promise<number> => {
  let reloading: Promise<() => Promise<void>> | undefined;
  manager.serving(gateway.state);
  const stop = async (reason: string, how?: Stopping): Promise<void> => {
    manager.stopping();
    // A reload in progress does not delay the stop: the gateway abandons it.
    await Promise.all([reloading?.then((end) => end()), gateway.stop(reason, how)]);
  };
  const ended = stopOnSignal({ stop }, signal).then(() => 0);
  const lost = gateway.lost.then((reason) => stopAsLost(() => stop(reason, { now: true }), reason));
  reloading = keepReloading(gateway, afterReload);
  if (early.isReloadRequested) void gateway.reload({ by: "SIGHUP" });
  // After the signal handlers, because it takes a while at the first start.
  keepCompiledSoFar();
  return Promise.race([ended, lost]);
};

/**
 * Finishes the requests in progress, then ends this process in any case: a supervisor restarts it, or a standby takes
 * over.
 */
const stopAsLost = async (stop: () => Promise<void>, reason: string): Promise<number> => {
  await withTimeout(LOST_MS, stop()).catch(() => undefined);
  console.error(`the gateway has stopped, because ${reason}`);
  process.exit(FAILED);
};

/** Time for requests in progress; their outcomes can no longer be written. */
const LOST_MS = 5000;

type Passed = { readonly passed: readonly PassedSocket[]; readonly sockets: PassedSockets };

/** Undefined when a signal stops the standby before it takes over. */
const takeOver = async (
  first: Read,
  { config, signal, passed, sockets, manager }: Run & Passed,
): Promise<StartParts | undefined> => {
  const stopped = new AbortController();
  void signal.then(() => stopped.abort());
  manager.standingBy();
  const leading = await standBy(first.settings, { sockets, signal: stopped.signal });
  if (!leading) return undefined;
  const read = await readAgain(config, first, passed);
  if (!stopped.signal.aborted) return { leading, read, sockets: assignSockets(passed, read.settings) };
  await leading.probes?.stop();
  await leading.lock.release();
  return undefined;
};

/**
 * Loads the config again, which may have changed while the standby waited; keeps the old one if the new one is
 * unusable.
 */
const readAgain = async (config: string, before: Read, passed: readonly PassedSocket[]): Promise<Read> => {
  const now = await readFirst({ file: config });
  const why = now.ok
    ? lockAndProbes(now) === lockAndProbes(before)
      ? whyNotAssigned(passed, now)
      : "audit.dir or admin.probes has changed, which needs a restart of the standby"
    : now.problems
        .map(({ file, line, column, code }) => `${file}:${line}:${column} ${code}`)
        .slice(0, 3)
        .join(", ");
  if (why !== undefined) events.standbyConfigRejected({ reason: why });
  return now.ok && why === undefined ? now : before;
};

const whyNotAssigned = (passed: readonly PassedSocket[], { settings }: Read): string | undefined => {
  try {
    assignSockets(passed, settings);
    return undefined;
  } catch (error) {
    return (error as SocketsUnusable).message;
  }
};

const lockAndProbes = ({ settings: { audit, admin } }: Read): string =>
  JSON.stringify([audit.dir, admin?.probes ?? null]);

/** Watches the files that `config.watch` selects, and handles SIGHUP. Resolves to a function that ends both. */
export const keepReloading = async (
  gateway: Pick<Gateway, "reload" | "files" | "config" | "watch">,
  afterReload: AfterReload = { updateWatch: () => undefined },
): Promise<() => Promise<void>> => {
  const watched = (): ReadonlyMap<string, string | undefined> =>
    gateway.watch === "none"
      ? new Map()
      : gateway.watch === "all"
        ? new Map([...gateway.config, ...gateway.files])
        : gateway.files;
  const again = (): void => void gateway.reload({ by: "SIGHUP" });
  process.on("SIGHUP", again);
  const changed = ({ whole }: Change): Promise<unknown> => gateway.reload({ by: "watcher", whole });
  const watch = await startWatching({ files: watched, changed });
  afterReload.updateWatch = () => void watch.check();
  return async () => {
    process.off("SIGHUP", again);
    await watch.close();
  };
};
