/**
 * The other OCS of a pair: what does it show to a new connection, and is that what it shows while all is well? Sites differ: a standby closes what
 * it accepts, refuses, or keeps connections and stays silent. So a standby is healthy when it does what the config says (`standby`) or, without
 * that, what it did when it was last seen alive beside a working primary. One that only ever refused was never seen alive.
 */
import type { Endpoint } from "./endpoint.ts";
import { probe, type Probe, type Seen } from "./probe.ts";

/** What a standby does with a new connection while all is well. */
export type Habit = "closes" | "refuses" | "accepts";

export type StandbyStatus = {
  readonly seen: Seen;
  /** The error, where there was one: ECONNREFUSED, CERT_HAS_EXPIRED and the like. */
  readonly detail: string | undefined;
  /** Milliseconds for which it has been seen so. */
  readonly since: number;
  /** What is healthy: as configured, or learned. Undefined while neither. */
  readonly expected: Habit | undefined;
  readonly healthy: boolean;
};

export type StandbyOptions = {
  /** As configured; it is learned while undefined. */
  readonly habit: () => Habit | undefined;
  /** The active OCS is connected: only then the other one is its standby. */
  readonly isActiveWell: () => boolean;
  /** It has begun to differ from what is healthy, or is healthy again. */
  readonly changed: (endpoint: string, status: StandbyStatus) => void;
  /** The standby of the board that this one replaces: what was learned stays. */
  readonly inherits: Standby | undefined;
};

const EVERY_MS = 60_000;
/** Longer than a search for the primary takes: no request waits for this probe. */
const HOLD_MS = 200;
const HABIT: Readonly<Record<Seen, Habit | undefined>> = {
  accepts: "accepts",
  "accepts and closes": "closes",
  refuses: "refuses",
  silent: undefined,
  "fails TLS": undefined,
};

type Sight = {
  readonly endpoint: Endpoint;
  readonly seen: Seen;
  readonly detail: string | undefined;
  readonly at: number;
};

export class Standby {
  readonly #options: StandbyOptions;
  #learned: Habit | undefined;
  #endpoint: Endpoint | undefined;
  #sight: Sight | undefined;
  #wasHealthy = true;
  #lookedAt = -Infinity;
  #latest: Probe | undefined;
  #timer: NodeJS.Timeout | undefined;

  constructor(options: StandbyOptions) {
    this.#options = { ...options, inherits: undefined };
    this.#learned = options.inherits?.habit;
  }

  get habit(): Habit | undefined {
    return this.#options.habit() ?? this.#learned;
  }

  /** When the last probe ended; the monotonic clock's milliseconds. */
  get lookedAt(): number {
    return this.#lookedAt;
  }

  /** Probes this one from now on, at once and then each minute. */
  watch(endpoint: Endpoint | undefined): void {
    this.close();
    this.#endpoint = endpoint;
    if (endpoint) void this.#look(endpoint);
  }

  /** Undefined while nothing was seen of it. */
  status(endpoint: Endpoint): StandbyStatus | undefined {
    if (this.#sight?.endpoint !== endpoint) return undefined;
    const { seen, detail, at } = this.#sight;
    // A dead host refuses as well: that it is healthy here only the operator can say.
    const learned = this.#learned === "refuses" ? undefined : this.#learned;
    const expected = this.#options.habit() ?? learned;
    const does = HABIT[seen];
    const healthy = does !== undefined && (expected === undefined ? does !== "refuses" : does === expected);
    return { seen, detail, since: performance.now() - at, expected, healthy };
  }

  close(): void {
    clearTimeout(this.#timer);
    this.#endpoint = undefined;
  }

  async #look(endpoint: Endpoint): Promise<void> {
    const wasWell = this.#options.isActiveWell();
    const look = (this.#latest = probe(endpoint, HOLD_MS));
    await look.done;
    look.release()?.destroy();
    // A later look at the same one goes on from here, so that there is one each minute however often `watch` was called.
    if (this.#endpoint !== endpoint || this.#latest !== look) return;
    this.#timer = setTimeout(() => void this.#look(endpoint), EVERY_MS).unref();
    this.#lookedAt = performance.now();
    const seen = look.seen();
    if (seen === undefined) return;
    const [detail, last] = [look.detail(), this.#sight];
    if (last?.endpoint !== endpoint || last.seen !== seen || last.detail !== detail)
      this.#sight = { endpoint, seen, detail, at: performance.now() };
    if (wasWell && this.#options.isActiveWell()) this.#learn(HABIT[seen]);
    const status = this.status(endpoint)!;
    if (status.healthy !== this.#wasHealthy) this.#options.changed(endpoint.origin, status);
    this.#wasHealthy = status.healthy;
  }

  /** A refusal is learned only before anything else: it is also what a dead host shows, where the two others are signs of life. */
  #learn(habit: Habit | undefined): void {
    if (habit !== undefined && (this.#learned === undefined || this.#learned === "refuses")) this.#learned = habit;
  }
}
