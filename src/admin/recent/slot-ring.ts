/**
 * What happened in the last 60 minutes, in slots of time. A slot is made by the first request in it, so an idle tenant
 * has none. All slots of a tenant are in one typed array, which grows and shrinks with their number. Times are seconds
 * on the monotonic clock.
 */
import { BUCKETS } from "./log-buckets.ts";

/** The numbers in a slot, each one cell; QUEUE and OCS are the first of `BUCKETS` cells. */
export const CELL = {
  ok: 0,
  ocsNo: 1,
  refused: 2,
  noAnswer: 3,
  /** Do-Not-Calls: requested, and accepted by OCS. */
  dncAsked: 4,
  dncConfirmed: 5,
  /** The highest number of open Do-Not-Calls plus one; 0 if it was not known. */
  dncOpen: 6,
  /** Replies 410. */
  gone: 7,
  wouldRefuse: 8,
  /** Tenths of milliseconds at OCS, of all requests together. */
  ocsTenths: 9,
  queue: 10,
  ocs: 10 + BUCKETS,
} as const;

export const CELLS = CELL.ocs + BUCKETS;

/** Requests that ended with a code. */
export const CODED = ["refused", "no_answer", "would_refuse"] as const;
export type Coded = (typeof CODED)[number];
export type CodeCount = { readonly as: Coded; readonly code: string; readonly count: number };

/** `at`: the offset of its first cell. */
export type Slot = {
  readonly from: number;
  readonly to: number;
  readonly at: number;
  readonly codes: readonly CodeCount[];
};

export const KEPT_SECONDS = 3600;
const FIRST_CAPACITY = 2;

export class SlotRing {
  #cells = new Uint32Array(FIRST_CAPACITY * CELLS);
  #bounds = new Float64Array(FIRST_CAPACITY * 2);
  /** By place and kind, the codes of a slot; most slots have none. */
  #codes: (Map<string, number> | undefined)[] = [];
  #capacity = FIRST_CAPACITY;
  /** Place of the oldest slot, and the number of slots. */
  #first = 0;
  #count = 0;
  /** The newest slot: its place, its offset and its end. */
  #place = 0;
  #at = 0;
  #end = -Infinity;

  get cells(): Uint32Array {
    return this.#cells;
  }

  get count(): number {
    return this.#count;
  }

  get bytes(): number {
    return this.#cells.byteLength + this.#bounds.byteLength;
  }

  /** The end of the newest slot; -Infinity without any. */
  get end(): number {
    return this.#end;
  }

  /** The offset of the slot that contains `now`; if no slot does, of a new one of at most `width` seconds. */
  offset(now: number, width: number): number {
    return now < this.#end ? this.#at : this.#open(now, width);
  }

  /** Counts a code in the newest slot. */
  addCode(as: Coded, code: string): void {
    const index = this.#place * CODED.length + CODED.indexOf(as);
    const codes = (this.#codes[index] ??= new Map<string, number>());
    codes.set(code, (codes.get(code) ?? 0) + 1);
  }

  /** The oldest first. */
  *slots(): Iterable<Slot> {
    for (const place of this.#places())
      yield {
        from: this.#bounds[2 * place]!,
        to: this.#bounds[2 * place + 1]!,
        at: place * CELLS,
        codes: CODED.flatMap((as, kind) =>
          [...(this.#codes[place * CODED.length + kind] ?? [])].map(([code, count]) => ({ as, code, count })),
        ),
      };
  }

  /** Those that end after `since`, without their codes; the newest first. */
  *newest(since: number): Iterable<Omit<Slot, "codes">> {
    for (let index = this.#count - 1; index >= 0; index--) {
      const place = (this.#first + index) % this.#capacity;
      const to = this.#bounds[2 * place + 1]!;
      if (to <= since) return;
      yield { from: this.#bounds[2 * place]!, to, at: place * CELLS };
    }
  }

  /** Requests in slots that end after `since`; much quicker than `newest`, for a look at thousands of tenants. */
  requestsSince(since: number): number {
    let sum = 0;
    for (let index = this.#count - 1; index >= 0; index--) {
      const place = (this.#first + index) % this.#capacity;
      if (this.#bounds[2 * place + 1]! <= since) break;
      const at = place * CELLS;
      for (let cell: number = CELL.ok; cell <= CELL.noAnswer; cell++) sum += this.#cells[at + cell]!;
    }
    return sum;
  }

  /** Forgets slots that ended before the last 60 minutes. */
  expire(now: number): void {
    while (this.#count > 0 && this.#bounds[2 * this.#first + 1]! <= now - KEPT_SECONDS) {
      this.#codes.fill(undefined, this.#first * CODED.length, (this.#first + 1) * CODED.length);
      this.#first = (this.#first + 1) % this.#capacity;
      this.#count--;
    }
  }

  #open(now: number, width: number): number {
    this.expire(now);
    if (this.#count === this.#capacity) {
      const enough = Math.ceil(KEPT_SECONDS / width) + 2;
      this.#resize(Math.max(this.#capacity + 2, Math.min(Math.ceil(1.5 * this.#capacity), enough)));
    } else if (this.#capacity > 8 && this.#count < this.#capacity >> 2) this.#resize(this.#capacity >> 1);
    const aligned = Math.floor(now / width) * width;
    const place = (this.#place = (this.#first + this.#count++) % this.#capacity);
    // After a narrower slot the rest of a wide one is left.
    this.#bounds[2 * place] = Math.max(aligned, this.#end);
    this.#bounds[2 * place + 1] = this.#end = aligned + width;
    this.#at = place * CELLS;
    this.#cells.fill(0, this.#at, this.#at + CELLS);
    return this.#at;
  }

  #places(): number[] {
    return Array.from({ length: this.#count }, (_, index) => (this.#first + index) % this.#capacity);
  }

  #resize(capacity: number): void {
    const [cells, bounds] = [new Uint32Array(capacity * CELLS), new Float64Array(capacity * 2)];
    const codes: (Map<string, number> | undefined)[] = [];
    for (const [to, from] of this.#places().entries()) {
      cells.set(this.#cells.subarray(from * CELLS, (from + 1) * CELLS), to * CELLS);
      bounds.set(this.#bounds.subarray(2 * from, 2 * from + 2), 2 * to);
      for (let kind = 0; kind < CODED.length; kind++)
        codes[to * CODED.length + kind] = this.#codes[from * CODED.length + kind];
    }
    [this.#cells, this.#bounds, this.#codes, this.#capacity, this.#first] = [cells, bounds, codes, capacity, 0];
  }
}
