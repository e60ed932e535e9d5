/**
 * Divides the lanes of each upstream among the gateways, so that all together never have more than `connections`.
 *
 * The database has one row for each upstream with what each gateway holds. Once a second each gateway reads the row,
 * decides what it may have (`plan`), and replaces the row if nobody changed it meanwhile. Why the sum is never
 * exceeded:
 *
 * 1. The row's numbers never add up to more than `connections`: a row is computed from the one that it replaces, and
 *    only what is left over is added. (After `connections` was lowered, nobody adds until enough was given back.)
 * 2. A gateway raises its own number in the row first, and opens lanes when that is committed. It closes lanes first,
 *    and lowers its number when they are closed. So it never has more than its number in the row.
 * 3. Others lower its number only after it did not renew for `expiresAfter` of their clock. Its own lease had ended 10
 *    s after it sent the renewal that they saw, at the latest; then it kept one lane, and `grace` later it had closed
 *    the others, busy or not. They leave it that one lane until it stopped in order or was forgotten.
 *
 * Without the database nobody can raise a number, and each gateway goes on with one lane after 10 s.
 */
import { DatabaseUnavailable } from "../../database-unavailable.ts";
import { fewDemands, expiresAfter, LANE_LEASE_MS, type Holder } from "./holder.ts";
import { HeldLanes, type Lanes, type LaneSettings } from "./held-lanes.ts";
import type { LaneRows, LaneStore } from "./lane-store.ts";
import { planFor, type Plan, type Self } from "./plan.ts";

/** `held`: what this gateway may have open. `total`: what all may have. `reserved`: for gateways that are silent. */
export type LaneLeaseState = {
  readonly upstream: string;
  readonly held: number;
  readonly total: number;
  readonly reserved: number;
  /** False: the lease has ended; the reserved lane is left. */
  readonly isLeased: boolean;
};

export type LaneEvent =
  | { readonly kind: "lane-lease-lost"; readonly upstream: string; readonly lanes: number }
  | { readonly kind: "lane-lease-regained"; readonly upstream: string; readonly lanes: number }
  | { readonly kind: "no-lane-left"; readonly upstream: string; readonly total: number; readonly gateways: number };

export type LaneLeasesOptions = {
  readonly store: LaneStore;
  readonly node: string;
  /** Of this run. */
  readonly instance: string;
  /** Names the lock that this process keeps until its end; undefined if there is none. */
  readonly lock?: string | undefined;
  readonly onEvent?: (event: LaneEvent) => void;
  /** After each attempt to renew, with the state of all upstreams. */
  readonly onRenewed?: (states: readonly LaneLeaseState[]) => void;
  /** Monotonic milliseconds; and milliseconds since 1970. */
  readonly now?: () => number;
  readonly wallClock?: () => number;
};

const RENEW_EVERY_MS = 1000;
const SAMPLE_EVERY_MS = 100;
/** The wait for a busy lane to give back, or for the first lane, is shorter than that for the next second. */
const SOON_MS = 100;
const ATTEMPTS = 5;

type Seen = { readonly beat: number; readonly since: number };

type Kept = {
  readonly lanes: HeldLanes;
  /** When each other gateway's last beat was first read. */
  seen: ReadonlyMap<string, Seen>;
  lease: "none" | "held" | "lost";
  /** When the last renewal that succeeded was sent, on both clocks. */
  sent: Clocks;
  /** The highest version read; a lower one means that the database has lost the last changes. */
  version: bigint;
  /** After such a loss, each gateway claims what it has, and no more until then. */
  mayRaiseAt: number;
  plan: Plan | undefined;
  lacksLane: boolean;
};

type Clocks = { readonly monotonic: number; readonly wall: number };

export class LaneLeases {
  readonly #options: LaneLeasesOptions;
  readonly #now: () => number;
  readonly #wallClock: () => number;
  readonly #upstreams = new Map<string, Kept>();
  #running: Promise<void> | undefined;
  #timers: NodeJS.Timeout[] = [];
  #soon: NodeJS.Timeout | undefined;
  #isClosed = false;

  constructor(options: LaneLeasesOptions) {
    this.#options = options;
    this.#now = options.now ?? (() => performance.now());
    this.#wallClock = options.wallClock ?? Date.now;
  }

  start(): void {
    this.#timers = [
      setInterval(() => void this.renew(), RENEW_EVERY_MS).unref(),
      setInterval(() => this.sample(), SAMPLE_EVERY_MS).unref(),
    ];
    void this.renew();
  }

  /** The number of lanes that the upstream may have here now; 0 before the first renewal. */
  limitOf(upstream: string): number {
    return this.#upstreams.get(upstream)?.lanes.limit ?? 0;
  }

  /** From now on `lanes` has the upstream's number of lanes; so has its former switchboard, until it is removed. */
  add(upstream: string, settings: LaneSettings, lanes: Lanes): void {
    this.configure(upstream, settings);
    this.#upstreams.get(upstream)!.lanes.add(lanes);
    this.#renewIn(0);
  }

  configure(upstream: string, settings: LaneSettings): void {
    const kept = this.#upstreams.get(upstream);
    if (kept) kept.lanes.settings = settings;
    else
      this.#upstreams.set(upstream, {
        lanes: new HeldLanes(settings),
        seen: new Map(),
        lease: "none",
        sent: { monotonic: -Infinity, wall: -Infinity },
        version: 0n,
        mayRaiseAt: -Infinity,
        plan: undefined,
        lacksLane: false,
      });
  }

  /** Call this when all lanes of the switchboard are closed. */
  remove(upstream: string, lanes: Lanes): void {
    this.#upstreams.get(upstream)?.lanes.remove(lanes);
    if (!this.#isClosed) this.#renewIn(0);
  }

  states(): LaneLeaseState[] {
    return [...this.#upstreams].map(([upstream, { lanes, plan, lease }]) => ({
      upstream,
      held: lanes.held,
      total: plan?.total ?? lanes.settings.total,
      reserved: plan?.reserved ?? 0,
      isLeased: lease === "held",
    }));
  }

  /**
   * Ends leases whose time is over. Also called before a lane is assigned: a process that was stopped must not use
   * lanes that others may have taken.
   */
  readonly check = (): void => {
    for (const [upstream, kept] of this.#upstreams) {
      const { lanes, lease } = kept;
      if (lease === "none") continue;
      const left = this.#leaseLeft(kept);
      if (lease === "held" && left <= 0) {
        kept.lease = "lost";
        lanes.fallBack();
        this.#options.onEvent?.({ kind: "lane-lease-lost", upstream, lanes: lanes.limit });
      }
      if (left <= -lanes.settings.grace) lanes.closeSurplus();
    }
  };

  /** Renews now. Resolves when it is done, or failed because the database did not answer. */
  renew(): Promise<void> {
    return (this.#running ??= this.#renewAll().finally(() => (this.#running = undefined)));
  }

  /** Gives all lanes back. Call this when the switchboards are closed. */
  async close(): Promise<void> {
    this.#isClosed = true;
    for (const timer of this.#timers) clearInterval(timer);
    clearTimeout(this.#soon);
    await this.#running;
    await this.renew();
  }

  /** A machine that was suspended may have a monotonic clock that stood: both count. */
  #leaseLeft({ sent: { monotonic, wall } }: Kept): number {
    return LANE_LEASE_MS - Math.max(this.#now() - monotonic, this.#wallClock() - wall);
  }

  /** Notes the demand of this moment, and ends leases whose time is over. Called ten times a second. */
  sample(): void {
    this.check();
    for (const { lanes } of this.#upstreams.values()) lanes.sample();
  }

  async #renewAll(): Promise<void> {
    this.check();
    const names = [...this.#upstreams.keys()];
    if (names.length === 0) return;
    const sent = { monotonic: this.#now(), wall: this.#wallClock() };
    try {
      let rows = await this.#read(names);
      for (const upstream of names) {
        for (let attempt = 1; !(await this.#renewOne(upstream, rows, sent)); attempt++) {
          if (attempt === ATTEMPTS) throw new DatabaseUnavailable("the row of lanes changes too often", false);
          rows = await this.#read(names);
        }
      }
    } catch (error) {
      // The leases run out; the next renewal tries again.
      if (!(error instanceof DatabaseUnavailable)) throw error;
    }
    this.#options.onRenewed?.(this.states());
    if ([...this.#upstreams.keys()].some((name) => !names.includes(name))) await this.#renewAll();
  }

  async #read(names: readonly string[]): Promise<LaneRows> {
    const rows = await this.#options.store.read(names);
    for (const name of names) {
      const kept = this.#upstreams.get(name);
      if (kept) this.#note(kept, rows.leases.get(name));
    }
    return rows;
  }

  #note(kept: Kept, row: { readonly version: string; readonly holders: readonly Holder[] } | undefined): void {
    const now = this.#now();
    const version = BigInt(row?.version ?? 0);
    if (version < kept.version) kept.mayRaiseAt = now + 3 * RENEW_EVERY_MS + kept.lanes.settings.grace;
    kept.version = version;
    const before = kept.seen;
    const seenAs = ({ instance, beat }: Holder): readonly [string, Seen] => {
      const seen = before.get(instance);
      return [instance, seen?.beat === beat ? seen : { beat, since: now }];
    };
    kept.seen = new Map((row?.holders ?? []).map(seenAs));
  }

  /** Resolves to false if another gateway has changed the row meanwhile. */
  async #renewOne(upstream: string, { leases, nodes }: LaneRows, sent: Clocks): Promise<boolean> {
    const kept = this.#upstreams.get(upstream)!;
    const { lanes } = kept;
    const { version, holders } = leases.get(upstream) ?? { version: "0", holders: [] };
    const { node, instance, lock = null } = this.#options;
    const { total, grace } = lanes.settings;
    const self: Self = { node, instance, lock, total, grace, demands: fewDemands(lanes.takeDemands(), node) };
    const now = this.#now();
    const plan = planFor(holders, self, {
      isExpired: (holder) => now - kept.seen.get(holder.instance)!.since >= expiresAfter(holder),
      isOver: ({ node: name, instance: run }) => nodes.get(name)?.instance !== run || nodes.get(name)!.isStopped,
    });
    const mayHave = (): boolean => !this.#isClosed && !lanes.isUnused;
    const target = mayHave() ? plan.target : 0;
    const held = heldAfter(kept, plan, target, now);
    const isGone = held === 0 && !mayHave();
    const row = isGone ? [] : [{ ...self, held, beat: plan.beat }];
    const isNew = !isGone || holders.some((holder) => holder.instance === instance);
    if (isNew && !(await this.#options.store.replace(upstream, version, [...plan.others, ...row]))) return false;
    if (isGone && !mayHave()) return this.#upstreams.delete(upstream);
    Object.assign(kept, { version: BigInt(version) + 1n, plan, sent });
    lanes.held = held;
    lanes.limit = Math.min(held, mayHave() ? target : 0);
    this.#noteLease(upstream, kept);
    if (held > target || (held === 0 && target > 0)) this.#renewIn(SOON_MS);
    return true;
  }

  #noteLease(upstream: string, kept: Kept): void {
    const { lanes, lease, plan, lacksLane } = kept;
    if (lease === "lost") this.#options.onEvent?.({ kind: "lane-lease-regained", upstream, lanes: lanes.limit });
    kept.lease = "held";
    // An answer that came after the end of the lease that it renews.
    this.check();
    kept.lacksLane = plan!.target === 0 && !lanes.isUnused && lanes.limit === 0;
    if (kept.lacksLane && !lacksLane)
      this.#options.onEvent?.({
        kind: "no-lane-left",
        upstream,
        total: plan!.total,
        gateways: plan!.others.length + 1,
      });
  }

  #renewIn(ms: number): void {
    if (this.#timers.length === 0 || this.#isClosed) return;
    if (ms === 0) clearTimeout(this.#soon);
    else if (this.#soon) return;
    this.#soon = setTimeout(() => {
      this.#soon = undefined;
      void this.renew();
    }, ms).unref();
  }
}

/** Closes surplus lanes before anything is written; lanes are added only after that. Returns what to write. */
const heldAfter = ({ lanes, mayRaiseAt }: Kept, plan: Plan, target: number, now: number): number => {
  const isRestored = now < mayRaiseAt;
  const most = isRestored ? Math.min(plan.most, Math.max(plan.held, lanes.limit)) : plan.most;
  lanes.limit = Math.min(lanes.limit, target, isRestored ? Infinity : plan.held);
  return target > plan.held ? Math.min(target, most) : Math.min(plan.held, Math.max(target, lanes.open));
};
