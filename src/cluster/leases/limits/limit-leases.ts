/**
 * Rate limits that gateways count together. Every 100 ms one statement takes points for all limits that were used
 * lately, and gives back those that were not needed. Requests without a point in hand share a statement of their own,
 * at most every 10 ms. A limit that nobody uses costs nothing. All together never allow more than the limit in a
 * window, because each point is taken in the database before it is spent, and is void when its window has ended there.
 *
 * While the database does not answer, each gateway allows its part (the limit divided by the gateways that lived last),
 * and reports it afterwards.
 */
import { DatabaseUnavailable } from "../../database-unavailable.ts";
import type { Ask, LimitStore } from "./limit-store.ts";
import { BothWindows, type Window } from "./both-windows.ts";
import { SharedWindow, type Ledger, type Limit } from "./shared-window.ts";

export type LimitLeasesOptions = {
  readonly store: LimitStore;
  /** The number of gateways that lived when it was last known. */
  readonly gateways: () => number;
  /** Called when limits begin or end to be counted by this gateway alone. */
  readonly onChange?: (isShared: boolean) => void;
  /** Monotonic milliseconds. */
  readonly now?: () => number;
};

const EVERY_MS = 100;
/** The shortest time between two statements of requests that wait. */
const SHORTEST_MS = 10;
/** A request waits no longer than this for the database. */
const LONGEST_MS = 250;

export class LimitLeases {
  readonly #options: LimitLeasesOptions;
  readonly #now: () => number;
  readonly #active = new Set<SharedWindow>();
  #isShared = true;
  #isRunning = false;
  #isClosed = false;
  #began = Number.NEGATIVE_INFINITY;
  #regularAt = Number.NEGATIVE_INFINITY;
  #timer: NodeJS.Timeout | undefined;
  #timerAt = Infinity;
  #statements = 0;
  readonly #ledger: Ledger;

  constructor(options: LimitLeasesOptions) {
    this.#options = options;
    this.#now = options.now ?? (() => performance.now());
    const isShared = (): boolean => this.#isShared && !this.#isClosed;
    this.#ledger = {
      get isShared() {
        return isShared();
      },
      gateways: options.gateways,
      now: this.#now,
      use: (window, isUrgent) => this.#use(window, isUrgent),
    };
  }

  /**
   * `key`: the same at all gateways. `own`: counts the limit at this gateway alone; a window shorter than a second is
   * over before the database has answered, so the gateways share its rate, and each keeps to its burst.
   */
  readonly windowFor = (key: string, limit: Limit, own: () => Window): Window => {
    const times = Math.ceil(1 / limit.seconds);
    const rate = { points: limit.points * times, seconds: limit.seconds * times };
    const shared = new SharedWindow(key, rate, this.#ledger);
    return times === 1 ? shared : new BothWindows(own(), shared);
  };

  /** `isShared`: the database answers. `inHand`: points that this gateway has taken and not used. */
  state(): {
    readonly isShared: boolean;
    readonly limits: number;
    readonly inHand: number;
    readonly statements: number;
  } {
    const inHand = [...this.#active].reduce((sum, window) => sum + window.inHand, 0);
    return { isShared: this.#isShared, limits: this.#active.size, inHand, statements: this.#statements };
  }

  /** Requests that come later go on with this gateway's share. */
  close(): void {
    this.#isClosed = true;
    clearTimeout(this.#timer);
    for (const window of this.#active) window.goOn();
  }

  #use(window: SharedWindow, isUrgent: boolean): void {
    this.#active.add(window);
    const now = this.#now();
    this.#runAt(isUrgent ? Math.max(now, this.#began + SHORTEST_MS) : Math.max(now, this.#regularAt + EVERY_MS));
  }

  /** Exchanges at this time, or earlier if that is planned already. */
  #runAt(time: number): void {
    if (this.#isRunning || this.#isClosed || time >= this.#timerAt) return;
    clearTimeout(this.#timer);
    this.#timerAt = time;
    this.#timer = setTimeout(() => void this.#run(), time - this.#now()).unref();
  }

  async #run(): Promise<void> {
    this.#timerAt = Infinity;
    this.#isRunning = true;
    const now = (this.#began = this.#now());
    const isRegular = now >= this.#regularAt + EVERY_MS;
    if (isRegular) this.#regularAt = now;
    const windows = [...this.#active].filter((window) => isRegular || window.isWaiting);
    try {
      await this.#exchange(windows, isRegular);
    } finally {
      this.#isRunning = false;
    }
    for (const window of windows) if (window.isIdle) this.#active.delete(window);
    if (this.#active.size === 0) return;
    const isUrgent = this.#isShared && [...this.#active].some(({ isWaiting }) => isWaiting);
    this.#runAt(isUrgent ? this.#began + SHORTEST_MS : this.#regularAt + EVERY_MS);
  }

  async #exchange(windows: readonly SharedWindow[], isRegular: boolean): Promise<void> {
    const asks: readonly Ask[] = windows.map((window) => window.ask(isRegular));
    const sent = this.#now();
    const late = setTimeout(() => this.#note(false), LONGEST_MS).unref();
    try {
      this.#statements++;
      const grants = await this.#options.store.exchange(asks);
      clearTimeout(late);
      this.#note(true);
      windows.forEach((window, at) => window.grant(grants[at]!, asks[at]!, sent));
    } catch (error) {
      clearTimeout(late);
      this.#note(false);
      windows.forEach((window, at) => window.fail(asks[at]!));
      if (!(error instanceof DatabaseUnavailable)) throw error;
    }
  }

  #note(isShared: boolean): void {
    if (!isShared) for (const window of this.#active) window.goOn();
    if (isShared === this.#isShared) return;
    this.#isShared = isShared;
    this.#options.onChange?.(isShared);
  }
}
