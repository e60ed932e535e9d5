/**
 * At which event of the log a handle was last taken from a tenant. A gateway that has not applied that event may still
 * use the handle for this tenant.
 */
const REMEMBERED = 65_536;

export class TakenAt {
  #young = new Map<number, number>();
  #old = new Map<number, number>();
  /** A handle that is not remembered was taken at this event at the latest. */
  #floor: number;
  #last: number;

  constructor(floor: number) {
    this.#floor = this.#last = floor;
  }

  /** `seq`: not lower than those before. */
  set(handle: number, seq: number): void {
    if (this.#young.size >= REMEMBERED) {
      // The last one of the map that is dropped.
      this.#floor = [...this.#old.values()].at(-1) ?? this.#floor;
      [this.#old, this.#young] = [this.#young, new Map()];
    }
    this.#young.delete(handle);
    this.#young.set(handle, seq);
    this.#last = seq;
  }

  /** All handles were taken. */
  setAll(seq: number): void {
    [this.#young, this.#old] = [new Map(), new Map()];
    this.#floor = this.#last = seq;
  }

  of(handle: number): number {
    return this.#young.get(handle) ?? this.#old.get(handle) ?? this.#floor;
  }

  get last(): number {
    return this.#last;
  }
}
