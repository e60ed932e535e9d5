/**
 * A warm standby: a process that has loaded everything and waits for the journal's lock. When the holder stops or dies,
 * it starts as a gateway, as after a restart. Until then it opens only `admin.probes`, which says that it is a standby.
 */
import { createStandbyMetrics } from "../admin/metrics/metrics.ts";
import { events } from "../common/log/events.ts";
import { holderInWords } from "../journal/lock/holder.ts";
import { holderOf, waitForLock, type Lock } from "../journal/lock/lock.ts";
import type { Settings } from "../settings/schema/schema.ts";
import type { PassedSockets } from "./wiring/systemd-sockets.ts";
import { startProbes, type Probes } from "./wiring/probes.ts";
import { makeFolders } from "../common/file-owner.ts";
import { SerialQueue } from "../common/serial-queue.ts";
import { VERSION } from "./version.ts";

export type Leading = { readonly lock: Lock; readonly probes: Probes | undefined };

const RETRY_MS = 1000;

/** Resolves when this process holds the lock; to undefined when `signal` aborts first. Rejects for an unusable lock. */
export const standBy = async (
  settings: Settings,
  { sockets, signal }: { readonly sockets: PassedSockets; readonly signal: AbortSignal },
): Promise<Leading | undefined> => {
  const { dir } = settings.audit;
  await makeFolders(dir);
  const probing = new Probing(settings, sockets);
  let lock: Lock | undefined;
  try {
    await probing.begin();
    events.standbyWaiting({ dir, holder: holderInWords(holderOf(dir)) });
    lock = await waitForLock(dir, { command: "ocsgw run --standby", role: "gateway" }, signal);
    if (lock) events.standbyTookOver({ dir });
    return lock && { lock, probes: await probing.end() };
  } finally {
    if (!lock) await probing.close();
  }
};

/** Opens `admin.probes`. On the same machine the active gateway may have the address, so it is tried again. */
class Probing {
  readonly #settings: Settings;
  readonly #sockets: PassedSockets;
  #probes: Probes | undefined;
  #timer: NodeJS.Timeout | undefined;
  readonly #queue = new SerialQueue();

  constructor(settings: Settings, sockets: PassedSockets) {
    this.#settings = settings;
    this.#sockets = sockets;
  }

  async begin(): Promise<void> {
    await this.#open((error) => events.standbyProbesUnavailable({ error }));
    this.#timer = setInterval(() => void this.#queue.run(() => this.#open()), RETRY_MS);
  }

  /** Stops trying; resolves to the listener if it is open. */
  async end(): Promise<Probes | undefined> {
    clearInterval(this.#timer);
    await this.#queue.idle();
    return this.#probes;
  }

  async close(): Promise<void> {
    await (await this.end())?.stop();
  }

  async #open(onFailure: (error: unknown) => void = () => undefined): Promise<void> {
    try {
      this.#probes ??= await startProbes(
        this.#settings,
        { ready: () => ({ status: "standby" }), metrics: createStandbyMetrics(VERSION) },
        this.#sockets,
      );
    } catch (error) {
      onFailure(error);
    }
  }
}
