/**
 * One bounded queue per tenant, with start-time fair queueing between them (Goyal, Vin and Cheng, 1996): each request
 * advances its tenant's clock by 1/share, and the tenant with the lowest clock is next. A sparse tenant, which was idle
 * while the others had a whole turn, is first once (like the sparse flows of RFC 8290), so that a tenant that rarely
 * sends does not wait behind a flood. This class does not know lanes or time.
 */

export type QueueItem = {
  readonly tenant: string;
  readonly bytes: number;
  /** Served before the tenant's other requests. */
  readonly urgent: boolean;
};

export type QueueLimits = {
  /** Maximum requests per tenant. */
  readonly max: number;
  /** Maximum bytes per tenant. */
  readonly maxBytes: number;
};

type TenantQueue<Item> = {
  readonly tenant: string;
  share: number;
  readonly urgent: Item[];
  readonly rest: Item[];
  bytes: number;
  /** Advances by 1/share with each request. */
  clock: number;
  /** The queue's clock when the last request was taken out. */
  idleAt: number;
};

/** A tenant is sparse when the others' clocks have advanced by this while it was idle: the shortest turn. */
export const IDLE_TURN = 14;
/** Maximum distance of a clock from the lowest, so that using idle lanes costs a tenant little later. */
const MAX_AHEAD = 4 * IDLE_TURN;

/** The clock of a tenant that has never been queued. */
const NEVER = Number.NEGATIVE_INFINITY;

export class FairQueue<Item extends QueueItem> {
  #limits: QueueLimits;
  #shareOf: (tenant: string) => number;
  readonly #queues = new Map<string, TenantQueue<Item>>();
  /** Queues with requests, in the order in which they became non-empty. */
  readonly #waiting = new Set<TenantQueue<Item>>();
  readonly #sparse = new Set<TenantQueue<Item>>();
  /** The lowest clock of the waiting tenants, at which a new tenant starts. */
  #clock = 0;
  #size = 0;

  constructor(limits: QueueLimits, shareOf: (tenant: string) => number = () => 1) {
    this.#limits = limits;
    this.#shareOf = shareOf;
  }

  /** Applies new limits and shares. Queued requests stay, also beyond the new limits. */
  retune(limits: QueueLimits, shareOf: (tenant: string) => number = () => 1): void {
    this.#limits = limits;
    this.#shareOf = shareOf;
    for (const queue of this.#queues.values()) {
      if (this.#waiting.has(queue)) queue.share = shareOf(queue.tenant);
      else this.#queues.delete(queue.tenant);
    }
  }

  get size(): number {
    return this.#size;
  }

  /** The number of waiting tenants. */
  get tenants(): number {
    return this.#waiting.size;
  }

  /** The number of waiting sparse tenants. */
  get sparseTenants(): number {
    return this.#sparse.size;
  }

  isWaiting(tenant: string): boolean {
    return lengthOf(this.#queues.get(tenant)) > 0;
  }

  isSparse(tenant: string): boolean {
    const queue = this.#queues.get(tenant);
    return queue !== undefined && this.#sparse.has(queue);
  }

  /** True if `tenant` has had less service than `other`, relative to their shares. */
  isBehind(tenant: string, other: string): boolean {
    return (this.#queues.get(tenant)?.clock ?? this.#clock) < (this.#queues.get(other)?.clock ?? this.#clock);
  }

  /** Returns false if this tenant's queue is full. */
  push(item: Item): boolean {
    const queue = this.#queueOf(item.tenant);
    if (lengthOf(queue) >= this.#limits.max || queue.bytes + item.bytes > this.#limits.maxBytes) return false;
    if (lengthOf(queue) === 0) this.#wake(queue);
    (item.urgent ? queue.urgent : queue.rest).push(item);
    this.#count(queue, item, 1);
    return true;
  }

  /** Puts an item that could not be sent back to its place. */
  putBack(item: Item): void {
    const queue = this.#queueOf(item.tenant);
    if (queue.clock === NEVER) this.#wake(queue);
    else queue.clock -= 1 / queue.share;
    this.#waiting.add(queue);
    (item.urgent ? queue.urgent : queue.rest).unshift(item);
    this.#count(queue, item, 1);
  }

  /** Removes an item from any place. */
  remove(item: Item): void {
    const queue = this.#queues.get(item.tenant);
    const items = item.urgent ? queue?.urgent : queue?.rest;
    const at = items?.indexOf(item) ?? -1;
    if (!queue || at < 0) return;
    items!.splice(at, 1);
    this.#count(queue, item, -1);
  }

  /** Removes all items. Returns them, by tenant. */
  removeAll(): Item[] {
    const items = this.waitingTenants().flatMap((waiting) => waiting.items);
    for (const item of items) this.remove(item);
    return items;
  }

  /** The next tenant; undefined when none waits. */
  nextTenant(): string | undefined {
    for (const { tenant } of this.#sparse) return tenant;
    return this.#furthestBehind()?.tenant;
  }

  /** All waiting tenants, the next one first. */
  inOrder(): string[] {
    const others = [...this.#waiting].filter((queue) => !this.#sparse.has(queue));
    others.sort((one, other) => one.clock - other.clock);
    return [...this.#sparse, ...others].map(({ tenant }) => tenant);
  }

  /** Takes the tenant's next request: urgent ones first, each kind in order of arrival. */
  take(tenant: string): Item | undefined {
    const queue = this.#queues.get(tenant);
    const item = queue?.urgent.shift() ?? queue?.rest.shift();
    if (!queue || item === undefined) return undefined;
    this.#sparse.delete(queue);
    queue.clock += 1 / queue.share;
    this.#count(queue, item, -1);
    return item;
  }

  /** How many of this tenant's requests would be served before a new one. */
  countOwnBefore(tenant: string, urgent: boolean): number {
    const queue = this.#queues.get(tenant);
    return queue ? queue.urgent.length + (urgent ? 0 : queue.rest.length) : 0;
  }

  /** How many requests of all tenants would be served before a new one of this tenant, while all keep sending. */
  countBefore(tenant: string, urgent: boolean): number {
    const own = this.countOwnBefore(tenant, urgent);
    const queue = this.#queues.get(tenant);
    const isWaiting = queue !== undefined && this.#waiting.has(queue);
    const { clock, isSparse } = isWaiting
      ? { clock: queue.clock, isSparse: this.#sparse.has(queue) }
      : this.#startingClock(queue);
    if (own === 0 && isSparse) return this.#sparse.size - (isWaiting ? 1 : 0);
    const start = clock + own / (queue?.share ?? this.#shareOf(tenant));
    let others = 0;
    for (const other of this.#waiting) {
      if (other !== queue && other.clock <= start) others += Math.floor((start - other.clock) * other.share) + 1;
    }
    return own + others;
  }

  /** Every waiting tenant with its requests. */
  waitingTenants(): { readonly tenant: string; readonly items: readonly Item[]; readonly bytes: number }[] {
    const queues = [...this.#waiting];
    return queues.map(({ tenant, urgent, rest, bytes }) => ({ tenant, items: [...urgent, ...rest], bytes }));
  }

  #queueOf(tenant: string): TenantQueue<Item> {
    const known = this.#queues.get(tenant);
    if (known) return known;
    const share = this.#shareOf(tenant);
    const queue: TenantQueue<Item> = { tenant, share, urgent: [], rest: [], bytes: 0, clock: NEVER, idleAt: NEVER };
    this.#queues.set(tenant, queue);
    return queue;
  }

  /** Called when the tenant begins to wait. */
  #wake(queue: TenantQueue<Item>): void {
    const { clock, isSparse, least } = this.#startingClock(queue);
    this.#clock = least;
    queue.clock = clock;
    if (isSparse) this.#sparse.add(queue);
    this.#waiting.add(queue);
    for (const each of this.#waiting) each.clock = Math.min(each.clock, this.#clock + MAX_AHEAD);
  }

  /**
   * The clock with which a tenant begins to wait. It keeps at most one turn of the service that it did not use while
   * idle. `least`: the lowest clock.
   */
  #startingClock(queue: TenantQueue<Item> | undefined): {
    readonly clock: number;
    readonly isSparse: boolean;
    readonly least: number;
  } {
    const least = Math.max(this.#clock, this.#furthestBehind()?.clock ?? 0);
    const { clock = NEVER, idleAt = NEVER } = queue ?? {};
    const isSparse = least - idleAt >= IDLE_TURN;
    const start = Math.max(clock, isSparse ? least : least - IDLE_TURN);
    return { clock: Math.min(start, least + MAX_AHEAD), isSparse, least };
  }

  #furthestBehind(): TenantQueue<Item> | undefined {
    let least: TenantQueue<Item> | undefined;
    for (const queue of this.#waiting) if (!least || queue.clock < least.clock) least = queue;
    return least;
  }

  #count(queue: TenantQueue<Item>, item: Item, by: 1 | -1): void {
    queue.bytes += by * item.bytes;
    this.#size += by;
    if (lengthOf(queue) > 0) return;
    this.#waiting.delete(queue);
    this.#sparse.delete(queue);
    this.#clock = queue.idleAt = Math.max(this.#clock, this.#furthestBehind()?.clock ?? queue.clock);
  }
}

const lengthOf = (queue: Pick<TenantQueue<unknown>, "urgent" | "rest"> | undefined): number =>
  queue ? queue.urgent.length + queue.rest.length : 0;
