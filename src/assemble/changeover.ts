/**
 * From one generation to the next, with nothing dropped. First everything that can fail: files are read, addresses bound, the way to a new OCS
 * is found. Then the switch, in one turn of the event loop. Then what is no longer needed goes, once the last request judged by the old
 * generation has its answer.
 */
import type { Handler } from "../message.ts";
import { stopTimeOf, type StopTime } from "../settings/stop-time.ts";
import type { Admin } from "./admin.ts";
import { createGeneration, type Generation, type House, type Reading } from "./generation.ts";
import { drain, drainListeners } from "./drain.ts";
import { heldBySystemd, listenersFor, type Listeners } from "./listeners.ts";
import type { PassedSockets } from "./passed-sockets.ts";
import { undo, type Stops } from "./stops.ts";
import { boardsFor, type BoardParts } from "./upstreams.ts";

/** Undone for good after this long, should a request of an old generation never end. */
const LONGEST_RETIREMENT_MS = 120_000;
const LOOK_MS = 50;

export type Surroundings = {
  readonly house: House;
  readonly tell: BoardParts["tell"];
  readonly sockets: PassedSockets;
};

export class Standing {
  readonly #surroundings: Surroundings;
  #generation: Generation | undefined;
  #listeners: Listeners = new Map();
  #retired: Promise<void> = Promise.resolve();
  /** Takes its certificate with it. */
  admin: Admin | undefined;

  constructor(surroundings: Surroundings) {
    this.#surroundings = surroundings;
  }

  /** Judges by the generation in force when the request arrives. */
  readonly handler: Handler = (arrival) => this.#generation!.handler(arrival);

  /** Undefined until the first is there. */
  get generation(): Generation | undefined {
    return this.#generation;
  }

  get listeners(): Listeners {
    return this.#listeners;
  }

  /** In words, what would be refused for where this process got its sockets; no address is tried. */
  whyNot({ settings }: Reading): string | undefined {
    return heldBySystemd(settings, this.#listeners);
  }

  /** Rejects when something of the new generation cannot be had: then everything is as it was. */
  async changeTo(reading: Reading): Promise<void> {
    const undoing: Stops = [];
    try {
      const commit = await this.#prepare(reading, undoing);
      commit();
    } catch (error) {
      await undo(undoing);
      throw error;
    }
  }

  async #prepare(reading: Reading, undoing: Stops): Promise<() => void> {
    const before = this.#generation;
    const { boards, fresh, retune } = await boardsFor(
      reading,
      {
        tell: this.#surroundings.tell,
        ...this.#surroundings.house.records,
        epochOf: (upstream) => this.#surroundings.house.records.ownership.epochOf(upstream),
      },
      before?.boards,
    );
    undoing.push(async () => void (await Promise.all(fresh.map(({ switchboard }) => switchboard.close()))));
    const generation = await createGeneration(this.#surroundings.house, reading, boards, {
      before,
      current: () => this.#generation,
    });
    if (generation.credentials !== before?.credentials) undoing.push(() => generation.credentials.close());
    // The first one is there before anybody can ask.
    this.#generation ??= generation;
    await Promise.all(fresh.map(({ switchboard }) => switchboard.begin()));
    const swapAdmin = await this.admin?.prepare(reading.settings.admin);
    const {
      house: { counts },
      sockets,
    } = this.#surroundings;
    const behind = { handler: this.handler, counts };
    const next = await listenersFor(reading.settings, behind, { before: this.#listeners, sockets });
    undoing.push(async () => void (await Promise.all(next.opened.map((listener) => listener.stop(0)))));
    return () => {
      retune();
      swapAdmin?.();
      next.commit();
      this.#generation = generation;
      this.#listeners = next.listeners;
      const drained = drainListeners(next.gone, timesOf(before ?? generation));
      // In the order of generations: what two of them share is closed when both are over.
      if (before) this.#retired = Promise.all([this.#retired, drained]).then(() => retire(before, generation));
    };
  }

  /** Lets what is under way end, then closes the way to OCS. `quiet`: milliseconds in which nobody may ask. */
  async drain(quiet: number): Promise<void> {
    const generation = this.#generation;
    if (!generation) return;
    const [listeners, boards] = [[...this.#listeners.values()], [...generation.boards.values()]];
    await drain({ listeners, boards, live: generation.live, longest: timesOf(generation), quiet });
    await this.#retired;
  }

  /** Behind it: what judges credentials, which callbacks need as well. */
  close(): void {
    this.#generation?.credentials.close();
  }
}

const timesOf = ({ settings }: Reading): StopTime =>
  stopTimeOf({ ...settings, upstreams: Object.values(settings.upstreams) });

/** Closes what the next generation does not share with the old one. */
const retire = async (old: Generation, next: Generation): Promise<void> => {
  const until = performance.now() + LONGEST_RETIREMENT_MS;
  while (old.live() > 0 && performance.now() < until) await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
  if (old.credentials !== next.credentials) old.credentials.close();
  const kept = new Set(next.boards.values());
  await Promise.all(
    [...old.boards.values()].filter((board) => !kept.has(board)).map(({ switchboard }) => switchboard.close()),
  );
};
