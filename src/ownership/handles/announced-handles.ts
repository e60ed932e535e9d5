/**
 * Which handles OCS has announced in one of its lives, and the highest of them. OCS counts its handles up, so one that comes for the first time and
 * lies far below the highest proves that OCS has begun to count again.
 */
const PAGE_BITS = 32_768;
const MAX_PAGES = 128;
const MAX_FALLING = 10_000;
const MAX_LAST = 10_000;

export type Page = { readonly number: number; readonly bits: Uint8Array };

/** A bit for each handle, in pages of 4 KiB. The lowest pages are dropped, and a handle below those that are kept counts as new. */
export class HandlePages {
  readonly #pages: Map<number, Uint8Array>;

  constructor(pages: readonly Page[] = []) {
    this.#pages = new Map(pages.map(({ number, bits }) => [number, bits]));
  }

  has(handle: number): boolean {
    const bits = this.#pages.get(Math.floor(handle / PAGE_BITS));
    return bits !== undefined && (bits[(handle % PAGE_BITS) >> 3]! & (1 << (handle & 7))) !== 0;
  }

  /** Returns its page, and the number of the page that was dropped for it, if one was. */
  add(handle: number): Page & { readonly dropped: number | undefined } {
    const number = Math.floor(handle / PAGE_BITS);
    let bits = this.#pages.get(number);
    let dropped: number | undefined;
    if (!bits) {
      this.#pages.set(number, (bits = new Uint8Array(PAGE_BITS / 8)));
      if (this.#pages.size > MAX_PAGES) this.#pages.delete((dropped = Math.min(...this.#pages.keys())));
    }
    bits[(handle % PAGE_BITS) >> 3]! |= 1 << (handle & 7);
    return { number, bits, dropped };
  }

  get pages(): Page[] {
    return [...this.#pages].map(([number, bits]) => ({ number, bits: bits.slice() }));
  }
}

/** What an earlier run of the gateway knew of a life. */
export type KnownLife = {
  readonly highest?: number | undefined;
  readonly highestAt?: number | undefined;
  readonly announced?: readonly Page[] | undefined;
};

/**
 * The same OCS has begun another life, and that has not come further than the handle `upTo`. `proof`: the handle that
 * proves it. `keepFrom`: as an earlier run of the gateway found, the first generation of the new life.
 */
export type NewLife = { readonly upTo: number; readonly proof: number; readonly keepFrom?: number };

export class Announced {
  readonly #handles: HandlePages;
  #highest: number;
  #highestAt: number;
  /** Of each announcement that none above it has followed, in the order of time: handles fall, generations rise. */
  readonly #falling: { readonly handle: number; readonly generation: number }[] = [];
  /** The last ones that this run of the gateway has heard, in the order of time. */
  readonly #last = new Set<number>();

  constructor({ highest = 0, highestAt = 0, announced = [] }: KnownLife = {}) {
    this.#handles = new HandlePages(announced);
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
    return this.#handles.has(handle);
  }

  /** The generation that had been reached at the last announcement above this handle; 0 for none. */
  lastAbove(handle: number): number {
    // What an earlier run knew is not in the order of time.
    return this.#falling.reduce((last, each) => (each.handle > handle ? Math.max(last, each.generation) : last), 0);
  }

  /**
   * Those that the new life has announced before its proof: heard after the last one above `upTo`. Where this run has
   * heard none above it, an earlier run may have heard in that life any of those that are known up to its proof: then
   * also these, as far below as a late copy may come.
   */
  heardIn({ upTo, proof }: NewLife): number[] {
    const last = [...this.#last];
    const above = last.findLastIndex((each) => each > upTo);
    if (above >= 0) return last.slice(above + 1);
    const earlier: number[] = [];
    for (let each = Math.max(1, proof - MAX_LAST); each < proof; each++) {
      if (this.#handles.has(each) && !this.#last.has(each)) earlier.push(each);
    }
    return [...earlier, ...last];
  }

  /** OCS announces it. `generation`: the last one before. */
  hear(handle: number, generation: number): void {
    this.add(handle, generation);
    this.#last.delete(handle);
    this.#last.add(handle);
    if (this.#last.size > MAX_LAST) this.#last.delete(this.#last.values().next().value!);
  }

  /** It is known to have been announced. */
  add(handle: number, generation: number): void {
    this.#handles.add(handle);
    if (handle >= this.#highest) [this.#highest, this.#highestAt] = [handle, generation];
    while (this.#falling.length > 0 && this.#falling.at(-1)!.handle <= handle) this.#falling.pop();
    this.#falling.push({ handle, generation });
    if (this.#falling.length > MAX_FALLING) this.#falling.shift();
  }
}
