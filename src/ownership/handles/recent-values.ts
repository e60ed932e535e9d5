/** The last values of many keys in bounded memory: when the young map is full, it replaces the old one. */
export class RecentValues<Value> {
  readonly #max: number;
  #young = new Map<number, Value>();
  #old = new Map<number, Value>();

  /** Remembers at least the last `max` keys, and at most twice as many. */
  constructor(max: number) {
    this.#max = max;
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
