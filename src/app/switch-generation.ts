/**
 * Replaces one generation by the next without dropping a request. First comes everything that can fail: files are read,
 * addresses are bound, the active OCS is found. Then the switch happens in one turn of the event loop. Parts that are
 * no longer needed are closed when the last request of the old generation has its answer.
 */
import type { Handler } from "../common/message.ts";
import type { Settings } from "../settings/schema/schema.ts";
import { stopTimeOf, type StopTime } from "../settings/stop-time.ts";
import type { Admin } from "./wiring/admin-listener.ts";
import { createGeneration, type Generation } from "./generation.ts";
import type { SharedServices } from "./shared-services.ts";
import type { Reading } from "./config/reading.ts";
import { drain, drainListeners } from "./drain.ts";
import { inheritedSocketProblem, listenersFor, type Listeners } from "./wiring/listeners.ts";
import type { PassedSockets } from "./wiring/systemd-sockets.ts";
import { runShutdown, type ShutdownSteps } from "./shutdown.ts";
import { upstreamEntriesFor, type UpstreamDeps } from "./wiring/upstreams.ts";

/** The old generation's parts are closed after this time even if one of its requests never ends. */
const LONGEST_RETIREMENT_MS = 120_000;
const POLL_MS = 50;

export type SwitchDeps = {
  readonly services: SharedServices;
  readonly onUpstreamEvent: UpstreamDeps["onEvent"];
  readonly sockets: PassedSockets;
  readonly onSent?: UpstreamDeps["onSent"];
};

export class ActiveGeneration {
  readonly #deps: SwitchDeps;
  #generation: Generation | undefined;
  #listeners: Listeners = new Map();
  #retired: Promise<void> = Promise.resolve();
  /** A switch also replaces the admin listener's certificate. */
  admin: Admin | undefined;

  constructor(deps: SwitchDeps) {
    this.#deps = deps;
  }

  /** Handles a request by the generation that is in force when it arrives. */
  readonly handler: Handler = (arrival) => this.#generation!.handler(arrival);

  /** Undefined before the first switch. */
  get generation(): Generation | undefined {
    return this.#generation;
  }

  get listeners(): Listeners {
    return this.#listeners;
  }

  /** Why the switch is impossible with systemd's sockets; undefined when it is possible. Opens no address. */
  problemWith({ settings }: { readonly settings: Pick<Settings, "listeners"> }): string | undefined {
    return inheritedSocketProblem(settings, this.#listeners);
  }

  /** Rejects when a part of the new generation cannot be made; then nothing has changed. */
  async switchTo(reading: Reading): Promise<void> {
    const undo: ShutdownSteps = [];
    try {
      const commit = await this.#prepare(reading, undo);
      commit();
    } catch (error) {
      await runShutdown(undo);
      throw error;
    }
  }

  async #prepare(reading: Reading, undo: ShutdownSteps): Promise<() => void> {
    const before = this.#generation;
    const {
      entries: upstreams,
      created,
      applyChanges,
    } = await upstreamEntriesFor(
      reading,
      {
        onEvent: this.#deps.onUpstreamEvent,
        onSent: this.#deps.onSent,
        lanes: this.#deps.services.lanes,
        ...this.#deps.services.records,
        epochOf: (upstream) => this.#deps.services.records.ownership.epochOf(upstream),
      },
      before?.upstreams,
    );
    undo.push(async () => void (await Promise.all(created.map(({ switchboard }) => switchboard.close()))));
    const generation = await createGeneration(this.#deps.services, reading, upstreams, {
      before,
      current: () => this.#generation,
    });
    if (generation.credentials !== before?.credentials) undo.push(() => generation.credentials.close());
    // The first generation is in force before a listener opens.
    this.#generation ??= generation;
    await Promise.all(created.map(({ switchboard }) => switchboard.begin()));
    const swapAdmin = await this.admin?.prepare(reading.settings);
    const {
      services: { counts },
      sockets,
    } = this.#deps;
    const isServing = (): boolean => (this.#generation?.inFlight() ?? 0) > 0;
    const behind = { handler: this.handler, counts, isServing };
    const next = await listenersFor(reading.settings, behind, { before: this.#listeners, sockets });
    undo.push(async () => void (await Promise.all(next.opened.map((listener) => listener.stop(0)))));
    return () => {
      applyChanges();
      swapAdmin?.();
      next.commit();
      this.#generation = generation;
      this.#listeners = next.listeners;
      const drained = drainListeners(next.removed, timesOf(before ?? generation));
      // Generations retire in order, because parts that two of them share are closed after the second.
      if (before) this.#retired = Promise.all([this.#retired, drained]).then(() => retire(before, generation));
    };
  }

  /** Finishes requests in progress, then closes the connections to OCS. `quiet`: milliseconds without a request. */
  async drain(quiet: number): Promise<void> {
    const generation = this.#generation;
    if (!generation) return;
    const [listeners, upstreams] = [[...this.#listeners.values()], [...generation.upstreams.values()]];
    await drain({ listeners, upstreams, inFlight: generation.inFlight, longest: timesOf(generation), quiet });
    await this.#retired;
  }

  /** Called after the callbacks have stopped, because they verify credentials too. */
  close(): void {
    this.#generation?.credentials.close();
  }
}

const timesOf = ({ settings }: Reading): StopTime =>
  stopTimeOf({ ...settings, upstreams: Object.values(settings.upstreams) });

/** Closes what the next generation does not share with the old one. */
const retire = async (old: Generation, next: Generation): Promise<void> => {
  const until = performance.now() + LONGEST_RETIREMENT_MS;
  while (old.inFlight() > 0 && performance.now() < until) await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  if (old.credentials !== next.credentials) old.credentials.close();
  const kept = new Set(next.upstreams.values());
  await Promise.all(
    [...old.upstreams.values()].filter((board) => !kept.has(board)).map(({ switchboard }) => switchboard.close()),
  );
};
