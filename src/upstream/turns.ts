/**
 * Which lane serves which tenant. A lane belongs to one tenant from connect to close, so every change of tenant costs a
 * new connection: a TCP and TLS handshake during which the lane serves no request. `fair-queue` says which tenant is
 * next; this decides when a lane changes its tenant for it.
 *
 * While there are no more active tenants than lanes, lanes are divided among them by share, and each tenant keeps its
 * own. Only what does not divide evenly changes hands. With more tenants than lanes, lanes change hands after turns,
 * whose length `#lengthFor` computes.
 */
import { IDLE_TURN, type FairQueue, type Waiting } from "./fair-queue.ts";
import type { Pace } from "./pace.ts";

/** A lane serves `of` requests of one tenant before other tenants are considered; `left` of them are left. */
export type Turn = { tenant: string; left: number; of: number };

/** What is needed of a lane. `since`: when it came into its present state, on the monotonic clock. */
type Connection = { readonly tenant: string | undefined; readonly since: number };

export type TurnsOptions = {
  readonly connections: number;
  readonly onePerTenant: boolean;
  readonly queue: { readonly maxWait: number };
  readonly shareOf?: ((tenant: string) => number) | undefined;
};

/** A tenant that has asked within this time is active, in milliseconds. */
const ACTIVE_MS = 1000;
/** Without isolation a change of tenant costs nothing; a turn only saves looking for the next tenant. */
const WITHOUT_COST = 4;
/** 100 requests in turns of 14 are 7 connections. */
const SHORTEST = IDLE_TURN;
/** A connection then takes one sixteenth of its turn: longer turns would save hardly anything. */
const LONGEST_IN_CONNECTS = 16;
const ROUNDING = 1e-9;

export class Turns<Lane extends Connection> {
  readonly #queue: FairQueue<Waiting>;
  readonly #pace: Pace;
  readonly #free: ReadonlySet<Lane>;
  #options: TurnsOptions;
  #lanes: readonly Lane[] = [];
  /** The tenant that a busy lane serves. The lane itself may still have the connection of the tenant before. */
  readonly #served = new WeakMap<Lane, string>();
  /** When each tenant last asked, to a tenth of `ACTIVE_MS`, the latest at the end. */
  readonly #asked = new Map<string, number>();

  constructor(queue: FairQueue<Waiting>, pace: Pace, free: ReadonlySet<Lane>, options: TurnsOptions) {
    this.#queue = queue;
    this.#pace = pace;
    this.#free = free;
    this.#options = options;
  }

  retune(options: TurnsOptions, lanes: readonly Lane[]): void {
    this.#options = options;
    this.#lanes = lanes;
  }

  asked(tenant: string, now: number): void {
    const before = this.#asked.get(tenant);
    if (before !== undefined && now - before < ACTIVE_MS / 10) return;
    this.#asked.delete(tenant);
    this.#asked.set(tenant, now);
  }

  /** The lane serves this tenant from now on. Called before its request is taken out of the queue. */
  begin(lane: Lane, tenant: string): Turn {
    this.#served.set(lane, tenant);
    const of = this.#lengthFor(tenant);
    return { tenant, of, left: of };
  }

  /** The lane could not connect and serves nobody until it is free again. */
  abandon(lane: Lane): void {
    this.#served.delete(lane);
  }

  /** The first tenant in the queue's order for which there is a free lane, and that lane. */
  match(): { readonly tenant: string; readonly lane: Lane } | undefined {
    const first = this.#queue.first();
    if (first === undefined) return undefined;
    const lane = this.laneFor(first);
    if (lane) return { tenant: first, lane };
    for (const tenant of this.#queue.inOrder()) {
      const other = tenant === first ? undefined : this.laneFor(tenant);
      if (other) return { tenant, lane: other };
    }
    return undefined;
  }

  /** A free lane for this tenant: the one of its own that it used last, an unconnected one, or one to take over. */
  laneFor(tenant: string): Lane | undefined {
    let own: Lane | undefined;
    let unconnected: Lane | undefined;
    for (const lane of this.#free) {
      if (lane.tenant === undefined) unconnected ??= lane;
      else if (lane.tenant === tenant || !this.#options.onePerTenant) own = lane;
    }
    return own ?? unconnected ?? this.#another(tenant);
  }

  /**
   * Called when an exchange on the lane has ended. Updates the turn to the tenant that the lane serves next; false when
   * its tenant has nothing left, which makes the lane free.
   */
  goOn(lane: Lane, turn: Turn): boolean {
    if (!this.#queue.isWaiting(turn.tenant)) return false;
    const isOver = turn.left <= 0;
    const next = isOver || this.#mayCutShort(turn) ? this.#successor(turn.tenant, isOver) : undefined;
    if (next !== undefined || isOver) Object.assign(turn, this.begin(lane, next ?? turn.tenant));
    return true;
  }

  /**
   * The length of a turn, in requests. With c = the measured time of a new connection, divided by that of an exchange:
   * - at least 14 for a share of 1, which is 7 new connections for 100 requests;
   * - at least c, so that lanes do not spend more time on connecting than on requests;
   * - where more tenants wait than there are lanes, all m requests that the tenant has waiting, because this minimises
   *   the longest wait: with turns of t the last request waits for m/t turns, rounded up, of c + t requests of each
   *   tenant before it, which is least for t = m;
   * - at most 16·c of them, beyond which hardly anything is saved; more is divided into turns of equal length;
   * - so short that every waiting tenant has its turn within half of `max_wait`.
   */
  #lengthFor(tenant: string): number {
    const share = this.#shareOf(tenant);
    if (!this.#options.onePerTenant) return Math.ceil(WITHOUT_COST * share);
    const { exchange, connect } = this.#pace;
    if (exchange === 0) return Math.ceil(SHORTEST * share);
    const cost = connect / exchange;
    const least = Math.max(SHORTEST, cost) * share;
    let wanted = least;
    if (this.#queue.tenants > this.#options.connections) {
      const waiting = this.#queue.ahead(tenant, false);
      const longest = LONGEST_IN_CONNECTS * cost * share;
      const parts = Math.min(Math.ceil(waiting / longest), Math.floor(waiting / least));
      wanted = Math.max(least, waiting / Math.max(1, parts));
    }
    const rounds = Math.max(1, this.#queue.tenants / this.#options.connections);
    const bound = this.#options.queue.maxWait / 2 / rounds / exchange - cost;
    return Math.max(1, Math.round(Math.min(wanted, Math.max(WITHOUT_COST * share, bound))));
  }

  #shareOf(tenant: string): number {
    return this.#options.shareOf?.(tenant) ?? 1;
  }

  /**
   * A turn may be cut short for tenants that go first, unless there are so many that cutting turns short would be all
   * that lanes do, and not before the lane has served for as long as its connection took to make.
   */
  #mayCutShort({ left, of }: Turn): boolean {
    const { fresh } = this.#queue;
    if (fresh === 0 || !this.#options.onePerTenant) return fresh > 0;
    return fresh <= this.#lanes.length && (of - left) * this.#pace.exchange >= this.#pace.connect;
  }

  /** A tenant with fewer lanes than its part takes over one from `tenant`, which has more to ask, but also more lanes. */
  #successor(tenant: string, isOver: boolean): string | undefined {
    const queue = this.#queue;
    const mayFollow = (other: string): boolean => queue.isFresh(other) || (isOver && !queue.isBehind(tenant, other));
    const others = queue.inOrder().filter((other) => other !== tenant && mayFollow(other));
    if (!this.#options.onePerTenant || others.length === 0) return others[0];
    const [owned, part] = [this.#owned(), this.#parts()];
    if (owned(tenant) <= Math.floor(part(tenant) + ROUNDING)) return undefined;
    return others.find((other) => owned(other) < Math.ceil(part(other) - ROUNDING));
  }

  /** The free lane of another tenant that was idle the longest; if possible of a tenant with several lanes. */
  #another(tenant: string): Lane | undefined {
    if (this.#free.size === 0) return undefined;
    const now = performance.now();
    const isStuck = (lane: Lane): boolean => !this.#free.has(lane) && now - lane.since >= ACTIVE_MS;
    const lanes = this.#lanes.filter((lane) => !isStuck(lane));
    const owned = this.#owned(lanes);
    const isCrowded = this.#active(now) > lanes.length;
    // Taking over a lane costs two connections: this one, and the next one of the tenant that loses it. So a tenant with
    // a lane waits for its own, until the other lane has been idle for as long as a connection or a turn takes. A lane
    // on which OCS takes long is no lane to wait for.
    const { connect, exchange } = this.#pace;
    const patience = owned(tenant) === 0 ? 0 : isCrowded ? connect : connect + SHORTEST * exchange;
    let last: Lane | undefined;
    for (const lane of this.#free) {
      const idle = now - lane.since;
      if (idle >= ACTIVE_MS) return lane;
      if (idle < patience) continue;
      if (owned(lane.tenant!) > 1) return lane;
      if (isCrowded) last ??= lane;
    }
    return last;
  }

  #owned(lanes = this.#lanes): (tenant: string) => number {
    const counts = new Map<string, number>();
    for (const lane of lanes) {
      const owner = this.#free.has(lane) ? lane.tenant : this.#served.get(lane);
      if (owner !== undefined) counts.set(owner, (counts.get(owner) ?? 0) + 1);
    }
    return (tenant) => counts.get(tenant) ?? 0;
  }

  /** Each tenant's part of the lanes by share, among all that want one now. */
  #parts(): (tenant: string) => number {
    let sum = 0;
    for (const tenant of this.#wanting()) sum += this.#shareOf(tenant);
    return (tenant) => (this.#lanes.length * this.#shareOf(tenant)) / sum;
  }

  /** Tenants that wait or are being served. */
  #wanting(): Set<string> {
    const wanting = new Set(this.#queue.inOrder());
    for (const lane of this.#lanes) {
      const served = this.#free.has(lane) ? undefined : this.#served.get(lane);
      if (served !== undefined) wanting.add(served);
    }
    return wanting;
  }

  /** The number of active tenants. All whose free lanes are protected count, so some lane can always be taken over. */
  #active(now: number): number {
    for (const [tenant, at] of this.#asked) {
      if (now - at < ACTIVE_MS) break;
      this.#asked.delete(tenant);
    }
    const wanting = this.#wanting();
    for (const tenant of this.#asked.keys()) wanting.add(tenant);
    for (const { tenant, since } of this.#free) {
      if (tenant !== undefined && now - since < ACTIVE_MS) wanting.add(tenant);
    }
    return wanting.size;
  }
}
