/**
 * Decides which lane serves which tenant. A lane belongs to one tenant from connect to close, so each change of tenant
 * costs a new connection: a TCP and TLS handshake during which the lane serves no request. `fair-queue` decides which
 * tenant is next; this class decides when a lane changes its tenant.
 *
 * With no more active tenants than lanes, lanes are divided among them by share, and each tenant keeps its own; only
 * lanes that do not divide evenly change tenants. With more tenants than lanes, a lane changes its tenant after a turn,
 * whose length `#lengthFor` computes.
 */
import { IDLE_TURN, type FairQueue, type QueueItem } from "./fair-queue.ts";
import type { ServiceTime } from "./service-time.ts";

/** A lane serves `of` requests of one tenant before it may change tenants; `left` of them remain. */
export type Turn = { tenant: string; left: number; of: number };

/** `since`: when the lane entered its current state, on the monotonic clock. */
type TenantLane = { readonly tenant: string | undefined; readonly since: number };

export type TurnsOptions = {
  readonly connections: number;
  readonly onePerTenant: boolean;
  readonly queue: { readonly maxWait: number };
  readonly shareOf?: ((tenant: string) => number) | undefined;
};

/** A tenant that has sent a request within this time is active. Milliseconds. */
const ACTIVE_MS = 1000;
/** The length of a turn if tenants share connections: a change of tenant costs nothing then. */
const SHARED_TURN = 4;
/** The shortest turn: 100 requests in turns of 14 need 7 connections. */
const SHORTEST = IDLE_TURN;
/** The longest turn, as a multiple of the time of a connection: longer turns would save less than a sixteenth. */
const LONGEST_IN_CONNECTS = 16;
const ROUNDING = 1e-9;

export class Turns<Lane extends TenantLane> {
  readonly #queue: FairQueue<QueueItem>;
  readonly #serviceTime: ServiceTime;
  readonly #free: ReadonlySet<Lane>;
  #options: TurnsOptions;
  #lanes: readonly Lane[] = [];
  /** The tenant that a busy lane serves. The lane may still have the connection of the former tenant. */
  readonly #served = new WeakMap<Lane, string>();
  /** When each tenant last sent a request, to a tenth of `ACTIVE_MS`, the latest at the end. */
  readonly #lastRequest = new Map<string, number>();

  constructor(queue: FairQueue<QueueItem>, serviceTime: ServiceTime, free: ReadonlySet<Lane>, options: TurnsOptions) {
    this.#queue = queue;
    this.#serviceTime = serviceTime;
    this.#free = free;
    this.#options = options;
  }

  retune(options: TurnsOptions, lanes: readonly Lane[]): void {
    this.#options = options;
    this.#lanes = lanes;
  }

  noteRequest(tenant: string, now: number): void {
    const before = this.#lastRequest.get(tenant);
    if (before !== undefined && now - before < ACTIVE_MS / 10) return;
    this.#lastRequest.delete(tenant);
    this.#lastRequest.set(tenant, now);
  }

  /** Assigns the lane to this tenant. Called before its request is taken out of the queue. */
  begin(lane: Lane, tenant: string): Turn {
    this.#served.set(lane, tenant);
    const of = this.#lengthFor(tenant);
    return { tenant, of, left: of };
  }

  /** Call this when the lane could not connect: it serves no tenant until it is free again. */
  release(lane: Lane): void {
    this.#served.delete(lane);
  }

  /** The first tenant in the queue's order for which there is a free lane, and that lane. */
  match(): { readonly tenant: string; readonly lane: Lane } | undefined {
    const first = this.#queue.nextTenant();
    if (first === undefined) return undefined;
    const lane = this.laneFor(first);
    if (lane) return { tenant: first, lane };
    for (const tenant of this.#queue.inOrder()) {
      const other = tenant === first ? undefined : this.laneFor(tenant);
      if (other) return { tenant, lane: other };
    }
    return undefined;
  }

  /** A free lane for this tenant: its own lane that it used last, an unconnected one, or another tenant's. */
  laneFor(tenant: string): Lane | undefined {
    let own: Lane | undefined;
    let unconnected: Lane | undefined;
    for (const lane of this.#free) {
      if (lane.tenant === undefined) unconnected ??= lane;
      else if (lane.tenant === tenant || !this.#options.onePerTenant) own = lane;
    }
    return own ?? unconnected ?? this.#laneToTakeOver(tenant);
  }

  /**
   * Called when an exchange on the lane has ended. Updates the turn to the tenant that the lane serves next; false when
   * the lane's tenant has no request left and the lane becomes free.
   */
  continueTurn(lane: Lane, turn: Turn): boolean {
    if (!this.#queue.isWaiting(turn.tenant)) return false;
    const isOver = turn.left <= 0;
    const next = isOver || this.#mayEndEarly(turn) ? this.#nextTenant(turn.tenant, isOver) : undefined;
    if (next !== undefined || isOver) Object.assign(turn, this.begin(lane, next ?? turn.tenant));
    return true;
  }

  /**
   * The length of a turn, in requests. With c = the measured time of a new connection, divided by that of an exchange:
   * - at least 14 for a share of 1, which is 7 new connections for 100 requests;
   * - at least c, so that lanes do not spend more time on connecting than on requests;
   * - if more tenants wait than there are lanes, all m waiting requests of the tenant, because this minimises the
   *   longest wait: with turns of t the last request waits for m/t turns, rounded up, of c + t requests of each tenant
   *   before it, which is least for t = m;
   * - at most 16·c of them, because longer turns save little; more are divided into turns of equal length;
   * - so short that every waiting tenant has its turn within half of `max_wait`.
   */
  #lengthFor(tenant: string): number {
    const share = this.#shareOf(tenant);
    if (!this.#options.onePerTenant) return Math.ceil(SHARED_TURN * share);
    const { exchange, connect } = this.#serviceTime;
    if (exchange === 0) return Math.ceil(SHORTEST * share);
    const cost = connect / exchange;
    const least = Math.max(SHORTEST, cost) * share;
    let wanted = least;
    if (this.#queue.tenants > this.#options.connections) {
      const waiting = this.#queue.countOwnBefore(tenant, false);
      const longest = LONGEST_IN_CONNECTS * cost * share;
      const parts = Math.min(Math.ceil(waiting / longest), Math.floor(waiting / least));
      wanted = Math.max(least, waiting / Math.max(1, parts));
    }
    const rounds = Math.max(1, this.#queue.tenants / this.#options.connections);
    const bound = this.#options.queue.maxWait / 2 / rounds / exchange - cost;
    return Math.max(1, Math.round(Math.min(wanted, Math.max(SHARED_TURN * share, bound))));
  }

  #shareOf(tenant: string): number {
    return this.#options.shareOf?.(tenant) ?? 1;
  }

  /**
   * A turn may end early for sparse tenants, unless there are more of them than lanes, and not before the lane has
   * served requests for as long as its connection took to make.
   */
  #mayEndEarly({ left, of }: Turn): boolean {
    const { sparseTenants } = this.#queue;
    if (sparseTenants === 0 || !this.#options.onePerTenant) return sparseTenants > 0;
    return sparseTenants <= this.#lanes.length && (of - left) * this.#serviceTime.exchange >= this.#serviceTime.connect;
  }

  /** The tenant that gets the lane of `tenant`: one with fewer lanes than its share, if `tenant` has more. */
  #nextTenant(tenant: string, isOver: boolean): string | undefined {
    const queue = this.#queue;
    const mayFollow = (other: string): boolean => queue.isSparse(other) || (isOver && !queue.isBehind(tenant, other));
    const others = queue.inOrder().filter((other) => other !== tenant && mayFollow(other));
    if (!this.#options.onePerTenant || others.length === 0) return others[0];
    const [owned, part] = [this.#lanesPerTenant(), this.#fairShare()];
    if (owned(tenant) <= Math.floor(part(tenant) + ROUNDING)) return undefined;
    return others.find((other) => owned(other) < Math.ceil(part(other) - ROUNDING));
  }

  /** The free lane of another tenant that has been idle longest, preferably of a tenant with several lanes. */
  #laneToTakeOver(tenant: string): Lane | undefined {
    if (this.#free.size === 0) return undefined;
    const now = performance.now();
    const isStuck = (lane: Lane): boolean => !this.#free.has(lane) && now - lane.since >= ACTIVE_MS;
    const lanes = this.#lanes.filter((lane) => !isStuck(lane));
    const owned = this.#lanesPerTenant(lanes);
    const isOverbooked = this.#countActive(now) > lanes.length;
    // Taking over a lane costs two connections: this one, and the next one of the tenant that loses it. So a tenant
    // with own lanes waits for these until the other lane has been idle for the time of a connection or a turn. It does
    // not wait for a lane on which OCS has not answered for `ACTIVE_MS`.
    const { connect, exchange } = this.#serviceTime;
    const minIdle = owned(tenant) === 0 ? 0 : isOverbooked ? connect : connect + SHORTEST * exchange;
    let last: Lane | undefined;
    for (const lane of this.#free) {
      const idle = now - lane.since;
      if (idle >= ACTIVE_MS) return lane;
      if (idle < minIdle) continue;
      if (owned(lane.tenant!) > 1) return lane;
      if (isOverbooked) last ??= lane;
    }
    return last;
  }

  #lanesPerTenant(lanes = this.#lanes): (tenant: string) => number {
    const counts = new Map<string, number>();
    for (const lane of lanes) {
      const owner = this.#free.has(lane) ? lane.tenant : this.#served.get(lane);
      if (owner !== undefined) counts.set(owner, (counts.get(owner) ?? 0) + 1);
    }
    return (tenant) => counts.get(tenant) ?? 0;
  }

  /** Each tenant's number of lanes by share, among all tenants that need one now. */
  #fairShare(): (tenant: string) => number {
    let sum = 0;
    for (const tenant of this.#demandingTenants()) sum += this.#shareOf(tenant);
    return (tenant) => (this.#lanes.length * this.#shareOf(tenant)) / sum;
  }

  /** Tenants with queued requests or requests in flight. */
  #demandingTenants(): Set<string> {
    const tenants = new Set(this.#queue.inOrder());
    for (const lane of this.#lanes) {
      const served = this.#free.has(lane) ? undefined : this.#served.get(lane);
      if (served !== undefined) tenants.add(served);
    }
    return tenants;
  }

  /** The number of active tenants, including those whose free lanes may not be taken over yet. */
  #countActive(now: number): number {
    for (const [tenant, at] of this.#lastRequest) {
      if (now - at < ACTIVE_MS) break;
      this.#lastRequest.delete(tenant);
    }
    const tenants = this.#demandingTenants();
    for (const tenant of this.#lastRequest.keys()) tenants.add(tenant);
    for (const { tenant, since } of this.#free) {
      if (tenant !== undefined && now - since < ACTIVE_MS) tenants.add(tenant);
    }
    return tenants.size;
  }
}
