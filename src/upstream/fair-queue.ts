/**
 * Whose turn is it? One bounded queue per tenant, and weighted deficit round robin between them (Shreedhar and Varghese, 1995): a turn allows
 * QUANTUM × share requests, because a change of tenant on a lane costs a new connection. A tenant that was idle for a whole round goes first
 * once (the sparse flows of RFC 8290), so that a flood is not the wait of who seldom asks. Knows nothing of lanes or clocks.
 */

export type Waiting = {
  readonly tenant: string;
  readonly bytes: number;
  /** Goes before what is not, within its tenant. */
  readonly urgent: boolean;
};

export type Bounds = { /** Requests of one tenant. */ readonly max: number; /** Bytes of one tenant. */ readonly maxBytes: number };

/** A lane may serve so many requests of this tenant before it asks again. */
export type Turn = { readonly tenant: string; allowance: number };

type Line<Item> = {
  readonly tenant: string;
  share: number;
  readonly urgent: Item[];
  readonly rest: Item[];
  bytes: number;
  /** Allowance that earlier turns have left over. */
  deficit: number;
};

export const QUANTUM = 4;

export class FairQueue<Item extends Waiting> {
  #bounds: Bounds;
  #shareOf: (tenant: string) => number;
  readonly #lines = new Map<string, Line<Item>>();
  /** Tenants that have begun to wait after an idle round. */
  #fresh: Line<Item>[] = [];
  /** Everyone else, in the order of turns. A tenant with nothing left stays until its turn comes: only then it counts as idle. */
  #round: Line<Item>[] = [];
  #size = 0;

  constructor(bounds: Bounds, shareOf: (tenant: string) => number = () => 1) {
    this.#bounds = bounds;
    this.#shareOf = shareOf;
  }

  /** From now on these bounds and shares count, also for those who wait. Who waits already stays, whatever the bounds. */
  retune(bounds: Bounds, shareOf: (tenant: string) => number = () => 1): void {
    this.#bounds = bounds;
    this.#shareOf = shareOf;
    for (const line of this.#lines.values()) line.share = shareOf(line.tenant);
  }

  get size(): number {
    return this.#size;
  }

  /** A tenant waits that goes before every round. */
  get hasFresh(): boolean {
    return this.#fresh.length > 0;
  }

  /** False when this tenant's queue is full. */
  push(item: Item): boolean {
    const line = this.#lines.get(item.tenant) ?? this.#open(item.tenant);
    if (lengthOf(line) >= this.#bounds.max || line.bytes + item.bytes > this.#bounds.maxBytes) return false;
    (item.urgent ? line.urgent : line.rest).push(item);
    this.#count(line, item, 1);
    return true;
  }

  /** Back to where it was: it had its turn and could not use it. */
  putBack(item: Item): void {
    const line = this.#lines.get(item.tenant) ?? this.#open(item.tenant);
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

  /** Whose turn it is now; undefined when nobody waits. */
  nextTurn(): Turn | undefined {
    if (this.#size === 0) return undefined;
    for (;;) {
      const line = this.#fresh.shift() ?? this.#round.shift()!;
      if (lengthOf(line) === 0) {
        this.#lines.delete(line.tenant);
        continue;
      }
      this.#round.push(line);
      const allowed = line.deficit + QUANTUM * line.share;
      line.deficit = allowed % 1;
      if (allowed >= 1) return { tenant: line.tenant, allowance: Math.floor(allowed) };
    }
  }

  /** What a turn was not used for although requests wait, because someone goes first: the tenant is next in its round. */
  giveBack({ tenant, allowance }: Turn): void {
    const line = this.#lines.get(tenant);
    // A tenant that has begun anew since then goes first as it is.
    if (!line || allowance <= 0 || lengthOf(line) === 0 || !this.#round.includes(line)) return;
    line.deficit += allowance - QUANTUM * line.share;
    this.#round = [line, ...this.#round.filter((each) => each !== line)];
  }

  /** The tenant's next request: urgent ones first, each kind first come first served. */
  take(tenant: string): Item | undefined {
    const line = this.#lines.get(tenant);
    const item = line?.urgent.shift() ?? line?.rest.shift();
    if (!line || item === undefined) return undefined;
    this.#count(line, item, -1);
    if (lengthOf(line) === 0) line.deficit = 0;
    return item;
  }

  /** How many of this tenant's requests would be served before another one. */
  ahead(tenant: string, urgent: boolean): number {
    const line = this.#lines.get(tenant);
    return line ? line.urgent.length + (urgent ? 0 : line.rest.length) : 0;
  }

  /** Sum of the shares of those who wait, and of this tenant. */
  sharesWith(tenant: string): number {
    let sum = this.#shareOf(tenant);
    for (const line of this.#lines.values()) if (line.tenant !== tenant && lengthOf(line) > 0) sum += line.share;
    return sum;
  }

  /** Every tenant that waits, with what waits. */
  waiting(): { readonly tenant: string; readonly items: readonly Item[]; readonly bytes: number }[] {
    return [...this.#lines.values()].filter((line) => lengthOf(line) > 0)
      .map(({ tenant, urgent, rest, bytes }) => ({ tenant, items: [...urgent, ...rest], bytes }));
  }

  #open(tenant: string): Line<Item> {
    const line: Line<Item> = { tenant, share: this.#shareOf(tenant), urgent: [], rest: [], bytes: 0, deficit: 0 };
    this.#lines.set(tenant, line);
    this.#fresh.push(line);
    return line;
  }

  #count(line: Line<Item>, item: Item, by: 1 | -1): void {
    line.bytes += by * item.bytes;
    this.#size += by;
  }
}

const lengthOf = (line: Line<never> | { urgent: readonly unknown[]; rest: readonly unknown[] } | undefined): number =>
  line ? line.urgent.length + line.rest.length : 0;
