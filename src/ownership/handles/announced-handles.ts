/**
 * The handles that OCS has announced in one of its lives, and the highest of them. OCS numbers its handles upwards, so
 * a handle announced for the first time far below the highest one proves that OCS was restarted.
 */
const PAGE_BITS = 32_768;
const MAX_PAGES = 128;
const MAX_FALLING = 10_000;
const MAX_LATEST = 10_000;

export type Page = { readonly number: number; readonly bits: Uint8Array };

/**
 * One bit per handle, in pages of 4 KiB. If there are too many, the lowest page is dropped; a handle below the kept
 * pages counts as new.
 */
export class HandlePages {
  readonly #pages: Map<number, Uint8Array>;

  constructor(pages: readonly Page[] = []) {
    this.#pages = new Map(pages.map(({ number, bits }) => [number, bits]));
  }

  has(handle: number): boolean {
    const bits = this.#pages.get(Math.floor(handle / PAGE_BITS));
    return bits !== undefined && (bits[(handle % PAGE_BITS) >> 3]! & (1 << (handle & 7))) !== 0;
  }

  /** Adds a handle. Returns its page, and the number of the page that was dropped for it, if any. */
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

/** What an earlier run of the gateway knew about a life of OCS. */
export type RestoredLife = {
  readonly highest?: number | undefined;
  readonly highestAt?: number | undefined;
  readonly announced?: readonly Page[] | undefined;
};

/**
 * The same OCS has begun another life, whose handles have not come above `upTo`. `proof`: the handle that proves it.
 * `keepFrom`: the first generation of the new life, where an earlier run of the gateway found it.
 */
export type NewLife = { readonly upTo: number; readonly proof: number; readonly keepFrom?: number };

/** The whole state; see the members of `AnnouncedHandles`. `pages`: with their bits in base64. */
export type AnnouncedSnapshot = {
  readonly highest: number;
  readonly highestAt: number;
  readonly pages: readonly (readonly [number: number, bits: string])[];
  readonly falling: readonly (readonly [handle: number, generation: number])[];
  readonly latest: readonly number[];
};

export class AnnouncedHandles {
  readonly #handles: HandlePages;
  #highest: number;
  #highestAt: number;
  /**
   * The announcements after which no higher handle was announced, in chronological order: handles decrease, generations
   * increase.
   */
  readonly #falling: { readonly handle: number; readonly generation: number }[] = [];
  /** The latest handles announced in this run of the gateway, in chronological order. */
  readonly #latest = new Set<number>();

  constructor({ highest = 0, highestAt = 0, announced = [] }: RestoredLife = {}) {
    this.#handles = new HandlePages(announced);
    this.#highest = highest;
    this.#highestAt = highestAt;
    if (highest > 0) this.#falling.push({ handle: highest, generation: highestAt });
  }

  static from({ highest, highestAt, pages, falling, latest }: AnnouncedSnapshot): AnnouncedHandles {
    const announced = pages.map(([number, bits]) => ({ number, bits: new Uint8Array(Buffer.from(bits, "base64")) }));
    const restored = new AnnouncedHandles({ highest, highestAt, announced });
    restored.#falling.splice(0, Infinity, ...falling.map(([handle, generation]) => ({ handle, generation })));
    for (const handle of latest) restored.#latest.add(handle);
    return restored;
  }

  get snapshot(): AnnouncedSnapshot {
    return {
      highest: this.#highest,
      highestAt: this.#highestAt,
      pages: this.#handles.pages.map(({ number, bits }) => [number, Buffer.from(bits).toString("base64")]),
      falling: this.#falling.map(({ handle, generation }) => [handle, generation]),
      latest: [...this.#latest],
    };
  }

  get highest(): number {
    return this.#highest;
  }

  /** The last generation before the last announcement of the highest one. */
  get highestAt(): number {
    return this.#highestAt;
  }

  has(handle: number): boolean {
    return this.#handles.has(handle);
  }

  /** The last generation before the last announcement above this handle; 0 for none. */
  lastAbove(handle: number): number {
    // Entries of an earlier run are not in chronological order.
    return this.#falling.reduce((last, each) => (each.handle > handle ? Math.max(last, each.generation) : last), 0);
  }

  /**
   * Handles that the new life has announced before its proof: those after the last one above `upTo`. Where this run got
   * none above it, an earlier run may have got any known handle below the proof in that life: then also these, as far
   * below as a late copy may come.
   */
  announcedIn({ upTo, proof }: NewLife): number[] {
    const latest = [...this.#latest];
    const above = latest.findLastIndex((each) => each > upTo);
    if (above >= 0) return latest.slice(above + 1);
    const earlier: number[] = [];
    for (let each = Math.max(1, proof - MAX_LATEST); each < proof; each++) {
      if (this.#handles.has(each) && !this.#latest.has(each)) earlier.push(each);
    }
    return [...earlier, ...latest];
  }

  /** Records that OCS announces the handle. `generation`: the last one before. */
  announce(handle: number, generation: number): void {
    this.add(handle, generation);
    this.#latest.delete(handle);
    this.#latest.add(handle);
    if (this.#latest.size > MAX_LATEST) this.#latest.delete(this.#latest.values().next().value!);
  }

  /** Records that OCS announced the handle earlier. */
  add(handle: number, generation: number): void {
    this.#handles.add(handle);
    if (handle >= this.#highest) [this.#highest, this.#highestAt] = [handle, generation];
    while (this.#falling.length > 0 && this.#falling.at(-1)!.handle <= handle) this.#falling.pop();
    this.#falling.push({ handle, generation });
    if (this.#falling.length > MAX_FALLING) this.#falling.shift();
  }
}
