/** `ocsgw run`: the gateway, from a config file, until it is told to stop. SIGHUP, or other content of a file, reads the config again. */
import { assemble, type Gateway, type Stopping } from "../assemble.ts";
import {
  assignSockets,
  passedSockets,
  SocketsUnusable,
  type PassedSocket,
  type PassedSockets,
} from "../assemble/passed-sockets.ts";
import { readFirst, type Aside } from "../assemble/reading-thread.ts";
import { standBy, type Leading } from "../assemble/standby.ts";
import { startWatching, type Change } from "../assemble/watch.ts";
import { events } from "../events.ts";
import { within } from "../journal/broken.ts";
import { IndexKeyDiffers } from "../journal/key-checks.ts";
import { JournalHeld } from "../journal/lock.ts";
import { JournalDamaged } from "../journal/recover.ts";
import { sayInvalid } from "./check.ts";
import { keepCompiledSoFar } from "./compile-cache.ts";
import { hintInContainer } from "./container-hint.ts";
import { letHeapGrow } from "./heap.ts";
import { ServiceManager } from "./service-manager.ts";
import { untilToldToStop, whenToldToStop } from "./until-told-to-stop.ts";

export const serve = async ({ config, standby }: { config: string; standby?: boolean }): Promise<number> => {
  // Whom nobody hears, SIGHUP ends: it may come before there is anything to read again, and while requests end.
  process.off("SIGHUP", early.heard).on("SIGHUP", early.heard);
  early.isAsked = false;
  for (const signal of ["SIGUSR1", "SIGUSR2"] as const) {
    process.off(signal, events.signalIgnored).on(signal, events.signalIgnored);
  }
  const read = await readWhole(config);
  if (!read) {
    hintInContainer(config);
    return sayInvalid(config);
  }
  // Not before: the heap of the reading would grow too, and nobody is served yet.
  letHeapGrow();
  try {
    // Before it listens: a signal may come while it starts, or waits.
    const told = whenToldToStop();
    const passed = passedSockets();
    const sockets = assignSockets(passed, read.settings);
    const manager = new ServiceManager();
    const afterwards: Afterwards = { look: () => undefined };
    const begun = standby
      ? await lead(read, { config, told, passed, sockets, manager, afterwards })
      : { read, leading: undefined, sockets };
    if (!begun) return 0;
    return await untilEnd(await start(config, begun, { manager, afterwards }), { told, manager, afterwards });
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
      console.error(error.message);
      return BROKEN;
    }
    if (!(error instanceof JournalHeld)) throw error;
    console.error(
      `${error.message}\nstop that one first, give this one an audit.dir of its own, or start it with --standby: then it takes over when that one stops or dies`,
    );
    return FAILED;
  }
};

const FAILED = 1;
const NOT_VALID = 3;
const BROKEN = 7;
/** What was written after the first reading comes into force once there is something to be changed. */
const early = { isAsked: false, heard: (): void => void (early.isAsked = true) };

type Read = Extract<Aside, { ok: true }>;
type Begun = { readonly read: Read; readonly leading: Leading | undefined; readonly sockets: PassedSockets };

/** Undefined when the file is not valid. */
const readWhole = async (config: string): Promise<Read | undefined> => {
  const loaded = await readFirst({ file: config });
  if (!loaded.ok) return undefined;
  for (const { file, line, column, message } of loaded.warnings)
    events.settingsWarning(`${file}:${line}:${column}`, message);
  return loaded;
};

const start = (
  config: string,
  { read, leading, sockets }: Begun,
  { manager, afterwards }: Pick<Run, "manager" | "afterwards">,
): Promise<Gateway> =>
  assemble({
    settings: read.settings,
    configHash: read.hash,
    files: read.files,
    read,
    file: config,
    sockets,
    reloading: (again) => manager.reloading(again).finally(() => afterwards.look()),
    ...(leading && { leading }),
  });

/** `look`: after each reading, whoever has asked for it, because other files may be watched from now on. */
type Afterwards = { look: () => void };

type Run = {
  readonly config: string;
  readonly told: Promise<NodeJS.Signals>;
  readonly manager: ServiceManager;
  readonly afterwards: Afterwards;
};

/** Resolves with the exit code. */
const untilEnd = async (gateway: Gateway, { told, manager, afterwards }: Omit<Run, "config">): Promise<number> => {
  let reloading: Promise<() => Promise<void>> | undefined;
  manager.serving(gateway.state);
  const stop = async (reason: string, how?: Stopping): Promise<void> => {
    manager.stopping();
    // A reading that is under way holds up nobody: the gateway gives it up.
    await Promise.all([reloading?.then((end) => end()), gateway.stop(reason, how)]);
  };
  const ended = untilToldToStop({ stop }, told).then(() => 0);
  const lost = gateway.lost.then((reason) => stopAsLost(() => stop(reason, { now: true }), reason));
  reloading = keepReloading(gateway, afterwards);
  if (early.isAsked) void gateway.reload({ by: "SIGHUP" });
  // It takes a while on the first start, and whoever stops the gateway meanwhile wants requests to end.
  keepCompiledSoFar();
  return Promise.race([ended, lost]);
};

/** What is under way ends; then this process, in any case: whoever supervises it starts it again, or a standby leads. */
const stopAsLost = async (stop: () => Promise<void>, reason: string): Promise<number> => {
  await within(LOST_MS, stop()).catch(() => undefined);
  console.error(`the gateway has stopped, because it no longer has its journal to itself: ${reason}`);
  process.exit(FAILED);
};

/** Requests that are under way may take so long; OCS's answers can no longer be written down. */
const LOST_MS = 5000;

type Passed = { readonly passed: readonly PassedSocket[]; readonly sockets: PassedSockets };

/** Undefined when the standby is told to stop before it leads. */
const lead = async (
  first: Read,
  { config, told, passed, sockets, manager }: Run & Passed,
): Promise<Begun | undefined> => {
  const over = new AbortController();
  void told.then(() => over.abort());
  manager.standingBy();
  const leading = await standBy(first.settings, { sockets, signal: over.signal });
  if (!leading) return undefined;
  const read = await readAgain(config, first, passed);
  if (!over.signal.aborted) return { leading, read, sockets: assignSockets(passed, read.settings) };
  await leading.probes?.stop();
  await leading.lock.release();
  return undefined;
};

/** The file may have changed while the standby waited. What it holds now counts, unless it cannot, or the lock is that of another directory. */
const readAgain = async (config: string, before: Read, passed: readonly PassedSocket[]): Promise<Read> => {
  const now = await readFirst({ file: config });
  const why = now.ok
    ? placeOf(now) === placeOf(before)
      ? whyNotAssigned(passed, now)
      : "audit.dir or admin.probes has changed, for which a standby must be restarted"
    : now.problems
        .map(({ file, line, column, code }) => `${file}:${line}:${column} ${code}`)
        .slice(0, 3)
        .join(", ");
  if (why !== undefined) events.standbyConfigKept(why);
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

const placeOf = ({ settings: { audit, admin } }: Read): string => JSON.stringify([audit.dir, admin?.probes ?? null]);

/** By the mode: nothing, what the config names, or all of it. The function that is returned ends it. */
export const keepReloading = async (
  gateway: Pick<Gateway, "reload" | "files" | "config" | "watch">,
  afterwards: Afterwards = { look: () => undefined },
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
  afterwards.look = () => void watch.look();
  return async () => {
    process.off("SIGHUP", again);
    await watch.close();
  };
};
