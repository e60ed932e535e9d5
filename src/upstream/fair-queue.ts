/**
 * Which tenant is next? One bounded queue per tenant, and start-time fair queueing between them (Goyal, Vin and Cheng,
 * 1996): each request advances its tenant's clock by 1/share, and the tenant with the lowest clock is next. A tenant
 * that was idle while the others had a whole turn goes first once (the sparse flows of RFC 8290), so that a tenant that
 * seldom asks does not wait for a flood. Knows nothing of lanes or time.
 */

export type Waiting = {
  readonly tenant: string;
  readonly bytes: number;
  /** Goes before what is not, within its tenant. */
  readonly urgent: boolean;
};

export type Bounds = {
  /** Requests of one tenant. */ readonly max: number;
  /** Bytes of one tenant. */ readonly maxBytes: number;
};

type Line<Item> = {
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

/** By how much the others' clocks advance before an idle tenant goes first: the requests of the shortest turn. */
export const IDLE_TURN = 14;
/** A clock is ahead of the others by this at most, so that no tenant pays for long for lanes that were idle. */
const FURTHEST_AHEAD = 4 * IDLE_TURN;

/** The clock of a tenant that has not waited yet. */
const UNKNOWN = Number.NEGATIVE_INFINITY;

export class FairQueue<Item extends Waiting> {
  #bounds: Bounds;
  #shareOf: (tenant: string) => number;
  readonly #lines = new Map<string, Line<Item>>();
  /** Lines with requests, in the order in which they began to wait. */
  readonly #waiting = new Set<Line<Item>>();
  readonly #fresh = new Set<Line<Item>>();
  /** The lowest clock of those that wait, where a new tenant begins. */
  #clock = 0;
  #size = 0;

  constructor(bounds: Bounds, shareOf: (tenant: string) => number = () => 1) {
    this.#bounds = bounds;
    this.#shareOf = shareOf;
  }

  /** These bounds and shares apply from now on. What waits already stays, whatever the bounds. */
  retune(bounds: Bounds, shareOf: (tenant: string) => number = () => 1): void {
    this.#bounds = bounds;
    this.#shareOf = shareOf;
    for (const line of this.#lines.values()) {
      if (this.#waiting.has(line)) line.share = shareOf(line.tenant);
      else this.#lines.delete(line.tenant);
    }
  }

  get size(): number {
    return this.#size;
  }

  /** The number of waiting tenants. */
  get tenants(): number {
    return this.#waiting.size;
  }

  /** The number of waiting tenants that go first. */
  get fresh(): number {
    return this.#fresh.size;
  }

  isWaiting(tenant: string): boolean {
    return lengthOf(this.#lines.get(tenant)) > 0;
  }

  isFresh(tenant: string): boolean {
    const line = this.#lines.get(tenant);
    return line !== undefined && this.#fresh.has(line);
  }

  /** The first tenant has had less than the second, by their shares. */
  isBehind(tenant: string, other: string): boolean {
    return (this.#lines.get(tenant)?.clock ?? this.#clock) < (this.#lines.get(other)?.clock ?? this.#clock);
  }

  /** False when this tenant's queue is full. */
  push(item: Item): boolean {
    const line = this.#lineOf(item.tenant);
    if (lengthOf(line) >= this.#bounds.max || line.bytes + item.bytes > this.#bounds.maxBytes) return false;
    if (lengthOf(line) === 0) this.#wake(line);
    (item.urgent ? line.urgent : line.rest).push(item);
    this.#count(line, item, 1);
    return true;
  }

  /** Back to where it was: it had its turn and could not use it. */
  putBack(item: Item): void {
    const line = this.#lineOf(item.tenant);
    if (line.clock === UNKNOWN) this.#wake(line);
    else line.clock -= 1 / line.share;
    this.#waiting.add(line);
    (item.urgent ? line.urgent : line.rest).unshift(item);
    this.#count(line, item, 1);
  }

  /** Takes an item out wherever it stands. */
  remove(item: Item): void {
    const line = this.#lines.get(item.tenant);
    const items = item.urgent ? line?.urgent : line?.rest;
    const at = items?.indexOf(item) ?? -1;
    if (!line || at < 0) return;
    items!.splice(at, 1);
    this.#count(line, item, -1);
  }

  /** The next tenant; undefined when none waits. */
  first(): string | undefined {
    for (const { tenant } of this.#fresh) return tenant;
    return this.#furthestBehind()?.tenant;
  }

  /** All waiting tenants, the next one first. */
  inOrder(): string[] {
    const others = [...this.#waiting].filter((line) => !this.#fresh.has(line));
    others.sort((one, other) => one.clock - other.clock);
    return [...this.#fresh, ...others].map(({ tenant }) => tenant);
  }

  /** The tenant's next request: urgent ones first, each kind first come first served. */
  take(tenant: string): Item | undefined {
    const line = this.#lines.get(tenant);
    const item = line?.urgent.shift() ?? line?.rest.shift();
    if (!line || item === undefined) return undefined;
    this.#fresh.delete(line);
    line.clock += 1 / line.share;
    this.#count(line, item, -1);
    return item;
  }

  /** How many of this tenant's requests would be served before another one. */
  ahead(tenant: string, urgent: boolean): number {
    const line = this.#lines.get(tenant);
    return line ? line.urgent.length + (urgent ? 0 : line.rest.length) : 0;
  }

  /** How many requests of all tenants would be served before a new one of this tenant, as long as all go on asking. */
  before(tenant: string, urgent: boolean): number {
    const own = this.ahead(tenant, urgent);
    const line = this.#lines.get(tenant);
    const isWaiting = line !== undefined && this.#waiting.has(line);
    const { clock, isFresh } = isWaiting ? { clock: line.clock, isFresh: this.#fresh.has(line) } : this.#begin(line);
    if (own === 0 && isFresh) return this.#fresh.size - (isWaiting ? 1 : 0);
    const start = clock + own / (line?.share ?? this.#shareOf(tenant));
    let others = 0;
    for (const other of this.#waiting) {
      if (other !== line && other.clock <= start) others += Math.floor((start - other.clock) * other.share) + 1;
    }
    return own + others;
  }

  /** Every tenant that waits, with what waits. */
  waiting(): { readonly tenant: string; readonly items: readonly Item[]; readonly bytes: number }[] {
    const lines = [...this.#waiting];
    return lines.map(({ tenant, urgent, rest, bytes }) => ({ tenant, items: [...urgent, ...rest], bytes }));
  }

  #lineOf(tenant: string): Line<Item> {
    const known = this.#lines.get(tenant);
    if (known) return known;
    const share = this.#shareOf(tenant);
    const line: Line<Item> = { tenant, share, urgent: [], rest: [], bytes: 0, clock: UNKNOWN, idleAt: UNKNOWN };
    this.#lines.set(tenant, line);
    return line;
  }

  /** The tenant begins to wait. */
  #wake(line: Line<Item>): void {
    const { clock, isFresh, least } = this.#begin(line);
    this.#clock = least;
    line.clock = clock;
    if (isFresh) this.#fresh.add(line);
    this.#waiting.add(line);
    for (const each of this.#waiting) each.clock = Math.min(each.clock, this.#clock + FURTHEST_AHEAD);
  }

  /**
   * Where a tenant that begins to wait would stand. Of what it did not use while it was idle it keeps one turn at most.
   * `least`: the lowest clock.
   */
  #begin(line: Line<Item> | undefined): { readonly clock: number; readonly isFresh: boolean; readonly least: number } {
    const least = Math.max(this.#clock, this.#furthestBehind()?.clock ?? 0);
    const { clock = UNKNOWN, idleAt = UNKNOWN } = line ?? {};
    const isFresh = least - idleAt >= IDLE_TURN;
    const start = Math.max(clock, isFresh ? least : least - IDLE_TURN);
    return { clock: Math.min(start, least + FURTHEST_AHEAD), isFresh, least };
  }

  #furthestBehind(): Line<Item> | undefined {
    let least: Line<Item> | undefined;
    for (const line of this.#waiting) if (!least || line.clock < least.clock) least = line;
    return least;
  }

  #count(line: Line<Item>, item: Item, by: 1 | -1): void {
    line.bytes += by * item.bytes;
    this.#size += by;
    if (lengthOf(line) > 0) return;
    this.#waiting.delete(line);
    this.#fresh.delete(line);
    this.#clock = line.idleAt = Math.max(this.#clock, this.#furthestBehind()?.clock ?? line.clock);
  }
}

const lengthOf = (line: Pick<Line<unknown>, "urgent" | "rest"> | undefined): number =>
  line ? line.urgent.length + line.rest.length : 0;
