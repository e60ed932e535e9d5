/**
 * Puts virtual time in the place of the platform's: timers, immediates, both clocks. For a thread that does nothing
 * but simulate.
 */
import type { Event, Scheduler } from "./scheduler.ts";

export const realSetImmediate = globalThis.setImmediate;
const RealDate = Date;

/** 2026-11-22T12:00:00Z */
const EPOCH_MS = 1_795_348_800_000;

let scheduler: Scheduler;
const now = (): number => scheduler.now;
/** A wall clock, and how many milliseconds it is wrong. */
export const wallOf = ({ wallOffset }: { readonly wallOffset: number }): number =>
  Math.floor(EPOCH_MS + scheduler.now + wallOffset);
const RIGHT = { wallOffset: 0 };
/** That of the machine whose code runs. */
const wallNow = (): number => wallOf(scheduler.current?.clock ?? RIGHT);

class VirtualTimer {
  #event: Event;
  readonly #run: () => void;
  readonly #delay: number;

  constructor(delay: number, run: () => void) {
    this.#delay = delay;
    this.#run = run;
    this.#event = scheduler.timer(delay, run);
  }

  refresh(): this {
    this.#event.run = undefined;
    this.#event = scheduler.timer(this.#delay, this.#run);
    return this;
  }

  close(): void {
    this.#event.run = undefined;
  }

  ref(): this {
    return this;
  }

  unref(): this {
    return this;
  }

  hasRef(): boolean {
    return true;
  }
}

/** As Node does: less than 1 ms is 1 ms, and the times of timers are whole. */
const delayOf = (delay: number | undefined): number => (delay === undefined || !(delay >= 1) ? 1 : Math.trunc(delay));

type Args = unknown[];

const virtual = {
  setTimeout: (run: (...args: Args) => void, delay?: number, ...args: Args) =>
    new VirtualTimer(delayOf(delay), () => run(...args)),
  setInterval: (run: (...args: Args) => void, delay?: number, ...args: Args) => {
    const timer: VirtualTimer = new VirtualTimer(delayOf(delay), () => {
      timer.refresh();
      run(...args);
    });
    return timer;
  },
  setImmediate: (run: (...args: Args) => void, ...args: Args) => scheduler.immediate(() => run(...args)),
  clearTimeout: (timer?: VirtualTimer) => timer?.close(),
  clearInterval: (timer?: VirtualTimer) => timer?.close(),
  clearImmediate: (immediate?: { run: unknown }) => {
    if (immediate) immediate.run = undefined;
  },
};

class VirtualDate extends RealDate {
  constructor(...args: [] | [number | string | Date]) {
    if (args.length === 0) super(wallNow());
    else super(...(args as [number]));
  }

  static override now(): number {
    return wallNow();
  }
}

/** From here on the thread's time is this scheduler's. Called once for each simulation. */
export const takeOverTime = (given: Scheduler): void => {
  scheduler = given;
  let ids = 0;
  const randomUUID = (): string => `00000000-0000-4000-8000-${String(++ids).padStart(12, "0")}`;
  Object.defineProperty(crypto, "randomUUID", { value: randomUUID, configurable: true });
  Object.assign(globalThis, virtual, { Date: VirtualDate });
  Object.defineProperty(performance, "now", { value: now, configurable: true });
  Object.defineProperty(performance, "timeOrigin", { value: EPOCH_MS, configurable: true });
  Object.defineProperty(process, "pid", { value: 4242, configurable: true });
};

export const clocks = {
  wall: (): number => Math.floor((EPOCH_MS + scheduler.now + (scheduler.current?.clock ?? RIGHT).wallOffset) * 1000),
  steady: (): number => scheduler.now * 1000,
};

/** Steps in a batch: the platform drains the microtasks between two immediates. */
const BATCH = 64;

/**
 * Runs `step` until it returns false. Every microtask of one step has run before the next step. Rejects with what a
 * step throws.
 */
export const drive = (step: () => boolean): Promise<void> =>
  new Promise((resolve, reject) => {
    let isOver = false;
    const one = (): void => {
      if (isOver) return;
      try {
        if (step()) return;
        isOver = true;
        resolve();
      } catch (error) {
        isOver = true;
        reject(error as Error);
      }
    };
    const batch = (): void => {
      if (isOver) return;
      for (let at = 0; at < BATCH; at++) realSetImmediate(one);
      realSetImmediate(batch);
    };
    batch();
  });
