/**
 * Which handles OCS has announced in one of its lives, and the highest of them. OCS counts its handles up, so one that comes for the first time and
 * lies far below the highest proves that OCS has begun to count again. A bit for each handle, in pages; the lowest pages are dropped, and a handle
 * below those that are kept counts as new.
 */
const PAGE_BITS = 32_768;
const MAX_PAGES = 128;
const MAX_FALLING = 10_000;

export class Announced {
  readonly #pages = new Map<number, Uint8Array>();
  #highest: number;
  #highestAt: number;
  /** Of each announcement that none above it has followed, in the order of time: handles fall, generations rise. */
  readonly #falling: { readonly handle: number; readonly generation: number }[] = [];

  /** What an earlier run of the gateway knew of this life; 0 for nothing. */
  constructor(highest = 0, highestAt = 0) {
    this.#highest = highest;
    this.#highestAt = highestAt;
    if (highest > 0) this.#falling.push({ handle: highest, generation: highestAt });
  }

  get highest(): number {
    return this.#highest;
  }

  /** The generation that had been reached when the highest one was announced last. */
  get highestAt(): number {
    return this.#highestAt;
  }

  has(handle: number): boolean {
    const page = this.#pages.get(Math.floor(handle / PAGE_BITS));
    return page !== undefined && (page[(handle % PAGE_BITS) >> 3]! & (1 << (handle & 7))) !== 0;
  }

  /** The generation that had been reached at the last announcement above this handle; 0 for none. */
  lastAbove(handle: number): number {
    return this.#falling.findLast((each) => each.handle > handle)?.generation ?? 0;
  }

  /** `generation`: the last one before. */
  add(handle: number, generation: number): void {
    const number = Math.floor(handle / PAGE_BITS);
    let page = this.#pages.get(number);
    if (!page) {
      this.#pages.set(number, (page = new Uint8Array(PAGE_BITS / 8)));
      if (this.#pages.size > MAX_PAGES) this.#pages.delete(Math.min(...this.#pages.keys()));
    }
    page[(handle % PAGE_BITS) >> 3]! |= 1 << (handle & 7);
    if (handle >= this.#highest) [this.#highest, this.#highestAt] = [handle, generation];
    while (this.#falling.length > 0 && this.#falling.at(-1)!.handle <= handle) this.#falling.pop();
    this.#falling.push({ handle, generation });
    if (this.#falling.length > MAX_FALLING) this.#falling.shift();
  }
}
