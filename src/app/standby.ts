/**
 * A warm standby: a gateway process that has everything loaded, waits for the journal's lock and becomes the gateway when whoever holds it stops or
 * dies. It binds no port but `admin.probes`, where it says that it is a standby, and starts as after a restart.
 */
import { events } from "../events.ts";
import { holderInWords } from "../journal/lock/holder.ts";
import { holderOf, waitForLock, type Lock } from "../journal/lock.ts";
import type { Settings } from "../settings/schema.ts";
import type { PassedSockets } from "./passed-sockets.ts";
import { startProbes, type Probes } from "./probes.ts";
import { makeFolders } from "../file-owner.ts";

export type Leading = { readonly lock: Lock; readonly probes: Probes | undefined };

const AGAIN_MS = 1000;

/** Resolves when this process holds the lock, and to undefined when the signal came first. Rejects where the lock is not to be relied on. */
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
    events.standingBy(dir, holderInWords(holderOf(dir)));
    lock = await waitForLock(dir, { command: "ocsgw run --standby", role: "gateway" }, signal);
    if (lock) events.leading(dir);
    return lock && { lock, probes: await probing.end() };
  } finally {
    if (!lock) await probing.close();
  }
};

/** On the same machine and with the same config the address is the other gateway's, until that one is gone: it is tried again. */
class Probing {
  readonly #settings: Settings;
  readonly #sockets: PassedSockets;
  #probes: Probes | undefined;
  #timer: NodeJS.Timeout | undefined;
  #turn: Promise<void> = Promise.resolve();

  constructor(settings: Settings, sockets: PassedSockets) {
    this.#settings = settings;
    this.#sockets = sockets;
  }

  async begin(): Promise<void> {
    await this.#open((error) => events.probesTaken(error));
    this.#timer = setInterval(() => void (this.#turn = this.#turn.then(() => this.#open())), AGAIN_MS);
  }

  /** No longer tries; resolves to the listener when there is one. */
  async end(): Promise<Probes | undefined> {
    clearInterval(this.#timer);
    await this.#turn;
    return this.#probes;
  }

  async close(): Promise<void> {
    await (await this.end())?.stop();
  }

  async #open(tell: (error: unknown) => void = () => undefined): Promise<void> {
    try {
      this.#probes ??= await startProbes(
        this.#settings,
        { ready: () => ({ status: "standby" }), metrics: undefined },
        this.#sockets,
      );
    } catch (error) {
      tell(error);
    }
  }
}
