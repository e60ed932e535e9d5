/** The last values of many keys in bounded memory: when the young map is full, it replaces the old one. */
/** All values, oldest first in each map. */
export type RecentSnapshot<Value> = {
  readonly young: readonly (readonly [key: number, value: Value])[];
  readonly old: readonly (readonly [key: number, value: Value])[];
};

export class RecentValues<Value> {
  readonly #max: number;
  #young: Map<number, Value>;
  #old: Map<number, Value>;

  /** Remembers at least the last `max` keys, and at most twice as many. */
  constructor(max: number, { young, old }: RecentSnapshot<Value> = { young: [], old: [] }) {
    this.#max = max;
    [this.#young, this.#old] = [new Map(young), new Map(old)];
  }

  get snapshot(): RecentSnapshot<Value> {
    return { young: [...this.#young], old: [...this.#old] };
  }

  set(key: number, value: Value): void {
    if (this.#young.size >= this.#max) {
      this.#old = this.#young;
      this.#young = new Map();
    }
    this.#young.set(key, value);
  }

  get(key: number): Value | undefined {
    return this.#young.get(key) ?? this.#old.get(key);
  }

  delete(key: number): void {
    this.#young.delete(key);
    this.#old.delete(key);
  }

  clear(): void {
    this.#young = new Map();
    this.#old = new Map();
  }
}
